//! A simulated toy of Honey Play Box (facts: protocols/honeyplaybox.md). It takes only what is signed rightly.

use crate::driver::{simulated::CHARGE, simulated::Level, simulated::SimulatedDevice, simulated::levels_of};
use crate::library::Model;
use crate::link::Notification;
use crate::types::{Endpoint, OutputKind};

use super::frame::{self, FINE, GROUP, HELLO, HELLO_DATA, LEVELS, SIGNATURE, Token, signature};

const TOKEN: Token = *b"0123456789abcdef";

/// See the module.
#[derive(Debug)]
pub(super) struct SimulatedHoneyPlayBox {
    model: Model,
    /// Of each motor, as they are sent.
    strengths: Vec<u8>,
    not_understood: u64,
}

impl SimulatedHoneyPlayBox {
    pub(super) fn new(model: &Model) -> Self {
        Self { model: model.clone(), strengths: Vec::new(), not_understood: 0 }
    }

    fn command(&mut self, data: &[u8]) -> Option<Vec<Notification>> {
        match frame::parts(data)? {
            (HELLO, data) if data == HELLO_DATA => {
                let answer = frame::frame(0, HELLO, &[FINE.as_slice(), &TOKEN].concat());
                // It comes in several parts.
                let parts = answer.chunks(20).map(<[u8]>::to_vec);
                Some(parts.map(|data| Notification { endpoint: Endpoint::RX, data }).collect())
            }
            (LEVELS, data) => {
                let (groups, signed) = data.split_at_checked(data.len().checked_sub(SIGNATURE)?)?;
                if signed != signature(groups, &TOKEN) {
                    return None;
                }
                self.strengths = groups.chunks(GROUP).filter_map(|group| group.last().copied()).collect();
                Some(Vec::new())
            }
            _ => None,
        }
    }
}

impl SimulatedDevice for SimulatedHoneyPlayBox {
    fn written(&mut self, endpoint: Endpoint, data: &[u8]) -> Vec<Notification> {
        let said = if endpoint == Endpoint::TX { self.command(data) } else { None };
        said.unwrap_or_else(|| {
            self.not_understood += 1;
            Vec::new()
        })
    }

    fn read(&mut self, endpoint: Endpoint) -> Result<Vec<u8>, String> {
        match endpoint {
            Endpoint::BATTERY => Ok(vec![CHARGE]),
            other => Err(format!("{other} cannot be read")),
        }
    }

    fn levels(&self) -> Vec<Level> {
        levels_of(&self.model, |feature, kind| {
            let at = usize::try_from(feature).unwrap_or(usize::MAX);
            let strength = i32::from(self.strengths.get(at).copied().unwrap_or(0));
            (if kind == OutputKind::Constrict && strength > 0 { strength - 100 } else { strength }, None)
        })
    }

    fn not_understood(&self) -> u64 {
        self.not_understood
    }
}
