//! A simulated Umove (facts: protocols/umove.md).

use crate::driver::{simulated::Level, simulated::SimulatedDevice, simulated::levels_of};
use crate::library::Model;
use crate::link::Notification;
use crate::types::{Endpoint, OutputKind};

/// See the module.
#[derive(Debug)]
pub(super) struct SimulatedUmove {
    model: Model,
    vibration: i32,
    place: i32,
    temperature: i32,
    not_understood: u64,
}

impl SimulatedUmove {
    pub(super) fn new(model: &Model) -> Self {
        Self { model: model.clone(), vibration: 0, place: 0, temperature: 0, not_understood: 0 }
    }

    fn packet(&mut self, data: &[u8]) -> Option<()> {
        match *data {
            [0x5A, 0xA5, 0x55, 0, low, high, 1, 0, _, _, _, _, a, b, c, d] => {
                self.vibration = u16::from_le_bytes([low, high]).into();
                self.place = i32::from_le_bytes([a, b, c, d]);
                Some(())
            }
            [0x5A, 0xA5, 0x55, 6, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, degrees, 0xFF] => {
                self.temperature = degrees.into();
                Some(())
            }
            _ => None,
        }
    }
}

impl SimulatedDevice for SimulatedUmove {
    fn written(&mut self, endpoint: Endpoint, data: &[u8]) -> Vec<Notification> {
        if endpoint != Endpoint::TX || self.packet(data).is_none() {
            self.not_understood += 1;
        }
        Vec::new()
    }

    fn read(&mut self, endpoint: Endpoint) -> Result<Vec<u8>, String> {
        Err(format!("{endpoint} cannot be read"))
    }

    fn levels(&self) -> Vec<Level> {
        levels_of(&self.model, |_, kind| match kind {
            OutputKind::Vibrate => (self.vibration, None),
            OutputKind::Temperature => (self.temperature, None),
            _ => (self.place, None),
        })
    }

    fn not_understood(&self) -> u64 {
        self.not_understood
    }
}
