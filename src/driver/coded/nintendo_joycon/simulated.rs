//! A simulated Joy-Con (facts: protocols/nintendo-joycon.md): the rumble of the last report, as far as it can be told.

use crate::library::Model;
use crate::link::Notification;
use crate::types::{Endpoint, OutputKind};

use crate::driver::{simulated::Level, simulated::SimulatedDevice, simulated::levels_of};

/// See the module.
#[derive(Debug)]
pub(super) struct SimulatedJoycon {
    model: Model,
    /// Rumble is ignored until it was switched on.
    enabled: bool,
    /// 0 to 1000.
    level: i32,
    not_understood: u64,
}

impl SimulatedJoycon {
    pub(super) fn new(model: &Model) -> Self {
        Self { model: model.clone(), enabled: false, level: 0, not_understood: 0 }
    }

    fn report(&mut self, report: &[u8]) -> Option<()> {
        match report {
            [0x01, .., _] if report.get(10) == Some(&0x48) => self.enabled = report.get(11) == Some(&1),
            [0x10, _, left @ ..] => {
                let (left, rest) = left.split_at_checked(4)?;
                (left == rest.get(..4)?).then_some(())?;
                let level = level(left)?;
                self.level = if self.enabled { level } else { 0 };
            }
            _ => return None,
        }
        Some(())
    }
}

/// The level that this rumble stands for; of several, one that makes the same bytes.
fn level(rumble: &[u8]) -> Option<i32> {
    let &[frequency, twice, ..] = rumble else { return None };
    let strength = f32::from(twice / 2);
    let level = match (frequency, twice) {
        (0, 0) => 0.0,
        (_, 0) => 60.0,
        (_, ..64) => 1000.0 * (strength / 16.0).exp2() / 17.0,
        // Just above the place where the scale changes.
        _ => (1000.0 * (strength / 32.0).exp2() / 8.7).max(231.0),
    };
    (level < 1010.0).then_some((level.round() as i32).min(1000))
}

impl SimulatedDevice for SimulatedJoycon {
    fn written(&mut self, endpoint: Endpoint, data: &[u8]) -> Vec<Notification> {
        if endpoint != Endpoint::TX || data.len() != 64 || self.report(data).is_none() {
            self.not_understood += 1;
        }
        Vec::new()
    }

    fn read(&mut self, endpoint: Endpoint) -> Result<Vec<u8>, String> {
        Err(format!("{endpoint} cannot be read"))
    }

    fn levels(&self) -> Vec<Level> {
        levels_of(&self.model, |_, kind| (if kind == OutputKind::Vibrate { self.level } else { 0 }, None))
    }

    fn not_understood(&self) -> u64 {
        self.not_understood
    }
}
