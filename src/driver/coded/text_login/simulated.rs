//! A simulated toy of VibCrafter or Vibio (facts: protocols/vibcrafter.md, vibio.md). It asks one question.

use sha2::{Digest, Sha256};

use crate::driver::{coded::aes_block, simulated::Level, simulated::SimulatedDevice, simulated::levels_of};
use crate::library::Model;
use crate::link::Notification;
use crate::types::Endpoint;

const QUESTION: &str = "abcd";

/// See the module.
#[derive(Debug)]
pub(super) struct SimulatedToy {
    model: Model,
    key: &'static [u8; 16],
    /// Of the first and the second feature.
    levels: [i32; 2],
    not_understood: u64,
}

impl SimulatedToy {
    pub(super) fn new(model: &Model, key: &'static [u8; 16]) -> Self {
        Self { model: model.clone(), key, levels: [0; 2], not_understood: 0 }
    }

    /// What it says to a command; `None` to one that it does not understand.
    fn command(&mut self, command: &str) -> Option<Option<String>> {
        if let Some(word) = command.strip_prefix("Auth:") {
            let answer = hex::encode(Sha256::digest(QUESTION).iter().take(2).copied().collect::<Vec<u8>>());
            return Some(Some(if word == answer { "OK;".to_owned() } else { format!("1234:{QUESTION};") }));
        }
        let (one, other) = command.strip_prefix("MtInt:")?.split_at_checked(2)?;
        self.levels = [one.parse().ok()?, other.parse().ok().filter(|_| other.len() == 2)?];
        Some(None)
    }
}

impl SimulatedDevice for SimulatedToy {
    fn written(&mut self, endpoint: Endpoint, data: &[u8]) -> Vec<Notification> {
        let text = aes_block::decrypt(self.key, data).and_then(|text| String::from_utf8(text).ok());
        let text = text.filter(|_| endpoint == Endpoint::TX);
        let Some(said) = text.and_then(|text| self.command(text.strip_suffix(';')?)) else {
            self.not_understood += 1;
            return Vec::new();
        };
        let said = said.map(|text| aes_block::encrypt(self.key, text.as_bytes()));
        said.map(|data| Notification { endpoint: Endpoint::RX, data }).into_iter().collect()
    }

    fn read(&mut self, endpoint: Endpoint) -> Result<Vec<u8>, String> {
        Err(format!("{endpoint} cannot be read"))
    }

    fn levels(&self) -> Vec<Level> {
        levels_of(&self.model, |feature, _| {
            let at = usize::try_from(feature).unwrap_or(usize::MAX);
            (self.levels.get(at).copied().unwrap_or(0), None)
        })
    }

    fn not_understood(&self) -> u64 {
        self.not_understood
    }
}
