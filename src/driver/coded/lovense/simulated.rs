//! A simulated Lovense device (facts: protocols/lovense.md): text commands, each answered by text.

use std::collections::BTreeMap;

use crate::library::Model;
use crate::link::Notification;
use crate::types::{Endpoint, OutputKind};

use crate::driver::{simulated::CHARGE, simulated::Level, simulated::SimulatedDevice, simulated::levels_of};

/// The last part of the answer to `DeviceType;`, after type code and firmware.
const ADDRESS: &str = "0082059AD3BD";

/// See the module.
#[derive(Debug)]
pub(super) struct SimulatedLovense {
    model: Model,
    now: BTreeMap<(u32, OutputKind), i32>,
    /// The direction that the motor turns in; the wire carries only speeds and turn-arounds.
    clockwise: bool,
    not_understood: u64,
}

impl SimulatedLovense {
    pub(super) fn new(model: &Model) -> Self {
        Self { model: model.clone(), now: BTreeMap::new(), clockwise: true, not_understood: 0 }
    }

    fn type_answer(&self) -> String {
        match self.model.ids.first().map(String::as_str) {
            // Same type code: only the firmware tells the new Flexer from the old one.
            Some("EI-FW3") => format!("EI:03:{ADDRESS};"),
            Some("EI") => format!("EI:02:{ADDRESS};"),
            Some(code) => format!("{code}:11:{ADDRESS};"),
            // A code that no model has, so that the default is what it is taken for.
            None => format!("XX:11:{ADDRESS};"),
        }
    }

    /// Carries out one command, without its semicolon. `None` when the device does not know it.
    fn command(&mut self, command: &str) -> Option<String> {
        let ok = Some("OK;".to_owned());
        match command {
            "DeviceType" => return Some(self.type_answer()),
            "Battery" => return Some(format!("{CHARGE};")),
            "RotateChange" => {
                self.clockwise = !self.clockwise;
                for ((_, kind), value) in &mut self.now {
                    if *kind == OutputKind::Rotate {
                        *value = -*value;
                    }
                }
                return ok;
            }
            _ => {}
        }
        let (name, numbers) = command.split_once(':')?;
        let numbers = numbers.strip_prefix("Level:").unwrap_or(numbers);
        let numbers: Option<Vec<i32>> = numbers.split(':').map(|number| number.parse().ok()).collect();
        let numbers = numbers?;
        let first = *numbers.first()?;
        match name {
            "Vibrate" => {
                let strong = |kind| self.having(kind).next().is_some().then_some(kind);
                let kind = strong(OutputKind::Vibrate).or(strong(OutputKind::Oscillate))?;
                self.set_all(kind, first)
            }
            "Rotate" => self.set_all(OutputKind::Rotate, if self.clockwise { first } else { -first }),
            "Air" => self.set_all(OutputKind::Constrict, first),
            "FSetSite" => self.set_all(OutputKind::HwPositionWithDuration, first),
            "Mply" if self.model.output_features() == 1 => self.set_all(OutputKind::Oscillate, first),
            "Mply" => self.set_each(&numbers),
            _ => {
                let motor: u32 = name.strip_prefix("Vibrate")?.parse().ok()?;
                let feature = motor.checked_sub(1)?;
                let kinds = [OutputKind::Vibrate, OutputKind::Oscillate];
                let kind = kinds.into_iter().find(|kind| self.range(feature, *kind).is_some())?;
                self.set(feature, kind, first)
            }
        }?;
        ok
    }

    fn having(&self, kind: OutputKind) -> impl Iterator<Item = u32> + '_ {
        let outputs = self.model.outputs().filter(move |(_, output)| output.kind == kind);
        outputs.map(|(feature, _)| feature)
    }

    fn range(&self, feature: u32, kind: OutputKind) -> Option<(i32, i32)> {
        let mut outputs = self.model.outputs();
        let output = outputs.find(|(index, output)| (*index, output.kind) == (feature, kind));
        output.map(|(_, output)| (output.min, output.max))
    }

    fn set(&mut self, feature: u32, kind: OutputKind, value: i32) -> Option<()> {
        let (min, max) = self.range(feature, kind)?;
        (min..=max).contains(&value).then_some(())?;
        self.now.insert((feature, kind), value);
        Some(())
    }

    fn set_all(&mut self, kind: OutputKind, value: i32) -> Option<()> {
        let features: Vec<_> = self.having(kind).collect();
        if features.is_empty() {
            return None;
        }
        features.into_iter().try_for_each(|feature| self.set(feature, kind, value))
    }

    /// One value for each feature that does something.
    fn set_each(&mut self, values: &[i32]) -> Option<()> {
        let features = self.model.features.iter();
        let places: Vec<_> =
            features.filter_map(|feature| Some((feature.index, feature.outputs.first()?.kind))).collect();
        (places.len() == values.len()).then_some(())?;
        places.into_iter().zip(values).try_for_each(|((feature, kind), value)| self.set(feature, kind, *value))
    }
}

impl SimulatedDevice for SimulatedLovense {
    fn written(&mut self, endpoint: Endpoint, data: &[u8]) -> Vec<Notification> {
        let text = std::str::from_utf8(data).unwrap_or_default();
        let Some(commands) = text.strip_suffix(';').filter(|_| endpoint == Endpoint::TX) else {
            self.not_understood += 1;
            return Vec::new();
        };
        let mut answers = Vec::new();
        for command in commands.split(';') {
            let answer = self.command(command).unwrap_or_else(|| {
                self.not_understood += 1;
                "ERR;".to_owned()
            });
            answers.push(Notification { endpoint: Endpoint::RX, data: answer.into_bytes() });
        }
        answers
    }

    fn read(&mut self, endpoint: Endpoint) -> Result<Vec<u8>, String> {
        Err(format!("{endpoint} cannot be read; this toy answers only by notifications"))
    }

    fn levels(&self) -> Vec<Level> {
        levels_of(&self.model, |feature, kind| (self.now.get(&(feature, kind)).copied().unwrap_or(0), None))
    }

    fn not_understood(&self) -> u64 {
        self.not_understood
    }
}
