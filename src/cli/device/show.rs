//! What `hapticd device` prints.

use std::path::Path;

use crate::hub::known_devices::{KnownDevices, Overview, OverviewLimits};
use crate::library::Library;
use crate::text::shown;
use crate::user_devices::OutputName;

/// A device for people: its index if it has one, its name, and where there is none its address.
pub(in crate::cli) fn name(device: &Overview) -> String {
    let name = device.display_name.as_ref().or(device.model.as_ref());
    let name = name.map_or_else(|| shown(&device.address).into_owned(), |name| format!("{:?}", shown(name)));
    device.index.map_or_else(|| name.clone(), |index| format!("{index} {name}"))
}

/// One line for each device, and what people should know.
pub(super) fn list(known: &KnownDevices, file: &Path) -> String {
    let mut text = String::new();
    for device in known.overview() {
        let bus = device.bus.map(|bus| format!(", {bus}")).unwrap_or_default();
        let set = settings(&device);
        let set = if set.is_empty() { String::new() } else { format!(": {}", set.join("; ")) };
        text += &format!("{} ({}{bus}){set}\n", name(&device), shown(&device.address));
    }
    if text.is_empty() {
        text = format!("no device is known yet; what you set for devices stands in {}\n", file.display());
    }
    for problem in known.problems() {
        text += &format!("! {problem}\n");
    }
    text
}

/// One device with its outputs.
pub(super) fn one(device: &Overview, library: &Library, problems: &[String]) -> String {
    let mut text = format!("{}\n", name(device));
    let mut line = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            text += &format!("  {key:<15} {}\n", shown(value));
        }
    };
    line("model", device.model.as_deref());
    line("address", Some(&device.address));
    line("bus", device.bus.map(crate::types::Bus::name));
    line("protocol", device.protocol.as_deref());
    line("identifier", device.identifier.as_deref());
    line("display_name", device.display_name.as_deref());
    line("message_gap_ms", device.message_gap_ms.map(|gap| gap.to_string()).as_deref());
    line("allow", device.allow.then_some("true"));
    line("deny", device.deny.then_some("true"));
    let definition = device.protocol.as_deref().and_then(|protocol| library.protocol(protocol));
    let model = definition.map(|definition| definition.model(device.identifier.as_deref()));
    let mut listed = Vec::new();
    for (feature, spec) in model.into_iter().flat_map(crate::library::Model::outputs) {
        let output = OutputName(feature, spec.kind).to_string();
        let limits = device.outputs.get(&output).map(|limits| words(*limits)).filter(|words| !words.is_empty());
        let limits = limits.map_or_else(|| "no limit".to_owned(), |words| words.join(", "));
        line(&output, Some(&format!("{}..{}: {limits}", spec.min, spec.max)));
        listed.push(output);
    }
    for (output, limits) in device.outputs.iter().filter(|(output, _)| !listed.contains(output)) {
        line(output, Some(&words(*limits).join(", ")));
    }
    for problem in problems.iter().filter(|problem| problem.contains(&device.address)) {
        text += &format!("! {problem}\n");
    }
    text
}

/// The same as lines of JSON, one for each device.
pub(super) fn list_json(known: &KnownDevices) -> String {
    known.overview().iter().map(one_json).collect()
}

pub(super) fn one_json(device: &Overview) -> String {
    format!("{}\n", serde_json::to_value(device).unwrap_or_default())
}

fn settings(device: &Overview) -> Vec<String> {
    let mut set = Vec::new();
    set.extend(device.deny.then(|| "denied".to_owned()));
    set.extend(device.allow.then(|| "allowed".to_owned()));
    for (output, limits) in &device.outputs {
        let words = words(*limits);
        set.extend((!words.is_empty()).then(|| format!("{output} {}", words.join(", "))));
    }
    set
}

fn words(limits: OverviewLimits) -> Vec<String> {
    let mut words = Vec::new();
    words.extend(limits.disabled.then(|| "off".to_owned()));
    if let Some((low, high)) = limits.range {
        let of = limits.of.map(|(min, max)| format!(" of {min}..{max}")).unwrap_or_default();
        words.push(format!("{low}..{high}{of}"));
    }
    words.extend(limits.reverse.then(|| "reversed".to_owned()));
    words.extend(limits.duration_ms.map(|(from, to)| format!("{from}..{to} ms")));
    words.extend(limits.speed.map(|percent| format!("speed {percent} %/s")));
    words.extend(limits.rise.map(|percent| format!("rise {percent} %/s")));
    words
}
