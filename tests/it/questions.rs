//! `docs/questions.md` tells the truth: what it shows is put into a state directory and is in force.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::{Done, Peripheral, QUIET, Raw, Server, output};

const QUESTIONS: &str = include_str!("../../docs/questions.md");

/// A server whose state is the example of this section.
fn server(section: &str) -> Server {
    let text = QUESTIONS.split(&format!("\n## {section}\n")).nth(1).unwrap_or_else(|| panic!("no section {section}"));
    let example = text.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let state = tempfile::tempdir().unwrap();
    std::fs::write(state.path().join("devices.json"), example).unwrap();
    let server = Server::start_in(Arc::new(state), &[]);
    server.welcome();
    assert!(!server.log().contains("is kept, but not used"), "{}", server.log());
    server
}

async fn only_device(client: &mut Raw) -> Value {
    client.devices(1).await["0"].clone()
}

#[tokio::test]
async fn a_greatest_strength_and_a_name() {
    let server = server("A greatest strength, a name");
    let mut client = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach(&server, "LVS-P01", "C0:FF:EE:00:00:01").await;
    toy.attached().await;
    assert_eq!(toy.done().await, Done::Subscribe("rx".to_owned()));
    assert_eq!(toy.done().await, Done::tx("DeviceType;"));
    toy.notify("rx", "P:02:0082059AD3BD;").await;
    let device = only_device(&mut client).await;
    assert_eq!((&device["DeviceDisplayName"], &device["DeviceMessageTimingGap"]), (&json!("Blue one"), &json!(120)));
    let features = &device["DeviceFeatures"];
    assert_eq!(features["0"]["Output"], json!({"Vibrate": {"Value": [0, 10]}}), "{device}");
    assert!(features["1"].get("Output").is_none_or(|output| output == &json!({})), "{device}");
    client.output(0, 0, "Vibrate", 10).await;
    // A device that was known before is stopped first, as it may still run.
    loop {
        match toy.done().await {
            done if done == Done::tx("Vibrate1:10;") => break,
            done => assert!(done == Done::tx("Vibrate1:0;") || done == Done::tx("Vibrate2:0;"), "{done:?}"),
        }
    }
    let text = client.error("OutputCmd", output(0, 0, "Vibrate", 11), 4).await;
    assert!(text.contains("0 to 10"), "{text}");
    client.error("OutputCmd", output(0, 1, "Vibrate", 1), 4).await;
}

#[tokio::test]
async fn a_stroker_that_stays_within_bounds() {
    let server = server("A stroker that stays within bounds");
    let mut client = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach(&server, "Onyx2", "C0:FF:EE:00:00:02").await;
    toy.attached().await;
    let device = only_device(&mut client).await;
    let outputs = &device["DeviceFeatures"]["0"]["Output"]["HwPositionWithDuration"];
    assert_eq!((&outputs["Value"], &outputs["Duration"]), (&json!([0, 60]), &json!([200, 2000])), "{device}");
    while toy.done_soon().await.is_some() {}
    for (asked, place) in [(0, 80), (60, 20)] {
        let body = json!({"DeviceIndex": 0, "FeatureIndex": 0,
            "Command": {"HwPositionWithDuration": {"Value": asked, "Duration": 500}}});
        client.ok("OutputCmd", body).await;
        let Done::Write(_, data, _) = toy.done().await else { panic!("no write") };
        assert_eq!(data.first(), Some(&place), "{data:?}");
    }
}

#[tokio::test]
async fn a_device_that_is_never_taken() {
    let server = server("A device that is never taken");
    let mut client = Raw::scanning(&server).await;
    let _toy = Peripheral::attach(&server, "REALOV_VIBE", "C0:FF:EE:00:00:03").await;
    server.logged("the user's settings deny this address");
    tokio::time::sleep(QUIET).await;
    client.devices(0).await;
}

/// Of a level, the first number of a range is the last step that is left out; of a position it is the first that is used.
#[tokio::test]
async fn ranges_of_levels_and_positions_are_as_the_table_says() {
    assert!(QUESTIONS.contains("Of a level, `[2, 9]` means off, or 3 to 9; of a position, from 2 to 9"));
    let state = tempfile::tempdir().unwrap();
    let entry = |address: &str, protocol: &str, identifier: &str, index: u32, place: &str| {
        json!({"bus": "btle", "address": address, "protocol": protocol, "identifier": identifier, "index": index,
            "user": {"outputs": {place: {"range": [2, 9]}}}})
    };
    let vibrator = entry("a", "realov", "REALOV_VIBE", 0, "0.vibrate");
    let stroker = entry("b", "kiiroo-v2", "Onyx2", 1, "0.hw_position");
    let file = json!({"version": 1, "devices": [vibrator, stroker]});
    std::fs::write(state.path().join("devices.json"), file.to_string()).unwrap();
    let server = Server::start_in(Arc::new(state), &[]);
    let mut client = Raw::scanning(&server).await;
    let mut level = Peripheral::attach(&server, "REALOV_VIBE", "a").await;
    level.attached().await;
    client.devices(1).await;
    let mut place = Peripheral::attach(&server, "Onyx2", "b").await;
    place.attached().await;
    client.devices(2).await;
    while level.done_soon().await.is_some() || place.done_soon().await.is_some() {}
    for (asked, written) in [(1, 3), (7, 9), (0, 0)] {
        client.output(0, 0, "Vibrate", asked).await;
        assert_eq!(level.done().await, Done::tx([0xC5, 0x55, written, 0xAA]));
    }
    client.error("OutputCmd", output(0, 0, "Vibrate", 8), 4).await;
    for (asked, written) in [(0, 2), (7, 9)] {
        let body = json!({"DeviceIndex": 1, "FeatureIndex": 0,
            "Command": {"HwPositionWithDuration": {"Value": asked, "Duration": 500}}});
        client.ok("OutputCmd", body).await;
        let Done::Write(_, data, _) = place.done().await else { panic!("no write") };
        assert_eq!(data.first(), Some(&written), "{data:?}");
    }
}

/// What `of` says is the scale of the range, whatever the hardware has now.
#[tokio::test]
async fn a_range_keeps_its_part_of_other_steps() {
    assert!(QUESTIONS.contains("of 50 steps, `[0, 10]` of `[0, 20]` are the first 25"));
    let state = tempfile::tempdir().unwrap();
    let limit = json!({"0.vibrate": {"range": [0, 10], "of": [0, 20]}});
    let file = json!({"version": 1, "devices": [{"bus": "btle", "address": "a", "protocol": "realov",
        "identifier": "REALOV_VIBE", "index": 0, "user": {"outputs": limit}}]});
    std::fs::write(state.path().join("devices.json"), file.to_string()).unwrap();
    let server = Server::start_in(Arc::new(state), &[]);
    let mut client = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach(&server, "REALOV_VIBE", "a").await;
    toy.attached().await;
    let device = only_device(&mut client).await;
    assert_eq!(device["DeviceFeatures"]["0"]["Output"], json!({"Vibrate": {"Value": [0, 25]}}), "{device}");
    while toy.done_soon().await.is_some() {}
    client.output(0, 0, "Vibrate", 25).await;
    assert_eq!(toy.done().await, Done::tx([0xC5, 0x55, 25, 0xAA]));
    client.error("OutputCmd", output(0, 0, "Vibrate", 26), 4).await;
}
