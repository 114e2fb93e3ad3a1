//! A simulated Handy (facts: protocols/thehandy.md).

use prost::Message as _;

use crate::driver::{simulated::Level, simulated::SimulatedDevice, simulated::levels_of};
use crate::library::Model;
use crate::link::Notification;
use crate::types::Endpoint;

use super::messages::Payload;

/// See the module.
#[derive(Debug)]
pub(super) struct SimulatedHandy {
    model: Model,
    /// 0 to 100.
    position: i32,
    duration_ms: Option<u32>,
    not_understood: u64,
}

impl SimulatedHandy {
    pub(super) fn new(model: &Model) -> Self {
        Self { model: model.clone(), position: 0, duration_ms: None, not_understood: 0 }
    }

    fn payload(&mut self, data: &[u8]) -> Option<()> {
        for message in Payload::decode(data).ok()?.messages {
            for vector in message.linear_cmd?.vectors {
                (0.0..=1.0).contains(&vector.position).then_some(())?;
                self.position = (vector.position * 100.0).round() as i32;
                self.duration_ms = Some(vector.duration_ms);
            }
        }
        Some(())
    }
}

impl SimulatedDevice for SimulatedHandy {
    fn written(&mut self, endpoint: Endpoint, data: &[u8]) -> Vec<Notification> {
        if endpoint != Endpoint::TX || self.payload(data).is_none() {
            self.not_understood += 1;
        }
        Vec::new()
    }

    fn read(&mut self, endpoint: Endpoint) -> Result<Vec<u8>, String> {
        Err(format!("{endpoint} cannot be read"))
    }

    fn levels(&self) -> Vec<Level> {
        levels_of(&self.model, |_, _| (self.position, self.duration_ms))
    }

    fn not_understood(&self) -> u64 {
        self.not_understood
    }
}
