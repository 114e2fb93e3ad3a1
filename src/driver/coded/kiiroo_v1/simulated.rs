//! A simulated Onyx or Pearl (facts: protocols/kiiroo-v1.md).

use crate::driver::{simulated::Level, simulated::SimulatedDevice, simulated::levels_of};
use crate::library::Model;
use crate::link::Notification;
use crate::types::{Endpoint, OutputKind};

/// See the module.
#[derive(Debug)]
pub(super) struct SimulatedKiiroo {
    model: Model,
    /// 0 to 4.
    digit: i32,
    not_understood: u64,
}

impl SimulatedKiiroo {
    pub(super) fn new(model: &Model) -> Self {
        Self { model: model.clone(), digit: 0, not_understood: 0 }
    }
}

impl SimulatedDevice for SimulatedKiiroo {
    fn written(&mut self, endpoint: Endpoint, data: &[u8]) -> Vec<Notification> {
        match (endpoint, data) {
            (Endpoint::COMMAND, [1, 0]) => {}
            (Endpoint::TX, [digit @ b'0'..=b'4', b','] | [digit @ b'0'..=b'4', b',', b'\n']) => {
                self.digit = i32::from(digit - b'0');
            }
            _ => self.not_understood += 1,
        }
        Vec::new()
    }

    fn read(&mut self, endpoint: Endpoint) -> Result<Vec<u8>, String> {
        Err(format!("{endpoint} cannot be read"))
    }

    fn levels(&self) -> Vec<Level> {
        levels_of(&self.model, |_, kind| match kind {
            OutputKind::Vibrate => (self.digit, None),
            _ => (4 - self.digit, None),
        })
    }

    fn not_understood(&self) -> u64 {
        self.not_understood
    }
}
