//! A simulated Galaku toy or pump (facts: protocols/galaku.md).

use crate::driver::{simulated::CHARGE, simulated::Level, simulated::SimulatedDevice, simulated::levels_of};
use crate::library::Model;
use crate::link::Notification;
use crate::types::Endpoint;

use super::cipher::{self, BATTERY};

/// See the module.
#[derive(Debug)]
pub(super) struct SimulatedGalaku {
    model: Model,
    /// Of the first and the second feature.
    levels: [u8; 2],
    not_understood: u64,
}

impl SimulatedGalaku {
    pub(super) fn new(model: &Model) -> Self {
        Self { model: model.clone(), levels: [0; 2], not_understood: 0 }
    }
}

impl SimulatedDevice for SimulatedGalaku {
    fn written(&mut self, endpoint: Endpoint, data: &[u8]) -> Vec<Notification> {
        match (cipher::decode(data), data) {
            _ if endpoint != Endpoint::TX => self.not_understood += 1,
            (Some(BATTERY), _) => {
                let data = cipher::encode([0x5A, 0, 0, CHARGE, 0, 0, 0, 0, 0, 0]);
                return vec![Notification { endpoint: Endpoint::BATTERY, data }];
            }
            (Some([0x5A, 0, 0, 1, 0x31, level, 0, 0, 0, 0]), _) => self.levels = [level, 0],
            (Some([0x5A, 0, 0, 1, 0x40 | 0x60, 3, one, other, 0, 0]), _) => self.levels = [one, other],
            (None, [0xAA, 1, 0x0A, 3, level, on, rest @ ..]) if rest == [0; 10] && *on == u8::from(*level > 0) => {
                self.levels = [*level, 0];
            }
            _ => self.not_understood += 1,
        }
        Vec::new()
    }

    fn read(&mut self, endpoint: Endpoint) -> Result<Vec<u8>, String> {
        Err(format!("{endpoint} cannot be read"))
    }

    fn levels(&self) -> Vec<Level> {
        levels_of(&self.model, |feature, _| {
            let at = usize::try_from(feature).unwrap_or(usize::MAX);
            (self.levels.get(at).copied().unwrap_or(0).into(), None)
        })
    }

    fn not_understood(&self) -> u64 {
        self.not_understood
    }
}
