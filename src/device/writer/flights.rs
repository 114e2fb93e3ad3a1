//! Writes that the bus was given and whose end the writer did not see: a stop overtook them, or they took too long.
//!
//! They cannot be called back, so a stop is only confirmed once nothing from before it can still reach the hardware.

use std::collections::BTreeSet;

use crate::link::{Flight, LinkError};
use crate::types::Endpoint;

/// What a packet is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cargo {
    /// The features that it may change; `None` is any.
    pub features: Option<BTreeSet<u32>>,
    /// It may move a machine. A level that arrives before the stop is made up for by the stop; a move is not.
    pub moves: bool,
}

impl Cargo {
    fn concerns(&self, features: &BTreeSet<u32>) -> bool {
        self.features.as_ref().is_none_or(|own| !own.is_disjoint(features))
    }
}

/// The writes of one connection that may still reach the hardware.
#[derive(Debug, Default)]
pub(super) struct Flights(Vec<(Flight, Cargo)>);

impl Flights {
    /// Remembers a write whose end is not known.
    pub(super) fn add(&mut self, flight: Flight, cargo: Cargo) {
        // One of which nobody will ever know more stands for all of its kind.
        let alike = |(other, of): &(Flight, Cargo)| other.is_given_up() && of == &cargo;
        self.0.retain_mut(|(flight, _)| flight.is_open());
        if !(flight.is_given_up() && self.0.iter().any(alike)) {
            self.0.push((flight, cargo));
        }
    }

    /// The hardware has taken a later packet of this endpoint. Every bus carries the packets of one endpoint in order,
    /// so levels from before it were overwritten. Moves are waited for all the same: a bus with several operations
    /// under way may hear of the later one first.
    pub(super) fn superseded(&mut self, endpoint: Endpoint) {
        self.0.retain(|(flight, cargo)| cargo.moves || flight.endpoint() != endpoint);
    }

    /// Returns when nothing from before can reach these features any more. May be dropped and called again.
    ///
    /// # Errors
    /// Why that will never be certain, as long as the link is open.
    pub(super) async fn landed(&mut self, features: &BTreeSet<u32>) -> Result<(), String> {
        let concerns = |(_, cargo): &(Flight, Cargo)| cargo.concerns(features);
        while let Some(at) = self.0.iter().position(concerns) {
            let Some((flight, _)) = self.0.get_mut(at) else { break };
            if let Err(LinkError::Timeout { .. }) = flight.landed().await {
                let endpoint = flight.endpoint();
                return Err(format!("a write to {endpoint} hangs, which may still arrive after the stop"));
            }
            self.0.remove(at);
        }
        Ok(())
    }
}
