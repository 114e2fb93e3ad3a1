//! How a device looks to clients of versions 0 to 3, and what an index of theirs means: one table for both directions, so
//! that what was advertised is what is driven (facts: devices.md section 6).

use std::sync::Arc;

use crate::types::{Description, FeatureDescription, InputDescription, InputKind, OutputDescription, OutputKind};

/// An output that a client addresses by its position in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actuator {
    /// Index of its feature.
    pub feature: u32,
    /// What it is, for people; may be empty.
    pub label: String,
    /// Which output of the feature.
    pub kind: OutputKind,
    /// How many steps it has above 0, at least 1.
    pub steps: i32,
    /// Shortest and longest move in milliseconds; for timed moves alone.
    pub duration_ms: Option<(u32, u32)>,
}

/// An input that a client addresses by its position in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sensor {
    /// Index of its feature.
    pub feature: u32,
    /// What it is, for people; may be empty.
    pub label: String,
    /// What it measures.
    pub kind: InputKind,
    /// Ranges of what may be reported, inclusive.
    pub ranges: Vec<(i32, i32)>,
}

/// The lists of one device. Features ascend by index; outputs of one feature follow [`OutputKind::ALL`]. An output that the
/// user has disabled, or left no step, is in none of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceTable {
    /// Every output but timed moves: what ScalarCmd addresses.
    pub scalars: Vec<Actuator>,
    /// The vibrators among them: what VibrateCmd addresses.
    pub vibrators: Vec<Actuator>,
    /// Rotators that turn both ways: what RotateCmd addresses.
    pub rotators: Vec<Actuator>,
    /// Timed moves: what LinearCmd addresses.
    pub axes: Vec<Actuator>,
    /// Inputs that can be asked.
    pub readable: Vec<Sensor>,
    /// Inputs that can be listened to.
    pub subscribable: Vec<Sensor>,
}

impl DeviceTable {
    /// The table of a device. It is built once and kept with the description.
    #[must_use]
    pub fn of(device: &Description) -> Arc<Self> {
        device.derived.get_or_make(|| Self::build(device))
    }

    fn build(device: &Description) -> Self {
        let mut table = Self::default();
        let mut features: Vec<_> = device.features.iter().collect();
        features.sort_by_key(|feature| feature.index);
        for feature in features {
            for kind in OutputKind::ALL {
                let output = feature.outputs.iter().find(|output| output.kind == kind && output.value.1 >= 1);
                if let Some(output) = output {
                    table.add_output(feature, *output);
                }
            }
            for input in &feature.inputs {
                table.add_input(feature, input);
            }
        }
        table
    }

    fn add_output(&mut self, feature: &FeatureDescription, output: OutputDescription) {
        let OutputDescription { kind, value: (least, steps), duration_ms } = output;
        let actuator = Actuator { feature: feature.index, label: feature.label.clone(), kind, steps, duration_ms };
        if kind == OutputKind::HwPositionWithDuration {
            self.axes.push(actuator);
            return;
        }
        if kind == OutputKind::Vibrate {
            self.vibrators.push(actuator.clone());
        }
        if kind == OutputKind::Rotate && least < 0 {
            self.rotators.push(actuator.clone());
        }
        self.scalars.push(actuator);
    }

    fn add_input(&mut self, feature: &FeatureDescription, input: &InputDescription) {
        let InputDescription { kind, ranges, read, subscribe } = input;
        let label = feature.label.clone();
        let sensor = Sensor { feature: feature.index, label, kind: *kind, ranges: ranges.clone() };
        if *subscribe {
            self.subscribable.push(sensor.clone());
        }
        if *read {
            self.readable.push(sensor);
        }
    }

    /// The first input of this kind that can be asked.
    #[must_use]
    pub fn readable(&self, kind: InputKind) -> Option<&Sensor> {
        self.readable.iter().find(|sensor| sensor.kind == kind)
    }
}
