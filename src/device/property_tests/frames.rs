//! What strangers send: every frame is answered and none takes the server down (promise 8).

use super::*;
use crate::buttplug::{ClientState, ReplyForm, ServerMessage, frame, handshake, versions};
use crate::types::Descriptions;

const VALID: &[&str] = &[
    r#"[{"RequestServerInfo":{"Id":1,"ClientName":"c","ProtocolVersionMajor":4,"ProtocolVersionMinor":0}}]"#,
    r#"[{"Ping":{"Id":4294967295}},{"RequestDeviceList":{"Id":2}}]"#,
    r#"[{"StartScanning":{"Id":3}},{"StopScanning":{"Id":4}},{"Disconnect":{"Id":5}}]"#,
    r#"[{"OutputCmd":{"Id":6,"DeviceIndex":0,"FeatureIndex":1,"Command":{"Vibrate":{"Value":-7}}}}]"#,
    r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":0,
        "Command":{"HwPositionWithDuration":{"Value":9,"Duration":500}}}}]"#,
    r#"[{"InputCmd":{"Id":8,"DeviceIndex":0,"FeatureIndex":2,"Type":"Battery","Command":"Read"}}]"#,
    r#"[{"RequestServerInfo":{"Id":1,"ClientName":"c"}},{"RequestLog":{"Id":2,"LogLevel":"Off"}},{"Test":{"Id":3,"TestString":"é"}}]"#,
    r#"[{"ScalarCmd":{"Id":6,"DeviceIndex":0,"Scalars":[{"Index":0,"Scalar":0.5,"ActuatorType":"Vibrate"}]}}]"#,
    r#"[{"LinearCmd":{"Id":7,"DeviceIndex":0,"Vectors":[{"Index":0,"Duration":500,"Position":0.3}]}}]"#,
    r#"[{"RotateCmd":{"Id":8,"DeviceIndex":0,"Rotations":[{"Index":0,"Speed":0.5,"Clockwise":true}]}}]"#,
    r#"[{"SensorReadCmd":{"Id":9,"DeviceIndex":0,"SensorIndex":0,"SensorType":"Battery"}},{"BatteryLevelCmd":{"Id":1,"DeviceIndex":0}}]"#,
    r#"[{"StopCmd":{"Id":9,"DeviceIndex":1,"FeatureIndex":2,"Inputs":false,"Outputs":true}}]"#,
];

/// One place of a text, in thousandths of it, and what comes there instead of what.
#[derive(Debug, Clone)]
struct Cut {
    at: usize,
    away: usize,
    put: String,
}

fn mutated() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "",
        "\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "null",
        "-",
        "1e999",
        "99999999999999999999",
        "1.5",
        "\\u0000",
        "\\ud800",
        "\u{fffd}é",
        "{\"Id\":1}",
        "\"Id\":0",
        "Vibrate",
        "[[[[[[[[[[[[[[[[",
        " ",
    ]);
    let cut = (0..1000_usize, 0..6_usize, piece).prop_map(|(at, away, put)| Cut { at, away, put: put.to_owned() });
    (select(VALID.to_vec()), proptest::collection::vec(cut, 0..5)).prop_map(|(text, cuts)| {
        let mut letters: Vec<char> = text.chars().collect();
        for Cut { at, away, put } in cuts {
            let from = at * letters.len() / 1000;
            let to = (from + away).min(letters.len());
            letters.splice(from..to, put.chars());
        }
        letters.into_iter().collect()
    })
}

/// JSON of the right outline with anything in its fields.
fn outlined() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        "[a-zA-Z]{0,9}".prop_map(|text| format!("\"{text}\"")),
        select(vec!["null", "true", "[]", "{}", "{\"Vibrate\":{\"Value\":1}}", "{\"Led\":null}", "0"])
            .prop_map(str::to_owned),
    ];
    let field = select(vec![
        "Id",
        "DeviceIndex",
        "FeatureIndex",
        "Command",
        "Type",
        "Inputs",
        "Outputs",
        "ClientName",
        "ProtocolVersionMajor",
        "ProtocolVersionMinor",
    ]);
    let name = prop_oneof![
        5 => select(vec!["OutputCmd", "InputCmd", "StopCmd", "Ping", "RequestServerInfo"]).prop_map(str::to_owned),
        1 => "\\PC{0,80}".prop_map(|name| name.replace(['"', '\\'], "")),
    ];
    (name, proptest::collection::vec((field, value), 0..6), 1..9_u32).prop_map(|(name, fields, id)| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!(
            "[{{\"{name}\":{{{}}}}},{{\"Ping\":{{\"Id\":{id}}}}}]",
            [format!("\"Id\":{id}"), fields.join(",")].join(",")
        )
    })
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn every_frame_is_answered(
        text in prop_oneof![any::<String>(), "[\\[\\]{}\",:0-9a-zI\\\\ ]{0,40}", (3..300_usize).prop_map(|n| "[".repeat(n)),
            mutated(), outlined()],
    ) {
        let elements = frame::split(&text);
        prop_assert!(!elements.is_empty(), "no answer to {text:?}");
        let of_all = (0..=4).flat_map(|version| frame::split(&text).into_iter().map(move |element| (version, element)));
        for (version, element) in of_all {
            let codec = versions::for_version(version).unwrap();
            let (id, error) = match element {
                Ok(element) => {
                    prop_assert!(element.id > 0);
                    // Whether it is understood or not, neither may panic.
                    let _ = handshake::read(element.body.clone());
                    let id = element.id;
                    match codec.read(element, &mut ClientState::default(), &Descriptions::new()) {
                        Ok(_) => continue,
                        Err(error) => (id, error),
                    }
                }
                Err(rejected) => rejected,
            };
            let answer = codec.write(&ReplyForm::new(id, ""), &ServerMessage::Error(error)).unwrap();
            let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
            prop_assert_eq!(&answer[0]["Error"]["Id"], id);
            prop_assert!(answer[0]["Error"]["ErrorMessage"].as_str().is_some_and(|why| !why.is_empty()));
        }
    }
}
