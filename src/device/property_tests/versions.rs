//! Every command of every wire version on every device of the library: it is answered, and what a client sends is what the
//! device is told, within a step (promise 8).

use serde_json::{Value, json};

use super::*;
use crate::buttplug::{ClientState, Codec, ReplyForm, Request, ServerMessage, frame, versions};
use crate::types::Descriptions;

/// What a codec makes of one message to a device that the client was given.
fn read(codec: &dyn Codec, devices: &Arc<Descriptions>, message: &Value) -> Result<Request, String> {
    let element = frame::split(&json!([message]).to_string()).pop().unwrap();
    let mut client = ClientState::new(Some(Arc::clone(devices)));
    let rejected = match element.map(|element| (element.id, codec.read(element, &mut client, devices))) {
        Ok((_, Ok((request, _)))) => return Ok(request),
        Ok((id, Err(error))) | Err((id, error)) => (id, error),
    };
    let (id, error) = rejected;
    let answer = codec.write(&ReplyForm::new(id, ""), &ServerMessage::Error(error)).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    Err(answer[0]["Error"]["ErrorMessage"].as_str().unwrap_or_default().to_owned())
}

fn devices(device: &DeviceHandle) -> Arc<Descriptions> {
    Arc::new(Descriptions::from([(0, device.description())]))
}

/// The first device of the list that a client of this version is given.
fn listed(version: u32, devices: &Arc<Descriptions>) -> Value {
    let codec = versions::for_version(version).unwrap();
    let list = codec.write(&ReplyForm::new(1, "RequestDeviceList"), &ServerMessage::DeviceList(Arc::clone(devices)));
    let list: Value = serde_json::from_str(&list.unwrap()).unwrap();
    list[0]["DeviceList"]["Devices"][0].clone()
}

/// A number that a client may send for a part of a range, a count or an index.
fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => (0..=100_u32).prop_map(|percent| json!(f64::from(percent) / 100.0)),
        3 => (0..12_u32).prop_map(|small| json!(small)),
        1 => any::<i64>().prop_map(|wild| json!(wild)),
        1 => any::<f64>().prop_map(|wild| json!(wild)),
        1 => select(vec![json!(null), json!("1"), json!(true), json!([]), json!({}), json!(2.0), json!(1.000_000_01)]),
    ]
}

/// A message of any version to the device at index 0, mostly whole.
fn message() -> impl Strategy<Value = Value> {
    let output = select(OutputKind::ALL.to_vec()).prop_map(OutputKind::name);
    (select((0..16_usize).collect::<Vec<_>>()), proptest::collection::vec(number(), 4), output, any::<bool>()).prop_map(
        |(which, numbers, kind, flag)| {
            let [a, b, c, index] = <[Value; 4]>::try_from(numbers).unwrap();
            let ids = |mut body: Value| {
                body["Id"] = json!(7);
                body["DeviceIndex"] = json!(0);
                body
            };
            let sensor = || ids(json!({"SensorIndex": index, "SensorType": "Battery"}));
            match which {
                0 => json!({"SingleMotorVibrateCmd": ids(json!({"Speed": a}))}),
                1 => json!({"VibrateCmd": ids(json!({"Speeds": [{"Index": index, "Speed": a}, {"Index": 0, "Speed": b}]}))}),
                2 => json!({"RotateCmd": ids(json!({"Rotations": [{"Index": index, "Speed": a, "Clockwise": flag}]}))}),
                3 => json!({"LinearCmd": ids(json!({"Vectors": [{"Index": index, "Duration": a, "Position": b}]}))}),
                4 => {
                    let scalars = json!([{"Index": index, "Scalar": a, "ActuatorType": kind}]);
                    json!({"ScalarCmd": ids(json!({ "Scalars": scalars }))})
                }
                5 => json!({"SensorReadCmd": sensor()}),
                6 => json!({"SensorSubscribeCmd": sensor()}),
                7 => json!({"SensorUnsubscribeCmd": sensor()}),
                8 => json!({"BatteryLevelCmd": ids(json!({}))}),
                9 => json!({"RSSILevelCmd": ids(json!({}))}),
                10 => json!({"StopDeviceCmd": ids(json!({}))}),
                11 => json!({"VorzeA10CycloneCmd": ids(json!({"Speed": a, "Clockwise": flag}))}),
                12 => json!({"FleshlightLaunchFW12Cmd": ids(json!({"Position": a, "Speed": c}))}),
                13 => json!({"RawWriteCmd": ids(json!({"Endpoint": "tx", "Data": [1], "WriteWithResponse": flag}))}),
                14 => {
                    let command = json!({ kind: {"Value": a, "Duration": c} });
                    json!({"OutputCmd": ids(json!({"FeatureIndex": index, "Command": command}))})
                }
                _ => json!({"InputCmd": ids(json!({"FeatureIndex": index, "Type": "Battery", "Command": "Read"}))}),
            }
        },
    )
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn every_command_is_a_request_that_the_device_takes_or_an_error_that_says_why(
        subject in subject(), limits in proptest::collection::vec(user_limits(), 0..3), message in message(),
    ) {
        let device = subject.device(&subject.settings(&limits, None));
        let devices = devices(&device);
        for version in 0..=4 {
            match read(versions::for_version(version).unwrap(), &devices, &message) {
                Ok(Request::Output { sets, .. }) => {
                    for (feature, output) in sets {
                        // Of version 4, the device itself checks the values.
                        if let Err(error) = device.accept(feature, output) {
                            prop_assert!(version == 4, "version {version}: {message} is {output:?}, but {error}");
                            prop_assert!(!error.to_string().is_empty());
                        }
                    }
                }
                Ok(_) => {}
                Err(why) => prop_assert!(why.len() > 10, "version {version}: {message} is refused: {why:?}"),
            }
        }
    }
}

/// The single output that a message sets.
fn set(version: u32, devices: &Arc<Descriptions>, message: &Value) -> (u32, Output) {
    match read(versions::for_version(version).unwrap(), devices, message) {
        Ok(Request::Output { sets, .. }) if sets.len() == 1 => sets[0],
        other => panic!("version {version}: {message} is {other:?}"),
    }
}

/// What a client sends for a step of a list, and the step that the device is told.
#[test]
fn a_value_survives_the_way_down_within_its_step() {
    let mut tried = 0;
    for subject in LIBRARY.definitions().iter().flat_map(models_of) {
        let device = subject.device(&UserSettings::default());
        let devices = devices(&device);
        let messages = listed(3, &devices)["DeviceMessages"].clone();
        let some = |name: &str| messages[name].as_array().cloned().unwrap_or_default();
        let all = ["ScalarCmd", "RotateCmd", "LinearCmd"].into_iter().flat_map(|name| {
            some(name).into_iter().enumerate().map(move |(index, attributes)| (name, index, attributes))
        });
        // Of the scalars, the vibrators can be addressed by their own position, too.
        let mut vibrators = 0;
        for (name, index, attributes) in all {
            let steps = attributes["StepCount"].as_i64().unwrap();
            let kind = attributes["ActuatorType"].as_str().unwrap().to_owned();
            for step in [0, 1, steps / 3, steps / 2, steps - 1, steps] {
                let part = step as f64 / steps as f64;
                let body = |list: &str, entry: Value| json!({"Id": 1, "DeviceIndex": 0, list: [entry]});
                let (versions, message) = match name {
                    "ScalarCmd" => {
                        let entry = json!({"Index": index, "Scalar": part, "ActuatorType": kind});
                        (3..=3, json!({ "ScalarCmd": body("Scalars", entry) }))
                    }
                    "RotateCmd" => {
                        let entry = json!({"Index": index, "Speed": part, "Clockwise": step % 2 == 0});
                        (1..=3, json!({ "RotateCmd": body("Rotations", entry) }))
                    }
                    _ => {
                        let entry = json!({"Index": index, "Position": part, "Duration": 500});
                        (1..=3, json!({ "LinearCmd": body("Vectors", entry) }))
                    }
                };
                for version in versions {
                    check(&device, &devices, version, &message, step);
                }
                if name == "ScalarCmd" && kind == "Vibrate" {
                    let entry = json!({"Index": vibrators, "Speed": part});
                    for version in 1..=3 {
                        check(
                            &device,
                            &devices,
                            version,
                            &json!({ "VibrateCmd": body("Speeds", entry.clone()) }),
                            step,
                        );
                    }
                }
                tried += 1;
            }
            vibrators += usize::from(name == "ScalarCmd" && kind == "Vibrate");
        }
    }
    assert!(tried > 5000, "{tried}");
}

fn check(device: &DeviceHandle, devices: &Arc<Descriptions>, version: u32, message: &Value, step: i64) {
    let (feature, output) = set(version, devices, message);
    // Places are cut off, as old clients expect it, so a rounding error may cost one step (facts: devices.md section 6).
    let lost = i64::from(output.kind.is_position());
    let told = i64::from(output.value.abs());
    let what = format!("{} version {version}: {message} is {output:?}", device.description().name);
    assert!(told <= step && step - told <= lost, "{what}");
    device.accept(feature, output).unwrap_or_else(|error| panic!("{what}: {error}"));
}
