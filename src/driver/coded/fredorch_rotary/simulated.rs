//! Fredorch's simulated rotary machine (facts: protocols/fredorch-rotary.md).

use crate::driver::{simulated::Level, simulated::SimulatedDevice, simulated::levels_of};
use crate::library::Model;
use crate::link::Notification;
use crate::types::Endpoint;

use super::wire::{FASTER, SLOWER, START, STOP};

/// See the module.
#[derive(Debug)]
pub(super) struct SimulatedMachine {
    model: Model,
    speed: i32,
    not_understood: u64,
}

impl SimulatedMachine {
    pub(super) fn new(model: &Model) -> Self {
        Self { model: model.clone(), speed: 0, not_understood: 0 }
    }
}

impl SimulatedDevice for SimulatedMachine {
    fn written(&mut self, endpoint: Endpoint, data: &[u8]) -> Vec<Notification> {
        if endpoint != Endpoint::TX || !([FASTER, SLOWER].iter().any(|known| data == known) || START.contains(&data)) {
            self.not_understood += 1;
        } else if data == FASTER {
            self.speed += 1;
        } else if data == SLOWER {
            self.speed = (self.speed - 1).max(0);
        } else if data == STOP {
            self.speed = 0;
        }
        Vec::new()
    }

    fn read(&mut self, endpoint: Endpoint) -> Result<Vec<u8>, String> {
        Err(format!("{endpoint} cannot be read"))
    }

    fn levels(&self) -> Vec<Level> {
        levels_of(&self.model, |_, _| (self.speed, None))
    }

    fn not_understood(&self) -> u64 {
        self.not_understood
    }
}
