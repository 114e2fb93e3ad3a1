//! What old clients do that nobody does any more.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{Bench, event, with_device};
use crate::support::{Done, PATIENCE, Raw, Server};

#[tokio::test]
async fn several_messages_in_one_frame_and_fields_that_nobody_knows() {
    let (_bench, mut client, mut hardware) = with_device(1, "Worked Example").await;
    let frame = json!([
        {"VibrateCmd": {"Id": 1, "DeviceIndex": 0, "Speeds": [{"Index": 0, "Speed": 0.5, "Extra": 1}], "Extra": null}},
        {"Nonsense": {"Id": 2}},
        {"RotateCmd": {"Id": 3.0, "DeviceIndex": 0.0, "Rotations": [{"Index": 0.0, "Speed": 1.0, "Clockwise": true}]}},
        {"RequestLog": {"Id": 4, "LogLevel": "Trace"}},
        {"Ping": {"Id": 5, "Extra": {}}},
    ]);
    client.send_text(frame.to_string()).await;
    // One write command for the device, although three messages lie between its parts.
    assert_eq!(hardware.done().await, Done::tx([1, 0, 10]));
    assert_eq!(hardware.done().await, Done::tx([2, 2, 15, 0]));
    let mut ids = Vec::new();
    for _ in 0..5 {
        let message = client.message().await.unwrap();
        let (name, body) = message.as_object().unwrap().iter().next().unwrap();
        ids.push((body["Id"].as_u64().unwrap(), name.clone()));
    }
    ids.sort();
    let names: Vec<_> = ids.iter().map(|(id, name)| (*id, name.as_str())).collect();
    assert_eq!(names, [(1, "Ok"), (2, "Error"), (3, "Ok"), (4, "Ok"), (5, "Ok")]);
}

#[tokio::test]
async fn motors_that_are_sent_one_by_one_go_out_in_one_packet() {
    // Both motors of this model share a packet.
    let server = Server::start(&[]);
    let mut client = Raw::hello_in(&server, 1).await;
    client.ok("StartScanning", json!({})).await;
    let mut hardware = crate::support::Peripheral::attach(&server, "4 Plus", "C0:FF:EE:00:00:01").await;
    hardware.attached().await;
    event(&mut client, "DeviceAdded").await;
    while hardware.done_soon().await.is_some() {}
    let vibrate = |id: u32, index: u32| json!({"VibrateCmd": {"Id": id, "DeviceIndex": 0, "Speeds": [{"Index": index, "Speed": 1}]}});
    client.send_text(json!([vibrate(1, 0), vibrate(2, 1)]).to_string()).await;
    let first = hardware.done().await;
    assert_eq!(hardware.done_soon().await, None, "after {first:?}");
    client.ok("StopDeviceCmd", json!({"DeviceIndex": 0})).await;
    let stop = hardware.done().await;
    assert_ne!(first, stop);
    // The same in frames of their own: the first goes out at once, the second with it after the gap.
    client.send_text(json!([vibrate(3, 0)]).to_string()).await;
    client.send_text(json!([vibrate(4, 1)]).to_string()).await;
    let mut last = hardware.done().await;
    while let Some(done) = hardware.done_soon().await {
        last = done;
    }
    assert_eq!(last, first);
}

#[tokio::test]
async fn sixty_moves_a_second_leave_no_backlog() {
    let (_bench, mut client, mut hardware) = with_device(2, "Worked Stroker").await;
    let began = Instant::now();
    for step in 0..60_u32 {
        let position = f64::from(step % 10) / 9.0;
        let vectors = json!([{"Index": 0, "Duration": 17, "Position": position}]);
        client.send_message("LinearCmd", json!({"DeviceIndex": 0, "Vectors": vectors})).await;
        tokio::time::sleep_until(began + Duration::from_micros(16_667) * (step + 1)).await;
    }
    let last = client
        .send_message(
            "LinearCmd",
            json!({"DeviceIndex": 0, "Vectors": [{"Index": 0, "Duration": 17, "Position": 0.5}]}),
        )
        .await;
    let reply = client.reply(last).await;
    assert!(reply.get("Ok").is_some(), "{reply}");
    let mut writes = Vec::new();
    while let Some(Done::Write(_, data, _)) = hardware.done_soon().await {
        writes.push(data);
    }
    let newest = writes.last().unwrap();
    assert_eq!(newest[..3], [4, 0, 125], "the newest position is the last: {newest:?}");
    assert!(writes.len() <= 61, "{}", writes.len());
}

#[tokio::test]
async fn a_device_that_has_just_gone_is_an_error_and_the_session_goes_on() {
    for version in 1..4 {
        let (_bench, mut client, hardware) = with_device(version, "Worked Example").await;
        hardware.goodbye().await;
        let cmd = json!({"DeviceIndex": 0, "Speeds": [{"Index": 0, "Speed": 0.5}]});
        let text = client.error("VibrateCmd", cmd, 4).await;
        assert!(text.contains("no device with index 0"), "{text}");
        client.ok("Ping", json!({})).await;
    }
}

#[tokio::test]
async fn a_client_that_never_pings_is_told_so_in_its_own_shape_and_let_go_in_time() {
    for version in 0..4 {
        let bench = Bench::start(&["server.max_ping_time_ms=500"]);
        let mut client = Raw::hello_in(&bench.server, version).await;
        let began = Instant::now();
        let error = tokio::time::timeout(PATIENCE, event(&mut client, "Error")).await.unwrap();
        assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
        assert_eq!((&error["Id"], &error["ErrorCode"]), (&json!(0), &json!(2)), "{error}");
        let text = error["ErrorMessage"].as_str().unwrap();
        assert!(text.contains("Ping") && text.contains("500 ms"), "{text}");
        client.closed().await;
    }
}
