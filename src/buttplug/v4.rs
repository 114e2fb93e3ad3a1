//! Protocol version 4 (facts: messages.md sections 4 and 7).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::codec::{Codec, fields};
use super::error::ProtocolError;
use super::number::{Rounded, Whole};
use super::request::{Request, ServerMessage};
use crate::types::{
    Description, Descriptions, FeatureDescription, InputAction, InputDescription, InputKind, Output, OutputDescription,
    OutputKind, StopScope, description,
};

/// Messages that a client of this version may send, for error texts.
const ALLOWED: &str = "RequestServerInfo, Ping, RequestDeviceList, StartScanning, StopScanning, OutputCmd, InputCmd, \
                       StopCmd, Disconnect";

/// Protocol version 4.
#[derive(Debug, Clone, Copy)]
pub struct V4;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct OnlyId {
    #[serde(rename = "Id")]
    _id: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct OutputCmd {
    #[serde(rename = "Id")]
    _id: IgnoredAny,
    device_index: Whole<u32>,
    feature_index: Whole<u32>,
    command: BTreeMap<String, Payload>,
}

/// Unknown fields are ignored in here, as the reference server does (facts: messages.md 1.1).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Payload {
    value: Rounded<i32>,
    duration: Option<Rounded<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct InputCmd {
    #[serde(rename = "Id")]
    _id: IgnoredAny,
    device_index: Whole<u32>,
    feature_index: Whole<u32>,
    r#type: String,
    command: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct StopCmd {
    #[serde(rename = "Id")]
    _id: IgnoredAny,
    device_index: Option<Whole<u32>>,
    feature_index: Option<Whole<u32>>,
    #[serde(default = "yes")]
    inputs: bool,
    #[serde(default = "yes")]
    outputs: bool,
}

fn yes() -> bool {
    true
}

impl Codec for V4 {
    fn version(&self) -> u32 {
        4
    }

    fn read(&self, name: &str, body: Value, _: &Descriptions) -> Result<Request, ProtocolError> {
        let only_id = |name: &'static str, body, request| fields::<OnlyId>(name, body).map(|_| request);
        match name {
            "Ping" => only_id("Ping", body, Request::Ping),
            "RequestDeviceList" => only_id("RequestDeviceList", body, Request::DeviceList),
            "StartScanning" => only_id("StartScanning", body, Request::StartScanning),
            "StopScanning" => only_id("StopScanning", body, Request::StopScanning),
            "Disconnect" => only_id("Disconnect", body, Request::Disconnect),
            "OutputCmd" => output(fields("OutputCmd", body)?),
            "InputCmd" => input(&fields("InputCmd", body)?),
            "StopCmd" => stop(&fields("StopCmd", body)?),
            _ => Err(ProtocolError::UnknownMessage { name: name.to_owned(), version: 4, allowed: ALLOWED.to_owned() }),
        }
    }

    fn write(&self, message: &ServerMessage) -> Option<String> {
        let value = match message {
            ServerMessage::Ok { id } => json!([{ "Ok": { "Id": id } }]),
            ServerMessage::Error { id, error } => json!([{ "Error": {
                "Id": id, "ErrorCode": error.code() as u8, "ErrorMessage": error.to_string(),
            } }]),
            ServerMessage::ServerInfo { id, name, max_ping_ms } => json!([{ "ServerInfo": {
                "Id": id, "ServerName": name, "MaxPingTime": max_ping_ms,
                "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0,
            } }]),
            ServerMessage::DeviceList { id, devices } => json!([{ "DeviceList": {
                "Id": id, "Devices": indexed(devices.iter().map(|(index, device)| (*index, describe(device)))),
            } }]),
            ServerMessage::ScanningFinished => json!([{ "ScanningFinished": { "Id": 0 } }]),
            ServerMessage::Reading { id, reading, mixed_case } => {
                let kind = if *mixed_case { "Rssi" } else { reading.kind.name() };
                json!([{ "InputReading": {
                    "Id": id, "DeviceIndex": reading.device, "FeatureIndex": reading.feature,
                    "Reading": { kind: { "Value": reading.value } },
                } }])
            }
        };
        Some(value.to_string())
    }

    fn devices_changed(&self, before: &Descriptions, after: &Arc<Descriptions>) -> Vec<String> {
        let list = |devices| self.write(&ServerMessage::DeviceList { id: 0, devices });
        let replaced = description::replaced(before, after);
        // Clients compare lists by index, so another device at the same index has to be missing once.
        let without = (!replaced.is_empty()).then(|| {
            let left = after.iter().filter(|(index, _)| !replaced.contains(index));
            Arc::new(left.map(|(index, device)| (*index, Arc::clone(device))).collect())
        });
        without.into_iter().chain([Arc::clone(after)]).filter_map(list).collect()
    }
}

fn bad(message: &'static str, why: String) -> ProtocolError {
    ProtocolError::BadFields { message, why }
}

fn output(cmd: OutputCmd) -> Result<Request, ProtocolError> {
    const NAME: &str = "OutputCmd";
    let kinds = cmd.command.len();
    let mut entries = cmd.command.into_iter();
    let (Some((name, payload)), None) = (entries.next(), entries.next()) else {
        return Err(bad(NAME, format!("Command must have exactly one key, an output type; got {kinds}")));
    };
    let Some(kind) = OutputKind::from_name(&name) else {
        let known: Vec<_> = OutputKind::ALL.iter().map(|kind| kind.name()).collect();
        return Err(bad(NAME, format!("Command has no output type {name:?}; allowed: {}", known.join(", "))));
    };
    let duration_ms = match (kind, payload.duration) {
        (OutputKind::HwPositionWithDuration, None) => {
            return Err(bad(NAME, "HwPositionWithDuration needs a Duration in milliseconds".to_owned()));
        }
        (OutputKind::HwPositionWithDuration, Some(Rounded(duration))) => duration,
        _ => 0,
    };
    let output = Output { kind, value: payload.value.0, duration_ms };
    Ok(Request::Output { device: cmd.device_index.0, sets: vec![(cmd.feature_index.0, output)] })
}

fn input(cmd: &InputCmd) -> Result<Request, ProtocolError> {
    const NAME: &str = "InputCmd";
    // The reference server and the Rust client write `Rssi`, the specification `RSSI` (facts: messages.md 3).
    let mixed_case = cmd.r#type == "Rssi";
    let kind = InputKind::ALL.into_iter().find(|kind| kind.name() == cmd.r#type);
    let Some(kind) = kind.or(mixed_case.then_some(InputKind::Rssi)) else {
        let why = format!("Type {:?} is not one of Battery, RSSI, Pressure, Button", cmd.r#type);
        return Err(bad(NAME, why));
    };
    let action = match cmd.command.as_str() {
        "Read" | "read" => InputAction::Read,
        "Subscribe" | "subscribe" => InputAction::Subscribe,
        "Unsubscribe" | "unsubscribe" => InputAction::Unsubscribe,
        other => {
            return Err(bad(NAME, format!("Command {other:?} is not one of Read, Subscribe, Unsubscribe")));
        }
    };
    let (device, feature) = (cmd.device_index.0, cmd.feature_index.0);
    Ok(Request::Input { device, feature, kind, action, mixed_case })
}

fn stop(cmd: &StopCmd) -> Result<Request, ProtocolError> {
    let (device, feature) = (cmd.device_index.map(|index| index.0), cmd.feature_index.map(|index| index.0));
    if let (None, Some(feature)) = (device, feature) {
        return Err(ProtocolError::FeatureWithoutDevice { feature });
    }
    Ok(Request::Stop(StopScope { device, feature, inputs: cmd.inputs, outputs: cmd.outputs }))
}

/// Maps of devices and features are keyed by their index written as a string.
fn indexed(entries: impl Iterator<Item = (u32, Value)>) -> Value {
    Value::Object(entries.map(|(index, value)| (index.to_string(), value)).collect())
}

fn describe(device: &Description) -> Value {
    let features = indexed(device.features.iter().map(|feature| (feature.index, describe_feature(feature))));
    let mut value = json!({
        "DeviceIndex": device.index, "DeviceName": device.name, "DeviceMessageTimingGap": device.gap_ms,
        "DeviceFeatures": features,
    });
    if let (Some(name), Value::Object(fields)) = (&device.display_name, &mut value) {
        fields.insert("DeviceDisplayName".to_owned(), json!(name));
    }
    value
}

fn describe_feature(feature: &FeatureDescription) -> Value {
    let mut value = json!({ "FeatureIndex": feature.index, "FeatureDescription": feature.label });
    let Value::Object(fields) = &mut value else {
        return value;
    };
    // An empty Output or Input is left out: the JavaScript client calls methods on null (facts: messages.md 7.1).
    if !feature.outputs.is_empty() {
        let outputs: serde_json::Map<_, _> = feature.outputs.iter().map(describe_output).collect();
        fields.insert("Output".to_owned(), Value::Object(outputs));
    }
    if !feature.inputs.is_empty() {
        let inputs: serde_json::Map<_, _> = feature.inputs.iter().map(describe_input).collect();
        fields.insert("Input".to_owned(), Value::Object(inputs));
    }
    value
}

fn describe_output(output: &OutputDescription) -> (String, Value) {
    let value = match output.duration_ms {
        Some(duration) => json!({ "Value": output.value, "Duration": duration }),
        None => json!({ "Value": output.value }),
    };
    (output.kind.name().to_owned(), value)
}

fn describe_input(input: &InputDescription) -> (String, Value) {
    let commands: Vec<_> = [(input.read, "Read"), (input.subscribe, "Subscribe")]
        .into_iter()
        .filter_map(|(has, name)| has.then_some(name))
        .collect();
    (input.kind.name().to_owned(), json!({ "Value": input.ranges, "Command": commands }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, body: Value) -> Result<Request, ProtocolError> {
        V4.read(name, body, &Descriptions::new())
    }

    #[test]
    fn every_output_type_is_read() {
        for kind in OutputKind::ALL {
            let body = json!({"Id": 1, "DeviceIndex": 2, "FeatureIndex": 3,
                "Command": {kind.name(): {"Value": -4, "Duration": 5}}});
            let duration_ms = if kind == OutputKind::HwPositionWithDuration { 5 } else { 0 };
            let output = Output { kind, value: -4, duration_ms };
            assert_eq!(read("OutputCmd", body), Ok(Request::Output { device: 2, sets: vec![(3, output)] }));
        }
    }

    #[test]
    fn what_the_reference_takes_is_taken() {
        let extra = json!({"Id": 1, "DeviceIndex": 0, "FeatureIndex": 0, "Command": {"Vibrate": {"Value": 3, "X": 1}}});
        assert!(read("OutputCmd", extra).is_ok());
        for command in ["Read", "read", "Subscribe", "subscribe", "Unsubscribe", "unsubscribe"] {
            let body = json!({"Id": 1, "DeviceIndex": 0, "FeatureIndex": 0, "Type": "Rssi", "Command": command});
            assert!(matches!(read("InputCmd", body), Ok(Request::Input { mixed_case: true, .. })), "{command}");
        }
    }

    #[test]
    fn numbers_may_be_written_with_a_point_and_amounts_with_a_fraction() {
        let body = json!({"Id": 1.0, "DeviceIndex": 2.0, "FeatureIndex": 3.0,
            "Command": {"HwPositionWithDuration": {"Value": 49.5, "Duration": 333.3333}}});
        let output = Output { kind: OutputKind::HwPositionWithDuration, value: 50, duration_ms: 333 };
        assert_eq!(read("OutputCmd", body), Ok(Request::Output { device: 2, sets: vec![(3, output)] }));
        let body = json!({"Id": 1, "DeviceIndex": 0, "FeatureIndex": 0, "Command": {"Vibrate": {"Value": [64]}}});
        let output = Output { kind: OutputKind::Vibrate, value: 64, duration_ms: 0 };
        assert_eq!(read("OutputCmd", body), Ok(Request::Output { device: 0, sets: vec![(0, output)] }));
        let body = json!({"Id": 1.0, "DeviceIndex": 6.0, "FeatureIndex": 1e0, "Inputs": false});
        let scope = StopScope { device: Some(6), feature: Some(1), inputs: false, outputs: true };
        assert_eq!(read("StopCmd", body), Ok(Request::Stop(scope)));
        let body = json!({"Id": 1, "DeviceIndex": 6.0, "FeatureIndex": 1.0, "Type": "Battery", "Command": "Read"});
        assert!(matches!(read("InputCmd", body), Ok(Request::Input { device: 6, feature: 1, .. })));
        for (name, body) in [
            ("StopCmd", json!({"Id": 1, "DeviceIndex": 0.5})),
            ("StopCmd", json!({"Id": 1, "DeviceIndex": 0, "FeatureIndex": 1.5})),
            ("OutputCmd", json!({"Id": 1, "DeviceIndex": 0.1, "FeatureIndex": 0, "Command": {"Led": {"Value": 1}}})),
        ] {
            let error = read(name, body.clone()).unwrap_err().to_string();
            assert!(error.contains("expected an integer from 0 to 4294967295"), "{body}: {error}");
        }
    }

    #[test]
    fn long_names_are_cut_and_the_sentence_about_them_is_not() {
        let long = "x".repeat(100_000);
        for (name, body, end) in [
            ("Ping", json!({"Id": 1, long.as_str(): 1}), "expected `Id`"),
            ("OutputCmd", json!({"Id": 1, "DeviceIndex": long, "FeatureIndex": 0, "Command": {}}), "to 4294967295"),
            (
                "OutputCmd",
                json!({"Id": 1, "DeviceIndex": 0, "FeatureIndex": 0, "Command": {long.as_str(): {"Value": 1}}}),
                "HwPositionWithDuration",
            ),
            (
                "OutputCmd",
                json!({"Id": 1, "DeviceIndex": 0, "FeatureIndex": 0, "Command": {long.as_str(): {"Value": null}}}),
                "to 2147483647",
            ),
            (
                "InputCmd",
                json!({"Id": 1, "DeviceIndex": 0, "FeatureIndex": 0, "Type": long, "Command": "Read"}),
                "Button",
            ),
        ] {
            let error = read(name, body).unwrap_err().to_string();
            assert!(error.len() < 1500 && error.ends_with(end), "{error}");
        }
    }

    #[test]
    fn bad_fields_are_named() {
        let cases = [
            ("Ping", json!({"Id": 1, "X": 1}), "unknown field `X`"),
            ("OutputCmd", json!({"Id": 1, "DeviceIndex": 0, "FeatureIndex": 0}), "missing field `Command`"),
            ("OutputCmd", json!({"Id": 1, "DeviceIndex": 0, "FeatureIndex": 0, "Command": {}}), "exactly one key"),
            (
                "OutputCmd",
                json!({"Id": 1, "DeviceIndex": 0, "FeatureIndex": 0,
                    "Command": {"Vibrate": {"Value": 1}, "Rotate": {"Value": 1}}}),
                "exactly one key",
            ),
            (
                "OutputCmd",
                json!({"Id": 1, "DeviceIndex": 0, "FeatureIndex": 0, "Command": {"Vibrate": {"Value": "1"}}}),
                "Command.Vibrate.Value",
            ),
            (
                "OutputCmd",
                json!({"Id": 1, "DeviceIndex": -1, "FeatureIndex": 0, "Command": {"Vibrate": {"Value": 1}}}),
                "DeviceIndex",
            ),
            (
                "OutputCmd",
                json!({"Id": 1, "DeviceIndex": 0, "FeatureIndex": 0, "Command": {"vibrate": {"Value": 1}}}),
                "allowed: Constrict",
            ),
            (
                "OutputCmd",
                json!({"Id": 1, "DeviceIndex": 0, "FeatureIndex": 0,
                    "Command": {"HwPositionWithDuration": {"Value": 1}}}),
                "needs a Duration",
            ),
            (
                "InputCmd",
                json!({"Id": 1, "DeviceIndex": 0, "FeatureIndex": 0, "Type": "battery", "Command": "Read"}),
                "Battery, RSSI",
            ),
            (
                "InputCmd",
                json!({"Id": 1, "DeviceIndex": 0, "FeatureIndex": 0, "Type": "Battery", "Command": "READ"}),
                "Read, Subscribe",
            ),
            ("StopCmd", json!({"Id": 1, "DeviceIndex": null}), "DeviceIndex must not be null"),
            ("StopCmd", json!({"Id": 1, "FeatureIndex": 3}), "needs a DeviceIndex"),
            ("StopAllDevices", json!({"Id": 1}), "allowed: RequestServerInfo"),
            ("Ok", json!({"Id": 1}), "not a message that a client may send"),
        ];
        for (name, body, text) in cases {
            let error = read(name, body.clone()).expect_err(name);
            assert!(error.to_string().contains(text), "{name} {body}: {error}");
            assert_eq!(error.code(), super::super::error::ErrorCode::Message);
        }
    }

    #[test]
    fn stop_defaults_to_everything() {
        let all = StopScope { device: None, feature: None, inputs: true, outputs: true };
        assert_eq!(read("StopCmd", json!({"Id": 1})), Ok(Request::Stop(all)));
        let some = StopScope { device: Some(6), feature: Some(1), inputs: false, outputs: true };
        let body = json!({"Id": 1, "DeviceIndex": 6, "FeatureIndex": 1, "Inputs": false});
        assert_eq!(read("StopCmd", body), Ok(Request::Stop(some)));
    }

    #[test]
    fn a_description_has_no_empty_parts() {
        let device = Description {
            index: 6,
            name: "Orbit".to_owned(),
            display_name: Some("Left one".to_owned()),
            gap_ms: 75,
            features: vec![FeatureDescription {
                index: 5,
                label: "Cell".to_owned(),
                outputs: Vec::new(),
                inputs: vec![InputDescription {
                    kind: InputKind::Battery,
                    ranges: vec![(0, 100)],
                    read: true,
                    subscribe: false,
                }],
            }],
        };
        let devices = Arc::new(Descriptions::from([(6, Arc::new(device))]));
        let frame = V4.write(&ServerMessage::DeviceList { id: 3, devices }).unwrap();
        let expected = json!([{"DeviceList": {"Id": 3, "Devices": {"6": {
            "DeviceIndex": 6, "DeviceName": "Orbit", "DeviceDisplayName": "Left one", "DeviceMessageTimingGap": 75,
            "DeviceFeatures": {"5": {"FeatureIndex": 5, "FeatureDescription": "Cell",
                "Input": {"Battery": {"Value": [[0, 100]], "Command": ["Read"]}}}},
        }}}}]);
        assert_eq!(serde_json::from_str::<Value>(&frame).unwrap(), expected);
    }
}
