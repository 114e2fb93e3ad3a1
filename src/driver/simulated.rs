//! The hardware's side of the protocols: what hardware makes of the packets that it gets, and what it answers.
//!
//! A simulated device is driven by the server exactly as a real one, so it knows only what hardware knows: the bytes.
//! What may not live here: links, sockets, clocks, anything that a driver remembers. A simulated device must not be told
//! what was meant, or it would prove nothing.

use crate::library::Model;
use crate::link::Notification;
use crate::types::{Endpoint, OutputKind};

/// Charge that every simulated device reports, in percent: neither full nor empty, so that nobody takes it for a default.
pub const CHARGE: u8 = 85;

/// What one output was last told to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// Index of the feature.
    pub feature: u32,
    /// Which of its outputs.
    pub kind: OutputKind,
    /// The value, in the hardware's own steps.
    pub value: i32,
    /// Time that a move takes, as far as the packet told.
    pub duration_ms: Option<u32>,
    /// Least value.
    pub min: i32,
    /// Greatest value.
    pub max: i32,
    /// What the feature is, for people; may be empty.
    pub label: String,
}

/// One piece of simulated hardware.
pub trait SimulatedDevice: Send {
    /// Takes a packet and returns the notifications that answer it, in order.
    fn written(&mut self, endpoint: Endpoint, data: &[u8]) -> Vec<Notification>;

    /// Notifications that the hardware sends as soon as the server subscribes.
    fn subscribed(&mut self, _endpoint: Endpoint) -> Vec<Notification> {
        Vec::new()
    }

    /// The value of an endpoint.
    ///
    /// # Errors
    /// An endpoint that has no value to read.
    fn read(&mut self, endpoint: Endpoint) -> Result<Vec<u8>, String>;

    /// The connection is over; the next one begins with the same connect steps. What runs goes on running, as it does in
    /// most real hardware: the server must stop it before it disconnects.
    fn released(&mut self) {}

    /// What every output does now, in feature order.
    fn levels(&self) -> Vec<Level>;

    /// Conditions of the definition that none of its answers satisfies, as they are written.
    fn unmet(&self) -> Vec<String> {
        Vec::new()
    }

    /// How many packets it did not understand.
    fn not_understood(&self) -> u64;
}

/// Every output of a model, at the values that `value` gives.
#[must_use]
pub fn levels_of(model: &Model, value: impl Fn(u32, OutputKind) -> (i32, Option<u32>)) -> Vec<Level> {
    let outputs = model.features.iter().flat_map(|feature| feature.outputs.iter().map(move |output| (feature, output)));
    outputs
        .map(|(feature, output)| {
            let (now, duration_ms) = value(feature.index, output.kind);
            Level {
                feature: feature.index,
                kind: output.kind,
                value: now,
                duration_ms,
                min: output.min,
                max: output.max,
                label: feature.label.clone(),
            }
        })
        .collect()
}
