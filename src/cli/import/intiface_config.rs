//! Reads a user device configuration of Intiface. Its form stands in docs/devices-file.md. Every key may be written with `-`
//! or `_` between its words, as old and new versions of that program write them.

use serde_json::{Map, Value};

use crate::strict_json;
use crate::text::bytes_without_bom;
use crate::types::OutputKind;

/// Major versions of the format that are understood.
const VERSIONS: std::ops::RangeInclusive<u64> = 3..=5;

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct IntifaceConfig {
    pub devices: Vec<IntifaceDevice>,
    /// What it says besides, and entries that are not understood: each a sentence.
    pub other: Vec<String>,
}

/// One device of the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct IntifaceDevice {
    pub address: String,
    pub protocol: String,
    pub identifier: Option<String>,
    pub display_name: Option<String>,
    pub index: Option<u32>,
    pub message_gap_ms: Option<u32>,
    pub allow: bool,
    pub deny: bool,
    /// The outputs of each feature, in the order of the file, which is that of the model's features.
    pub features: Vec<Vec<IntifaceOutput>>,
    /// Values that are not understood: each a sentence.
    pub problems: Vec<String>,
}

/// What the file says of one output.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IntifaceOutput {
    pub kind: OutputKind,
    /// The part of the range that is used, in the hardware's steps, 0 or more.
    pub range: Option<(i32, i32)>,
    /// The whole range, where the file says it (format 3).
    pub of: Option<(i32, i32)>,
    pub disabled: bool,
    pub reverse: bool,
    /// Shortest and longest time of a move in milliseconds.
    pub duration_ms: Option<(u32, u32)>,
}

/// Reads the bytes of a file.
///
/// # Errors
/// It is no such file, or of a version that is not known.
pub(super) fn read(bytes: &[u8]) -> Result<IntifaceConfig, String> {
    let mut root = strict_json::read(bytes_without_bom(bytes)).map_err(|error| format!("it is no JSON: {error}"))?;
    unify_keys(&mut root);
    let major = root.pointer("/version/major").and_then(Value::as_u64);
    let major = major.ok_or("it has no version.major; allowed: a user device configuration of Intiface")?;
    if !VERSIONS.contains(&major) {
        let (first, last) = (VERSIONS.start(), VERSIONS.end());
        return Err(format!("version.major is {major}; allowed: {first} to {last}"));
    }
    let users = root.get("user_configs").ok_or("it has no user_configs: it says nothing of the user's devices")?;
    let mut config = IntifaceConfig::default();
    for (key, value) in users.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            ("devices", Value::Array(entries)) => {
                for (position, entry) in entries.iter().enumerate() {
                    match device(entry) {
                        Ok(device) => config.devices.push(device),
                        Err(why) => config.other.push(format!("devices[{position}]: {why}")),
                    }
                }
            }
            ("protocols" | "communication_specifiers" | "specifiers", Value::Object(protocols)) => {
                config.other.extend(protocols.keys().map(|protocol| {
                    format!(
                        "{key}.{protocol}: hardware of your own; write a definition for it, see device-config/README.md"
                    )
                }));
            }
            ("simulated_devices", Value::Array(entries)) => {
                config.other.extend(entries.iter().map(|entry| {
                    let address = text(entry, "address").unwrap_or_default();
                    format!("simulated device {address:?}: `hapticd simulate MODEL` plays one")
                }));
            }
            (_, value) if is_empty(value) => {}
            _ => config.other.push(format!("user_configs.{key} is not understood")),
        }
    }
    Ok(config)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(items) => items.is_empty(),
        _ => false,
    }
}

/// Writes every key with `_`. Names of protocols and models are values or stand where both forms mean the same.
fn unify_keys(value: &mut Value) {
    match value {
        Value::Object(items) => {
            let old = std::mem::take(items);
            items.extend(old.into_iter().map(|(key, mut value)| {
                unify_keys(&mut value);
                (key.replace('-', "_"), value)
            }));
        }
        Value::Array(items) => items.iter_mut().for_each(unify_keys),
        _ => {}
    }
}

fn device(entry: &Value) -> Result<IntifaceDevice, String> {
    let identity = entry.get("identifier").and_then(Value::as_object).ok_or("it has no identifier")?;
    let word = |key: &str| identity.get(key).and_then(Value::as_str).map(str::trim).filter(|word| !word.is_empty());
    let mut device = IntifaceDevice {
        address: word("address").ok_or("its identifier has no address")?.to_owned(),
        protocol: word("protocol").ok_or("its identifier has no protocol")?.to_owned(),
        identifier: word("identifier").map(str::to_owned),
        ..IntifaceDevice::default()
    };
    let empty = Map::new();
    let config = entry.get("config").and_then(Value::as_object).unwrap_or(&empty);
    let mut problems = Vec::new();
    for (key, value) in config.get("user_config").and_then(Value::as_object).into_iter().flatten() {
        let small = || value.as_u64().and_then(|number| u32::try_from(number).ok());
        let understood = match (key.as_str(), value) {
            (_, Value::Null) => true,
            ("allow", Value::Bool(allow)) => set(&mut device.allow, *allow),
            ("deny", Value::Bool(deny)) => set(&mut device.deny, *deny),
            ("display_name", Value::String(name)) => {
                set(&mut device.display_name, Some(name.trim().to_owned()).filter(|name| !name.is_empty()))
            }
            ("index", _) if small().is_some_and(|index| index < u32::MAX) => set(&mut device.index, small()),
            ("message_gap_ms", _) if small().is_some() => set(&mut device.message_gap_ms, small()),
            _ => false,
        };
        if !understood {
            problems.push(format!("{key} = {value} is not understood"));
        }
    }
    for (position, feature) in config.get("features").and_then(Value::as_array).into_iter().flatten().enumerate() {
        device.features.push(outputs(feature, position, &mut problems));
    }
    device.problems = problems;
    Ok(device)
}

fn set<T>(place: &mut T, value: T) -> bool {
    *place = value;
    true
}

fn outputs(feature: &Value, position: usize, problems: &mut Vec<String>) -> Vec<IntifaceOutput> {
    // Format 3 has one actuator a feature, 4 and 5 have a table of outputs.
    if let Some(actuator) = feature.get("actuator").filter(|actuator| !actuator.is_null()) {
        let kind = text(feature, "feature_type").and_then(|name| actuator_kind(name, actuator));
        let Some(kind) = kind else {
            let name = feature.get("feature_type").cloned().unwrap_or_default();
            problems.push(format!("feature {position}: feature-type {name} is not known"));
            return Vec::new();
        };
        let mut output = IntifaceOutput::of(kind);
        output.range = pair(actuator, "step_limit", position, problems);
        output.of = pair(actuator, "step_range", position, problems);
        return vec![output];
    }
    let mut outputs = Vec::new();
    for (name, value) in feature.get("output").and_then(Value::as_object).into_iter().flatten() {
        let Some(kind) = output_kind(name) else {
            problems.push(format!("feature {position}: output {name:?} is not known"));
            continue;
        };
        let mut output = IntifaceOutput::of(kind);
        for (key, what) in value.as_object().into_iter().flatten() {
            match (key.as_str(), what) {
                ("value", _) => output.range = pair(value, "value", position, problems),
                ("duration", _) => output.duration_ms = pair(value, "duration", position, problems),
                ("disabled", Value::Bool(disabled)) => output.disabled = *disabled,
                ("reverse", Value::Bool(reverse)) => output.reverse = *reverse,
                (_, Value::Null) => {}
                _ => problems.push(format!("feature {position}: {name}.{key} = {what} is not understood")),
            }
        }
        outputs.push(output);
    }
    outputs
}

impl IntifaceOutput {
    fn of(kind: OutputKind) -> Self {
        Self { kind, range: None, of: None, disabled: false, reverse: false, duration_ms: None }
    }
}

fn output_kind(name: &str) -> Option<OutputKind> {
    if name == "hw_position_with_duration" || name == "position_with_duration" {
        return Some(OutputKind::HwPositionWithDuration);
    }
    OutputKind::from_key(name).filter(|kind| *kind != OutputKind::HwPositionWithDuration)
}

/// The kind that format 3 writes as the type of a feature; a position that takes `LinearCmd` is a timed one.
fn actuator_kind(name: &str, actuator: &Value) -> Option<OutputKind> {
    let messages = actuator.get("messages").and_then(Value::as_array);
    let is_timed = messages.into_iter().flatten().any(|message| message == "LinearCmd");
    match name {
        "Position" | "PositionWithDuration" if is_timed => Some(OutputKind::HwPositionWithDuration),
        "RotateWithDirection" => Some(OutputKind::Rotate),
        // Before version 4 of the wire, pumps were said to inflate.
        "Inflate" => Some(OutputKind::Constrict),
        _ => OutputKind::from_name(name),
    }
}

fn pair<T: TryFrom<i64>>(of: &Value, key: &str, position: usize, problems: &mut Vec<String>) -> Option<(T, T)> {
    let value = of.get(key).filter(|value| !value.is_null())?;
    let number = |at: usize| value.get(at).and_then(Value::as_i64).and_then(|number| T::try_from(number).ok());
    let is_pair = value.as_array().is_some_and(|items| items.len() == 2);
    let pair = number(0).zip(number(1)).filter(|_| is_pair);
    if pair.is_none() {
        problems.push(format!("feature {position}: {key} = {value} is not understood; allowed: [LEAST, GREATEST]"));
    }
    pair
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}
