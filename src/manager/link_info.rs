//! What links of a bus are like: which writes it confirms, and which endpoints the hardware has.

use std::collections::BTreeSet;

use crate::library::{Candidate, RealServices};
use crate::link::Confirms;
use crate::types::{Bus, Endpoint};

/// Which writes a bus confirms.
pub(super) fn confirms(bus: Bus) -> Confirms {
    match bus {
        Bus::Btle => Confirms::responses(),
        // Bytes on a line, reports to a radio or a dongle: the system takes them, and nobody answers.
        Bus::Serial | Bus::Hid | Bus::Usb | Bus::LovenseDongle => Confirms::Nothing,
        // TCP delivers or ends. The kernel ends a gamepad's effect by itself if nothing renews it.
        Bus::Websocket | Bus::Gamepad => Confirms::Everything,
    }
}

/// Which of the candidates hardware with these services is, and the endpoints it has. Without services it is taken to
/// be the first and to have everything.
pub(super) fn choose(candidates: &[Candidate], services: Option<&RealServices>) -> Option<(usize, BTreeSet<Endpoint>)> {
    let Some(services) = services else {
        return candidates.first().map(|candidate| (0, candidate.matcher.endpoints()));
    };
    let endpoints = candidates.iter().map(|candidate| candidate.matcher.endpoints_of(services));
    // The first of those with the most endpoints: `max_by_key` would give the last.
    let found: Vec<_> = endpoints.enumerate().filter(|(_, endpoints)| !endpoints.is_empty()).collect();
    let most = found.iter().map(|(_, endpoints)| endpoints.len()).max()?;
    found.into_iter().find(|(_, endpoints)| endpoints.len() == most)
}
