//! Tries every value of every output: each must have bytes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::driver::{Batch, Change, Driver, Levels, for_definition};
use crate::library::{Definition, DefinitionProblem, Model, OutputSpec, template::PacketTemplate};
use crate::link::{Clock, Confirms, Deadlines, LinkInfo, pair};
use crate::types::{Endpoint, Output};

/// Values tried of a range: all of a small one, evenly spread and both ends of a large one.
const TRIED: i32 = 2000;

/// Encodes every value of every output of every model: beside other outputs at rest and at their greatest, for
/// positions from several places, and for hardware that lacks an endpoint which a line asks for.
#[must_use]
pub fn values(definition: &Arc<Definition>) -> Vec<DefinitionProblem> {
    let mut problems: Vec<DefinitionProblem> = Vec::new();
    for model in definition.all_models() {
        if let Err(reason) = model_values(definition, model) {
            let added = model.ids.iter().find_map(|id| definition.added.get(id));
            let problem = DefinitionProblem::whole(format!("{:?}: {reason}", model.name));
            problems.push(problem.in_file(added.unwrap_or(&definition.path)));
        }
    }
    problems
}

fn model_values(definition: &Arc<Definition>, model: &Model) -> Result<(), String> {
    let all = definition.endpoints();
    ModelRun::new(definition, model, all.clone()).run(None)?;
    let lines = definition.write.values().flatten();
    let asked: BTreeSet<_> = lines.flat_map(PacketTemplate::asks_for).collect();
    for missing in asked.intersection(&all) {
        let mut endpoints = all.clone();
        endpoints.remove(missing);
        let tried = ModelRun::new(definition, model, endpoints).run(Some(*missing));
        tried.map_err(|reason| format!("on hardware without {missing}, {reason}"))?;
    }
    Ok(())
}

/// One model on one sort of hardware.
struct ModelRun<'a> {
    model: &'a Model,
    driver: Box<dyn Driver>,
    endpoints: BTreeSet<Endpoint>,
    /// At 0, an output has to be told so.
    stops: bool,
}

impl<'a> ModelRun<'a> {
    fn new(definition: &Arc<Definition>, model: &'a Model, endpoints: BTreeSet<Endpoint>) -> Self {
        let info = LinkInfo {
            endpoints: endpoints.clone(),
            gap: Duration::ZERO,
            deadlines: Deadlines::default(),
            confirms: Confirms::Everything,
            clock: Clock::manual(),
        };
        let (link, _end) = pair(info);
        // A coded driver may know that the hardware is at 0 already. What stops when nothing comes needs no packet.
        let stops = definition.driver.is_none() && !definition.repeat.is_some_and(|repeat| repeat.only_running);
        Self {
            model,
            driver: for_definition(definition).open(definition, &Arc::new(model.clone()), &link),
            endpoints,
            stops,
        }
    }

    fn run(mut self, missing: Option<Endpoint>) -> Result<(), String> {
        let rest = Levels::new(self.model);
        let mut full = rest.clone();
        for (feature, output) in self.model.outputs() {
            full.set(feature, output.kind, output.max);
        }
        for beside in [rest, full] {
            for (feature, output) in self.model.outputs() {
                self.output(feature, output, &beside, missing.is_some())?;
            }
        }
        Ok(())
    }

    fn output(&mut self, feature: u32, spec: OutputSpec, beside: &Levels, lacking: bool) -> Result<(), String> {
        let kind = spec.kind;
        for (value, duration_ms) in tried(spec) {
            let output = Output { kind, value, duration_ms };
            let from: &[i32] = if kind.is_position() { &[0, spec.max, value] } else { &[0] };
            for previous in from {
                self.packets(feature, output, *previous, beside).map_err(|reason| {
                    let from = if *previous == 0 { String::new() } else { format!(" from {previous}") };
                    format!("{} {value}{from} on feature {feature} has no bytes: {reason}", kind.key())
                })?;
            }
        }
        if !self.stops || kind.is_event() {
            return Ok(());
        }
        let mut silent = |value| {
            let output = Output { kind, value, duration_ms: 0 };
            Ok::<_, String>(self.packets(feature, output, 0, beside)? == 0)
        };
        // Hardware that lacks an endpoint may have nothing to be told at all.
        if silent(0)? && (!lacking || !silent(spec.max)?) {
            let key = kind.key();
            return Err(format!(
                "{key} 0 on feature {feature} sends nothing, so it would never stop; only a [repeat] with only_running = \
                 true does without"
            ));
        }
        Ok(())
    }

    /// How many packets a value makes.
    fn packets(&mut self, feature: u32, output: Output, previous: i32, beside: &Levels) -> Result<usize, String> {
        let mut levels = beside.clone();
        levels.set(feature, output.kind, output.value);
        let changes = [Change { feature, output, previous }];
        let batch = Batch { changes: &changes, levels: &levels, stop: false };
        let packets = self.driver.encode(&batch, tokio::time::Instant::now()).map_err(|error| error.to_string())?;
        match packets.iter().find(|packet| !self.endpoints.contains(&packet.endpoint)) {
            Some(packet) => Err(format!("there is no endpoint {}", packet.endpoint)),
            None => Ok(packets.len()),
        }
    }
}

fn tried(output: OutputSpec) -> impl Iterator<Item = (i32, u32)> {
    let step = ((output.max - output.min) / TRIED).max(1);
    let (shortest, longest) = output.duration_ms.unwrap_or((0, 0));
    let ends =
        [(0, shortest), (output.min, longest), (output.max, shortest), (output.max, longest), (output.max, 1000)];
    let step = usize::try_from(step).unwrap_or(1);
    (output.min..=output.max).step_by(step).map(move |value| (value, shortest)).chain(ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Library;

    /// What is wrong with a definition, its default having these features and its lines being these.
    fn wrong(features: &str, rest: &str) -> String {
        let text = format!(
            "name = \"T\"\n[[match]]\nbtle = {{ names = [\"T\"] }}\nservices.fff0 = {{ tx = \"fff1\", rx = \"fff2\" }}\n\
             [default]\nname = \"T\"\nfeatures = [{features}]\n{rest}\n"
        );
        let library = Library::from_texts([("t", text.as_str())], &[]);
        let read: Vec<_> = library.problems().iter().map(ToString::to_string).collect();
        assert!(read.is_empty(), "{}", read.join("\n"));
        let problems: Vec<_> =
            library.definitions().iter().flat_map(values).map(|problem| problem.to_string()).collect();
        problems.join("\n")
    }

    #[test]
    fn a_level_needs_a_packet_for_zero() {
        let vibrate = "{ vibrate = [0, 9] }";
        let silent = "t.toml: \"T\": vibrate 0 on feature 0 sends nothing, so it would never stop; only a [repeat] with \
                      only_running = true does without";
        assert_eq!(wrong(vibrate, "[write]\nvibrate = 'if {v > 0} tx: {v}'"), silent);
        assert_eq!(wrong(vibrate, "[write]\nvibrate = []"), silent);
        let repeat = "[repeat]\nevery_ms = 100\nonly_running = true\n[write]\nvibrate = 'if {v > 0} tx: {v}'";
        assert_eq!(wrong(vibrate, repeat), "");
        assert_eq!(wrong("{ spray = [0, 1] }", "[write]\nspray = 'if {v > 0} tx: 01'"), "");
        // Silent only beside another level that runs.
        let two = "{ vibrate = [0, 9] }, { vibrate = [0, 9] }";
        assert!(wrong(two, "[write]\nvibrate = 'if {v > 0 || f0 + f1 == 0} tx: {i} {v}'").contains("never stop"));
    }

    #[test]
    fn positions_are_tried_from_several_places() {
        let position = "{ hw_position = { value = [0, 99], duration_ms = [0, 1000] } }";
        let down = wrong(position, "[write]\nhw_position = 'tx: {v - prev}'");
        assert!(down.contains("hw_position 0 from 99 on feature 0 has no bytes"), "{down}");
        let equal =
            wrong(position, "[write]\nhw_position = 'tx: {v == 0 || prev == 0 || prev == 99 ? 0 : v / (v - prev)}'");
        assert!(equal.contains("hw_position 1 from 1 on"), "{equal}");
    }

    #[test]
    fn hardware_may_lack_what_a_line_asks_for() {
        let vibrate = "{ vibrate = [0, 9] }";
        let lines = "[write]\nvibrate = ['if {has(rx)} tx: {v}', 'if {!has(rx)} tx: {v + 300}']";
        let told = wrong(vibrate, lines);
        assert!(told.contains("on hardware without rx, vibrate 0 on feature 0 has no bytes"), "{told}");
        let elsewhere = wrong(vibrate, "[write]\nvibrate = 'tx: {v} {has(tx)}'");
        assert!(elsewhere.contains("without tx, vibrate 0 on feature 0 has no bytes: there is no endpoint tx"));
        // Nothing at all may be right there, but not something that is never ended.
        assert_eq!(wrong(vibrate, "[write]\nvibrate = 'if {has(tx)} tx: {v}'"), "");
        let half = wrong(vibrate, "[write]\nvibrate = ['if {has(rx)} tx: {v}', 'if {v > 0} tx: {v}']");
        assert!(half.contains("without rx, vibrate 0 on feature 0 sends nothing"), "{half}");
    }

    #[test]
    fn levels_may_have_a_least_value_above_zero() {
        let heater = "{ temperature = [37, 42] }";
        let lines = "[write]\ntemperature = ['if {v == 0} tx: 00', 'if {v > 0} tx: {v - 36}']";
        assert_eq!(wrong(heater, lines), "");
        let told = wrong(heater, "[write]\ntemperature = 'tx: {v - 37}'");
        assert!(told.contains("temperature 0 on feature 0 has no bytes"), "{told}");
    }
}
