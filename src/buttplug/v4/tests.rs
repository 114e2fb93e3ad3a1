//! What is read and written in version 4.

use std::sync::Arc;

use serde_json::{Value, json};

use super::V4;
use super::messages::{ClientMessage, InputCmd, OnlyId, ServerMessage as Wire};
use crate::buttplug::{
    ClientState, Codec, ReplyForm, Request, ServerMessage, error::ErrorCode, error::ProtocolError, frame::Element,
    number::Whole,
};
use crate::types::{
    Derived, Description, Descriptions, FeatureDescription, InputDescription, InputKind, Output, OutputKind, Reading,
    StopScope,
};

fn read(name: &str, body: Value) -> Result<Request, ProtocolError> {
    read_with_form(name, body).map(|(request, _)| request)
}

fn read_with_form(name: &str, body: Value) -> Result<(Request, ReplyForm), ProtocolError> {
    V4.read(Element { name: name.to_owned(), id: 1, body }, &mut ClientState::default(), &Descriptions::new())
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
        let (request, form) = read_with_form("InputCmd", body).unwrap();
        assert!(matches!(request, Request::Input { kind: InputKind::Rssi, .. }), "{command}");
        let reading = ServerMessage::Reading(Reading { device: 0, feature: 0, kind: InputKind::Rssi, value: -3 });
        for (form, id) in [(form, 1), (form.event(), 0)] {
            let frame = V4.write(&form, &reading).unwrap();
            let expected = json!([{"InputReading": {"Id": id, "DeviceIndex": 0, "FeatureIndex": 0,
                    "Reading": {"Rssi": {"Value": -3}}}}]);
            assert_eq!(serde_json::from_str::<Value>(&frame).unwrap(), expected, "{command}");
        }
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
        ("InputCmd", json!({"Id": 1, "DeviceIndex": 0, "FeatureIndex": 0, "Type": long, "Command": "Read"}), "Button"),
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
        assert_eq!(error.code(), ErrorCode::Message);
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
        derived: Derived::default(),
    };
    let devices = Arc::new(Descriptions::from([(6, Arc::new(device))]));
    let frame = V4.write(&ReplyForm::new(3, "RequestDeviceList"), &ServerMessage::DeviceList(devices)).unwrap();
    let expected = json!([{"DeviceList": {"Id": 3, "Devices": {"6": {
        "DeviceIndex": 6, "DeviceName": "Orbit", "DeviceDisplayName": "Left one", "DeviceMessageTimingGap": 75,
        "DeviceFeatures": {"5": {"FeatureIndex": 5, "FeatureDescription": "Cell",
            "Input": {"Battery": {"Value": [[0, 100]], "Command": ["Read"]}}}},
    }}}}]);
    assert_eq!(serde_json::from_str::<Value>(&frame).unwrap(), expected);
}

#[test]
fn every_message_that_is_written_can_be_read() {
    let texts = [
        r#"{"RequestServerInfo":{"Id":1,"ClientName":"c","ProtocolVersionMajor":4,"ProtocolVersionMinor":0}}"#,
        r#"{"Ping":{"Id":1}}"#,
        r#"{"RequestDeviceList":{"Id":1}}"#,
        r#"{"StartScanning":{"Id":1}}"#,
        r#"{"StopScanning":{"Id":1}}"#,
        r#"{"OutputCmd":{"Id":1,"DeviceIndex":2,"FeatureIndex":3,"Command":{"Vibrate":{"Value":-4}}}}"#,
        r#"{"OutputCmd":{"Id":1,"DeviceIndex":2,"FeatureIndex":3,"Command":{"HwPositionWithDuration":{"Value":4,"Duration":5}}}}"#,
        r#"{"InputCmd":{"Id":1,"DeviceIndex":2,"FeatureIndex":3,"Type":"Battery","Command":"Read"}}"#,
        r#"{"StopCmd":{"Id":1,"Inputs":true,"Outputs":true}}"#,
        r#"{"StopCmd":{"Id":1,"DeviceIndex":2,"FeatureIndex":3,"Inputs":false,"Outputs":true}}"#,
        r#"{"Disconnect":{"Id":1}}"#,
    ];
    for text in texts {
        let message: ClientMessage = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&message).unwrap(), text);
    }
    let lenient = r#"{"InputCmd":{"Id":1.0,"DeviceIndex":20e-1,"FeatureIndex":3,"Type":"Battery","Command":"Read"}}"#;
    let exact = InputCmd {
        id: Whole(1),
        device_index: Whole(2),
        feature_index: Whole(3),
        r#type: "Battery".to_owned(),
        command: "Read".to_owned(),
    };
    assert_eq!(serde_json::from_str::<ClientMessage>(lenient).unwrap(), ClientMessage::InputCmd(exact));
    let texts = [
        r#"{"Ok":{"Id":1}}"#,
        r#"{"Error":{"Id":0,"ErrorCode":3,"ErrorMessage":"no"}}"#,
        r#"{"ServerInfo":{"Id":1,"ServerName":"s","MaxPingTime":100,"ProtocolVersionMajor":4,"ProtocolVersionMinor":0}}"#,
        r#"{"DeviceList":{"Id":1,"Devices":{"10":{"DeviceIndex":10,"DeviceName":"n","DeviceMessageTimingGap":5,"DeviceFeatures":{"0":{"FeatureIndex":0,"FeatureDescription":"","Output":{"HwPositionWithDuration":{"Value":[0,100],"Duration":[1,9]}},"Input":{"Battery":{"Value":[[0,100]],"Command":["Read"]}}}}}}}}"#,
        r#"{"ScanningFinished":{"Id":0}}"#,
        r#"{"InputReading":{"Id":1,"DeviceIndex":0,"FeatureIndex":0,"Reading":{"RSSI":{"Value":-4}}}}"#,
    ];
    for text in texts {
        let message: Wire = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&message).unwrap(), text);
    }
    // A newer server may say more.
    let newer = r#"{"Error":{"Id":0,"ErrorCode":3,"ErrorMessage":"no","Hint":"x"}}"#;
    assert!(serde_json::from_str::<Wire>(newer).is_ok());
    assert_eq!(serde_json::to_string(&Wire::Ok(OnlyId { id: Whole(7) })).unwrap(), r#"{"Ok":{"Id":7}}"#);
}
