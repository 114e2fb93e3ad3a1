//! A simulated JoyHub toy (facts: protocols/joyhub.md).

use std::collections::BTreeMap;

use crate::driver::{simulated::Level, simulated::SimulatedDevice, simulated::levels_of};
use crate::library::Model;
use crate::link::Notification;
use crate::types::{Endpoint, OutputKind};

/// See the module.
#[derive(Debug)]
pub(super) struct SimulatedJoyHub {
    model: Model,
    /// By feature.
    now: BTreeMap<u32, i32>,
    not_understood: u64,
}

impl SimulatedJoyHub {
    pub(super) fn new(model: &Model) -> Self {
        Self { model: model.clone(), now: BTreeMap::new(), not_understood: 0 }
    }

    fn packet(&mut self, data: &[u8]) -> Option<()> {
        match *data {
            [0xA0, 0x03, a, b, c, d, 0xAA] => {
                for (feature, level) in (0..).zip([a, b, c, d]) {
                    let motors = [OutputKind::Vibrate, OutputKind::Rotate, OutputKind::Oscillate];
                    if self.has(feature, &motors) {
                        self.now.insert(feature, level.into());
                    } else if level != 0 {
                        return None;
                    }
                }
                Some(())
            }
            [0xA0, 0x07, on, 0, level, 0xFF] if (on == 1) == (level > 0) => {
                self.has(4, &[OutputKind::Constrict]).then(|| self.now.insert(4, level.into()))?;
                Some(())
            }
            [0xA0, 0x0D, 0, 0, level, 0xFF] => self.set(OutputKind::Constrict, level),
            [0xA0, what, 0, 0, 0, 0] => self.set(switch(what)?, 0),
            [0xA0, what, 1, 0, 1, 0xFF] => self.set(switch(what)?, 1),
            _ => None,
        }
    }

    fn has(&self, feature: u32, kinds: &[OutputKind]) -> bool {
        self.model.outputs().any(|(index, output)| index == feature && kinds.contains(&output.kind))
    }

    /// Sets the one feature with this kind of output.
    fn set(&mut self, kind: OutputKind, level: u8) -> Option<()> {
        let (feature, _) = self.model.outputs().find(|(_, output)| output.kind == kind)?;
        self.now.insert(feature, level.into());
        Some(())
    }
}

/// What is only on or off.
fn switch(what: u8) -> Option<OutputKind> {
    match what {
        0x04 => Some(OutputKind::Temperature),
        0x14 => Some(OutputKind::Led),
        0x24 => Some(OutputKind::Spray),
        _ => None,
    }
}

impl SimulatedDevice for SimulatedJoyHub {
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
        levels_of(&self.model, |feature, _| (self.now.get(&feature).copied().unwrap_or(0), None))
    }

    fn not_understood(&self) -> u64 {
        self.not_understood
    }
}
