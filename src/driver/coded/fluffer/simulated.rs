//! A simulated Fluffer toy (facts: protocols/fluffer.md). It takes every proof.

use crate::driver::{coded::aes_block, simulated::Level, simulated::SimulatedDevice, simulated::levels_of};
use crate::library::Model;
use crate::link::Notification;
use crate::types::{Endpoint, OutputKind};

use super::wire::{KEY, WELCOME};

/// See the module.
#[derive(Debug)]
pub(super) struct SimulatedFluffer {
    model: Model,
    /// Of the first and the second feature.
    slots: [u8; 2],
    not_understood: u64,
}

impl SimulatedFluffer {
    pub(super) fn new(model: &Model) -> Self {
        Self { model: model.clone(), slots: [0; 2], not_understood: 0 }
    }
}

impl SimulatedDevice for SimulatedFluffer {
    fn written(&mut self, endpoint: Endpoint, data: &[u8]) -> Vec<Notification> {
        let message = aes_block::decrypt(KEY, data).filter(|_| endpoint == Endpoint::TX);
        match message.as_deref() {
            Some([0xA5, 1, 8, proof @ ..]) if proof.len() == 8 => {
                let data = aes_block::encrypt(KEY, &WELCOME);
                return vec![Notification { endpoint: Endpoint::RX, data }];
            }
            Some([0x82, 0x0E, 2, 0, 1]) => {}
            Some([0x82, 0x0F, 5, 0, one, other, 0, 0]) => self.slots = [*one, *other],
            _ => self.not_understood += 1,
        }
        Vec::new()
    }

    fn read(&mut self, endpoint: Endpoint) -> Result<Vec<u8>, String> {
        Err(format!("{endpoint} cannot be read"))
    }

    fn levels(&self) -> Vec<Level> {
        levels_of(&self.model, |feature, kind| {
            let at = usize::try_from(feature).unwrap_or(usize::MAX);
            let level = i32::from(self.slots.get(at).copied().unwrap_or(0));
            (if kind == OutputKind::Rotate && level > 100 { 100 - level } else { level }, None)
        })
    }

    fn not_understood(&self) -> u64 {
        self.not_understood
    }
}
