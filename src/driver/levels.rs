//! The latest values of a whole device, for packets that carry several motors.

use crate::library::Model;
use crate::types::OutputKind;

/// The latest value of every output of a model. Starts with every output at 0.
#[derive(Debug, Clone)]
pub struct Levels {
    /// Feature index, kind, value; ascending by feature.
    outputs: Vec<(u32, OutputKind, i32)>,
    /// For each feature with several outputs, the kind that was set last.
    latest: Vec<(u32, OutputKind)>,
}

impl Levels {
    /// Everything off.
    #[must_use]
    pub fn new(model: &Model) -> Self {
        let outputs = model.outputs().map(|(index, output)| (index, output.kind, 0)).collect();
        Self { outputs, latest: Vec::new() }
    }

    /// Sets what a value is before anything was commanded, such as the place where an axis stands.
    pub fn begin(&mut self, feature: u32, kind: OutputKind, value: i32) {
        for entry in self.outputs.iter_mut().filter(|entry| (entry.0, entry.1) == (feature, kind)) {
            entry.2 = value;
        }
    }

    /// Brings every value within limits, by a function of feature, kind and value.
    pub fn limit(&mut self, within: impl Fn(u32, OutputKind, i32) -> i32) {
        for entry in &mut self.outputs {
            entry.2 = within(entry.0, entry.1, entry.2);
        }
    }

    /// Remembers a value.
    pub fn set(&mut self, feature: u32, kind: OutputKind, value: i32) {
        self.begin(feature, kind, value);
        match self.latest.iter_mut().find(|(index, _)| *index == feature) {
            Some(entry) => entry.1 = kind,
            None => self.latest.push((feature, kind)),
        }
    }

    /// The value of one output, 0 if there is no such output.
    #[must_use]
    pub fn get(&self, feature: u32, kind: OutputKind) -> i32 {
        self.outputs.iter().find(|entry| (entry.0, entry.1) == (feature, kind)).map_or(0, |entry| entry.2)
    }

    /// The value that a feature was last set to, whichever of its outputs that was; that of its first one as long as none
    /// was, 0 if there is no such feature.
    #[must_use]
    pub fn feature(&self, feature: u32) -> i32 {
        self.kind(feature).map_or(0, |kind| self.get(feature, kind))
    }

    /// The kind of output that a feature was last set by, its first one as long as none was; `None` if it has none.
    #[must_use]
    pub fn kind(&self, feature: u32) -> Option<OutputKind> {
        let latest = self.latest.iter().find(|(index, _)| *index == feature);
        let first = || self.outputs.iter().find(|entry| entry.0 == feature).map(|entry| entry.1);
        latest.map(|(_, kind)| *kind).or_else(first)
    }

    /// Features that have an output of a kind, or any output, with its latest value.
    #[must_use]
    pub fn outputs(&self, kind: Option<OutputKind>) -> Vec<(u32, i32)> {
        match kind {
            Some(kind) => {
                let of_kind = self.outputs.iter().filter(|entry| entry.1 == kind);
                of_kind.map(|entry| (entry.0, entry.2)).collect()
            }
            None => {
                let mut features: Vec<_> = self.outputs.iter().map(|entry| entry.0).collect();
                features.dedup();
                features.into_iter().map(|index| (index, self.feature(index))).collect()
            }
        }
    }

    /// Whether any level, as opposed to a position, is not 0.
    #[must_use]
    pub fn running(&self) -> bool {
        self.outputs.iter().any(|entry| !entry.1.is_position() && entry.2 != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::{Feature, OutputSpec};

    #[test]
    fn a_feature_is_worth_what_was_set_last() {
        let output = |kind| OutputSpec { kind, min: 0, max: 10, duration_ms: None };
        let feature = |index, outputs| Feature { index, label: String::new(), outputs, inputs: Vec::new() };
        let model = Model {
            ids: Vec::new(),
            name: String::new(),
            features: vec![
                feature(0, vec![output(OutputKind::Oscillate), output(OutputKind::Position)]),
                feature(2, vec![output(OutputKind::Vibrate)]),
            ],
            set: std::collections::BTreeMap::new(),
        };
        let mut levels = Levels::new(&model);
        assert_eq!(levels.outputs(None), [(0, 0), (2, 0)]);
        assert_eq!(levels.kind(0), Some(OutputKind::Oscillate));
        assert_eq!(levels.kind(1), None);
        levels.set(0, OutputKind::Position, 7);
        assert_eq!(levels.kind(0), Some(OutputKind::Position));
        assert!(!levels.running());
        levels.set(2, OutputKind::Vibrate, 3);
        assert!(levels.running());
        assert_eq!((levels.feature(0), levels.feature(1), levels.feature(2)), (7, 0, 3));
        levels.set(0, OutputKind::Oscillate, 1);
        assert_eq!((levels.feature(0), levels.get(0, OutputKind::Position)), (1, 7));
        assert_eq!(levels.outputs(Some(OutputKind::Vibrate)), [(2, 3)]);
    }
}
