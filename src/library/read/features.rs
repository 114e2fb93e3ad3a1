//! Reads features.

use super::reader::Reader;
use super::rules::Rules;
use crate::library::{definition::InputRule, file_schema, model::Feature, model::InputSpec, model::OutputSpec};
use crate::types::{InputKind, OutputKind};

impl Reader<'_> {
    pub(super) fn features(&mut self, at: usize, raw: Vec<file_schema::Feature>, rules: &Rules<'_>) -> Vec<Feature> {
        let mut features: Vec<Feature> = Vec::new();
        for (position, feature) in raw.into_iter().enumerate() {
            let index = feature.index.unwrap_or(u32::try_from(position).unwrap_or(u32::MAX));
            if index > 31 {
                self.wrong_at(at, format!("feature index {index}; allowed: 0 to 31"));
            }
            if features.iter().any(|other| other.index == index) {
                self.wrong_at(at, format!("two features have the index {index}"));
            }
            let (outputs, inputs) = (self.outputs(at, index, &feature), self.measures(at, index, &feature, rules));
            features.push(Feature { index, label: feature.label, outputs, inputs });
        }
        features.sort_by_key(|feature| feature.index);
        features
    }

    fn outputs(&mut self, at: usize, index: u32, raw: &file_schema::Feature) -> Vec<OutputSpec> {
        let plain = [
            (OutputKind::Vibrate, raw.vibrate),
            (OutputKind::Rotate, raw.rotate),
            (OutputKind::Oscillate, raw.oscillate),
            (OutputKind::Constrict, raw.constrict),
            (OutputKind::Spray, raw.spray),
            (OutputKind::Temperature, raw.temperature),
            (OutputKind::Led, raw.led),
            (OutputKind::Position, raw.position),
        ];
        let mut outputs: Vec<_> = plain
            .into_iter()
            .filter_map(|(kind, range)| range.map(|[min, max]| OutputSpec { kind, min, max, duration_ms: None }))
            .collect();
        if let Some(file_schema::Timed { value: [min, max], duration_ms: [shortest, longest] }) = raw.hw_position {
            let duration_ms = Some((shortest, longest));
            outputs.push(OutputSpec { kind: OutputKind::HwPositionWithDuration, min, max, duration_ms });
            if shortest > longest {
                let reason = format!("feature {index}: durations from {shortest} to {longest} are none");
                self.wrong_at(at, reason);
            }
        }
        for output in &outputs {
            let signed = matches!(output.kind, OutputKind::Rotate | OutputKind::Temperature);
            // Off is 0 and always within reach, also below a least level; a two-way range is symmetric (facts:
            // devices.md section 2).
            let least = !output.kind.is_position() && (1..=output.max).contains(&output.min);
            let fits = output.min == 0 || least || (signed && output.min == -output.max);
            if output.max <= 0 || output.max > 100_000 || !fits {
                let reason = format!(
                    "feature {index}: {} from {} to {}; allowed: from 0{} to at most 100000{}",
                    output.kind.key(),
                    output.min,
                    output.max,
                    if output.kind.is_position() { "" } else { " or a least level" },
                    if signed { ", or from -n to n" } else { "" }
                );
                self.wrong_at(at, reason);
            }
        }
        outputs.sort_by_key(|output| OutputKind::ALL.iter().position(|kind| *kind == output.kind));
        outputs
    }

    fn measures(&mut self, at: usize, index: u32, raw: &file_schema::Feature, rules: &Rules<'_>) -> Vec<InputSpec> {
        let all = [
            (InputKind::Battery, raw.battery),
            (InputKind::Rssi, raw.rssi),
            (InputKind::Pressure, raw.pressure),
            (InputKind::Button, raw.button),
        ];
        let mut inputs = Vec::new();
        for (kind, range) in all {
            let Some([min, max]) = range else { continue };
            let (read, subscribe) = match rules.inputs.get(&kind) {
                Some(InputRule::Read { .. }) => (true, false),
                Some(InputRule::Stream { .. }) => (false, true),
                // Without a rule a coded driver does it, and a template reads the standard battery endpoint.
                None => (kind == InputKind::Battery, kind != InputKind::Battery),
            };
            if min > max {
                self.wrong_at(at, format!("feature {index}: {} from {min} to {max} is no range", kind.key()));
            }
            if !rules.coded && kind == InputKind::Battery && !rules.has_battery && !rules.inputs.contains_key(&kind) {
                let reason = format!(
                    "feature {index} has battery, but there is neither an [input.battery] nor an endpoint rxblebattery in \
                     a [[match]]"
                );
                self.wrong_at(at, reason);
            }
            if !rules.coded && !rules.inputs.contains_key(&kind) && kind != InputKind::Battery {
                let reason = format!("feature {index} has {key}, but there is no [input.{key}]", key = kind.key());
                self.wrong_at(at, reason);
            }
            inputs.push(InputSpec { kind, min, max, read, subscribe });
        }
        inputs
    }
}
