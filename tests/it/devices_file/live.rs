//! Changes reach connected devices and their clients at once.

use serde_json::json;

use super::*;
use crate::versions::event;

#[tokio::test]
async fn a_limit_lowers_what_runs_and_every_client_sees_it() {
    let mut running = Running::start(&[]).await;
    let mut old = Raw::hello_in(&running.bench.server, 3).await;
    old.ask("RequestDeviceList", json!({})).await;
    running.device(&["set", "0", "0.vibrate=0..4", "display_name=Blue one"]);
    assert_eq!(running.hardware.done().await, Done::tx([1, 0, 4]));
    let changed = running.changed(|device| *greatest(device) == 4).await;
    assert_eq!(changed["DeviceDisplayName"], "Blue one");
    assert_eq!(event(&mut old, "DeviceRemoved").await["DeviceIndex"], 0);
    let added = event(&mut old, "DeviceAdded").await;
    assert_eq!(added["DeviceMessages"]["ScalarCmd"][0]["StepCount"], 4, "{added}");
    // The whole of what is allowed is 4; what was wanted before does not come back by itself.
    running.client.output(0, 0, "Vibrate", 4).await;
    let text = running.client.error("OutputCmd", crate::support::output(0, 0, "Vibrate", 5), 4).await;
    assert!(text.contains("0 to 4"), "{text}");
    running.device(&["set", "0", "0.vibrate=unlimited"]);
    running.changed(|device| *greatest(device) == 20).await;
    assert_eq!(running.hardware.done_soon().await.filter(|done| *done != Done::tx([1, 0, 4])), None);
    running.client.output(0, 0, "Vibrate", 20).await;
    while running.hardware.done().await != Done::tx([1, 0, 20]) {}
}

#[tokio::test]
async fn an_output_that_is_switched_off_stops_and_is_no_longer_there() {
    let mut running = Running::start(&[]).await;
    running.device(&["set", "0", "0.vibrate=off"]);
    assert_eq!(running.hardware.done().await, Done::tx([1, 0, 0]));
    running.changed(|device| device.is_object() && greatest(device).is_null()).await;
    running.client.error("OutputCmd", crate::support::output(0, 0, "Vibrate", 1), 4).await;
    running.device(&["set", "0", "0.vibrate=on"]);
    running.changed(|device| *greatest(device) == 20).await;
    assert_eq!(running.hardware.done_soon().await, None);
}

#[tokio::test]
async fn what_is_denied_is_stopped_and_let_go_and_found_again_once_it_is_allowed() {
    let mut running = Running::start(&[]).await;
    let server = &running.bench.server;
    device(server, &["deny", "0"]);
    assert_eq!(running.hardware.done().await, Done::tx([1, 0, 0]));
    running.client.devices(0).await;
    // Nothing is written after the stop, and what comes to its address is refused.
    while let Some(done) = running.hardware.done_soon().await {
        assert!(!matches!(&done, Done::Write(_, data, _) if data[2] > 0), "{done:?}");
    }
    let mut again = Peripheral::attach(server, "Worked Example", ADDRESS).await;
    let told = again.told().await;
    assert!(told["reason"].as_str().unwrap().contains("deny"), "{told}");
    device(server, &["allow", "0"]);
    // It is told when it is looked at again: until the file is read, it is still refused.
    while Peripheral::attach(server, "Worked Example", ADDRESS).await.told().await["type"] != "attached" {}
    running.client.devices(1).await;
}

/// The hub brings some at a time in line, and tells clients once of all.
#[tokio::test]
async fn many_devices_are_all_brought_within_their_limits() {
    const DEVICES: i32 = 120;
    let bench = Bench::start(&[]);
    let mut client = Raw::scanning(&bench.server).await;
    let address = |number: i32| format!("C0:FF:EE:00:01:{number:02X}");
    let mut all = Vec::new();
    for number in 0..DEVICES {
        all.push(bench.attach("Worked Example", &address(number)).await);
    }
    client.devices(all.len()).await;
    for (number, hardware) in (0..).zip(&mut all) {
        client.output(number, 0, "Vibrate", 20).await;
        assert_eq!(hardware.done().await, Done::tx([1, 0, 20]), "{number}");
    }
    let entry = |number| {
        format!("[[device]]\naddress = \"{}\"\noutput.\"0.vibrate\" = {{ range = [0, 4] }}\n", address(number))
    };
    let text = format!("version = 1\n{}", (0..DEVICES).map(entry).collect::<String>());
    std::fs::write(bench.server.state.path().join("devices.toml"), text).unwrap();
    for (number, hardware) in (0..).zip(&mut all) {
        assert_eq!(hardware.done().await, Done::tx([1, 0, 4]), "{number}");
    }
    let limited = |message: &serde_json::Value| {
        let devices = message["DeviceList"]["Devices"].as_object();
        devices.is_some_and(|devices| devices.len() == 120 && devices.values().all(|device| *greatest(device) == 4))
    };
    client.until(limited).await;
}

#[tokio::test]
async fn a_message_gap_counts_from_now() {
    let mut running = Running::start(&[]).await;
    running.device(&["set", "0", "message_gap_ms=150"]);
    running.changed(|device| device["DeviceMessageTimingGap"] == 150).await;
}

#[tokio::test]
async fn a_level_rises_in_steps_and_a_move_lasts_longer_as_the_user_wants_it() {
    let mut running = Running::start(&[]).await;
    running.device(&["set", "0", "0.vibrate=0..10", "0.vibrate.rise=200", "3.hw_position.speed=50"]);
    assert_eq!(running.hardware.done().await, Done::tx([1, 0, 10]));
    running.changed(|device| *greatest(device) == 10).await;
    running.client.output(0, 0, "Vibrate", 0).await;
    assert_eq!(running.hardware.done().await, Done::tx([1, 0, 0]));
    // 40 steps a second, of which the hardware takes one in 20 ms: one step at a time.
    running.client.output(0, 0, "Vibrate", 10).await;
    for level in 1..=10 {
        assert_eq!(running.hardware.done().await, Done::tx([1, 0, level]));
    }
    // All of the travel takes two seconds, and nobody knows yet where the axis stands.
    let command = json!({ "HwPositionWithDuration": { "Value": 10, "Duration": 20 } });
    let output = json!({ "DeviceIndex": 0, "FeatureIndex": 3, "Command": command });
    running.client.ask("OutputCmd", output).await;
    assert_eq!(running.hardware.done().await, Done::tx([4, 3, 10, 7, 208]));
    // A stop takes no time.
    running.client.output(0, 0, "Vibrate", 0).await;
    assert_eq!(running.hardware.done().await, Done::tx([1, 0, 0]));
    running.client.output(0, 0, "Vibrate", 10).await;
    assert_eq!(running.hardware.done().await, Done::tx([1, 0, 1]));
    running.client.ask("StopCmd", json!({})).await;
    while running.hardware.done().await != Done::tx([1, 0, 0]) {}
    while let Some(done) = running.hardware.done_soon().await {
        assert!(!matches!(&done, Done::Write(_, data, _) if data[0] == 1 && data[2] > 0), "{done:?}");
    }
}
