//! Commands of old versions that must not do what they do elsewhere.

use std::sync::Arc;

use serde_json::json;

use super::{Bench, event, with_device};
use crate::support::{Done, Raw, SCHEMAS};

#[tokio::test]
async fn a_message_is_valid_as_a_whole_or_nothing_of_it_is_done() {
    let (_bench, mut client, mut hardware) = with_device(3, "Worked Example").await;
    let half = json!({"DeviceIndex": 0, "Scalars": [
        {"Index": 0, "Scalar": 0.5, "ActuatorType": "Vibrate"}, {"Index": 9, "Scalar": 0.5, "ActuatorType": "Vibrate"}]});
    let text = client.error("ScalarCmd", half, 4).await;
    assert!(text.contains("index 9") && text.contains("0 to 6"), "{text}");
    assert_eq!(hardware.done_soon().await, None);
}

#[tokio::test]
async fn what_the_user_disabled_is_neither_shown_nor_driven() {
    // The first vibrator is disabled, and the constrictor has no step left.
    let state = Arc::new(tempfile::tempdir().unwrap());
    let outputs = json!({"0.vibrate": {"disabled": true}, "4.constrict": {"range": [4, 4]}});
    drop(with_known(&state, "Worked Example").await);
    let path = state.path().join("devices.json");
    let mut file: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    file["version"] = 1.into();
    file["devices"][0]["user"] = json!({ "outputs": outputs });
    std::fs::write(&path, file.to_string()).unwrap();
    for version in 0..4 {
        let bench = Bench::start_in(Arc::clone(&state), &[]);
        let mut client = Raw::hello_in(&bench.server, version).await;
        client.ok("StartScanning", json!({})).await;
        let mut hardware = bench.attach("Worked Example", "C0:FF:EE:00:00:01").await;
        let device = event(&mut client, "DeviceAdded").await;
        while hardware.done_soon().await.is_some() {}
        let shown = &device["DeviceMessages"];
        if version == 3 {
            let outputs: Vec<_> = shown["ScalarCmd"].as_array().unwrap().iter().map(|o| &o["ActuatorType"]).collect();
            assert_eq!(outputs, ["Rotate", "Rotate", "Position", "Oscillate", "Vibrate"], "{device}");
            let all = json!([{"Index": 0, "Scalar": 0.5, "ActuatorType": "Vibrate"}]);
            client.error("ScalarCmd", json!({"DeviceIndex": 0, "Scalars": all}), 4).await;
        }
        if version > 0 {
            if version < 3 {
                assert_eq!(shown["VibrateCmd"]["FeatureCount"], 1, "{device}");
            }
            client.ok("VibrateCmd", json!({"DeviceIndex": 0, "Speeds": [{"Index": 0, "Speed": 1}]})).await;
            let text =
                client.error("VibrateCmd", json!({"DeviceIndex": 0, "Speeds": [{"Index": 1, "Speed": 1}]}), 4).await;
            assert!(text.contains("0 to 0"), "{text}");
        } else {
            client.ok("SingleMotorVibrateCmd", json!({"DeviceIndex": 0, "Speed": 1})).await;
        }
        assert_eq!(hardware.done().await, Done::tx([1, 4, 5]), "version {version}");
        assert_eq!(hardware.done_soon().await, None);
    }
}

/// A server that has seen hardware of this name, over this state directory.
async fn with_known(state: &Arc<tempfile::TempDir>, name: &str) -> Bench {
    let bench = Bench::start_in(Arc::clone(state), &[]);
    let mut client = Raw::scanning(&bench.server).await;
    let hardware = bench.attach(name, "C0:FF:EE:00:00:01").await;
    client.devices(1).await;
    hardware.goodbye().await;
    client.devices(0).await;
    bench
}

#[tokio::test]
async fn schemas_are_served_and_know_what_clients_send() {
    let bench = Bench::start(&[]);
    for (version, schema) in SCHEMAS.iter().enumerate() {
        let served = bench.server.json(&format!("/schema/v{version}.json")).await;
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
        assert_eq!(served, schema);
    }
    for path in ["/schema/v5.json", "/schema/v4.txt", "/schema/"] {
        let answer = bench.server.get(path).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
}
