//! A simulated Ankni toy that wants the handshake (facts: protocols/ankni.md).

use crate::driver::{simulated::Level, simulated::SimulatedDevice, simulated::levels_of};
use crate::library::Model;
use crate::link::Notification;
use crate::types::Endpoint;

use super::handshake::{ADDRESS, LENGTH, proof};

/// What it has for an address.
const OWN: [u8; 6] = [1, 2, 3, 4, 5, 6];

/// See the module.
#[derive(Debug)]
pub(super) struct SimulatedAnkni {
    model: Model,
    level: u8,
    not_understood: u64,
}

impl SimulatedAnkni {
    pub(super) fn new(model: &Model) -> Self {
        Self { model: model.clone(), level: 0, not_understood: 0 }
    }
}

impl SimulatedDevice for SimulatedAnkni {
    fn written(&mut self, endpoint: Endpoint, data: &[u8]) -> Vec<Notification> {
        let right = endpoint == Endpoint::TX && data.len() == LENGTH;
        match data {
            [3, 0x12, level, rest @ ..] if right && rest.iter().all(|byte| *byte == 0) => self.level = *level,
            _ if right && (data == [1; LENGTH] || data.starts_with(&proof(&OWN))) => {}
            _ => self.not_understood += 1,
        }
        Vec::new()
    }

    fn read(&mut self, endpoint: Endpoint) -> Result<Vec<u8>, String> {
        if endpoint.name() == ADDRESS { Ok(OWN.to_vec()) } else { Err(format!("{endpoint} cannot be read")) }
    }

    fn levels(&self) -> Vec<Level> {
        levels_of(&self.model, |_, _| (self.level.into(), None))
    }

    fn not_understood(&self) -> u64 {
        self.not_understood
    }
}
