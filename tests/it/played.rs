//! What a program may say of hardware that it plays: goodbye, alone, not to be remembered, of this protocol.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::{Done, Peripheral, Raw, Server};

/// Attaches with more keys than the usual ones.
async fn attach(server: &Server, name: &str, address: &str, more: Value) -> Peripheral {
    let mut frame = json!({"type": "attach", "bus": "btle", "name": name, "address": address});
    frame.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut toy = Peripheral::connect(server).await;
    toy.send(frame).await;
    toy
}

/// The devices in the state file.
fn saved(server: &Server) -> Vec<Value> {
    let text = std::fs::read_to_string(server.state.path().join("devices.json")).unwrap_or_default();
    let file: Value = serde_json::from_str(&text).unwrap_or_default();
    file["devices"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn hardware_that_says_goodbye_is_gone_at_once_and_may_come_back() {
    let server = Server::start(&["devices.reconnect_grace_ms=600000"]);
    let mut client = Raw::scanning(&server).await;
    let mut other = Peripheral::attach(&server, "REALOV_VIBE", "other").await;
    other.attached().await;
    client.devices(1).await;
    for _ in 0..5 {
        let mut toy = attach(&server, "Youcups", "a", json!({"exclusive": true})).await;
        assert_eq!(toy.told().await["type"], "present");
        assert_eq!(toy.attached().await, "youcups");
        let devices = client.devices(2).await;
        assert_eq!(devices["1"]["DeviceName"], "Youcups Warrior II", "{devices}");
        toy.goodbye().await;
        // The close comes when the device is gone: nothing has to be waited for.
        let list = client.ask("RequestDeviceList", json!({})).await;
        assert_eq!(list["DeviceList"]["Devices"].as_object().unwrap().len(), 1, "{list}");
        let text = client.error("OutputCmd", crate::support::output(1, 0, "Vibrate", 1), 4).await;
        assert!(text.contains("no device with index 1"), "{text}");
    }
    server.logged("the hardware was switched off");
    // Hardware that says nothing gets its time of grace.
    other.detach().await;
    server.away(0).await;
    client.devices(1).await;
    Peripheral::connect(&server).await.goodbye().await;
}

#[tokio::test]
async fn an_address_that_is_taken_is_told_and_nothing_is_attached() {
    let server = Server::start(&[]);
    let exclusive = || json!({"exclusive": true});
    // Before anybody scans, too: the server has connected to neither.
    let mut first = attach(&server, "Youcups", "a", exclusive()).await;
    assert_eq!(first.told().await["type"], "present");
    let mut second = attach(&server, "Youcups", "a", exclusive()).await;
    let told = second.told().await;
    assert_eq!((&told["type"], &told["code"]), (&json!("refused"), &json!("taken")), "{told}");
    let mut client = Raw::scanning(&server).await;
    first.attached().await;
    client.devices(1).await;
    // The socket is still good for another address, and for this one when it is free.
    second.send(json!({"type": "attach", "bus": "btle", "name": "Youcups", "address": "b", "exclusive": true})).await;
    assert_eq!(second.told().await["type"], "present");
    second.attached().await;
    client.devices(2).await;
    first.goodbye().await;
    client.devices(1).await;
    let mut third = attach(&server, "Youcups", "a", exclusive()).await;
    assert_eq!(third.told().await["type"], "present");
}

#[tokio::test]
async fn what_is_not_to_be_remembered_is_not_but_its_limits_hold() {
    let state = Arc::new(tempfile::tempdir().unwrap());
    let limited = json!({"bus": "btle", "address": "mine", "protocol": "youcups", "identifier": "Youcups", "index": 3,
        "user": {"outputs": {"0.vibrate": {"range": [0, 4]}}}});
    let file = json!({"version": 1, "devices": [limited]});
    std::fs::write(state.path().join("devices.json"), file.to_string()).unwrap();
    let server = Server::start_in(state, &[]);
    let mut client = Raw::scanning(&server).await;
    let forget = || json!({"remember": false});
    let mut mine = attach(&server, "Youcups", "mine", forget()).await;
    mine.attached().await;
    let devices = client.devices(1).await;
    assert_eq!(devices["3"]["DeviceFeatures"]["0"]["Output"]["Vibrate"]["Value"], json!([0, 4]), "{devices}");
    client.output(3, 0, "Vibrate", 4).await;
    while mine.done().await != Done::tx("$SYS,4?") {}
    let mut passing = attach(&server, "Youcups", "passing", forget()).await;
    passing.attached().await;
    client.devices(2).await;
    // While the server runs it is the same device, and taken without a scan.
    client.ok("StopScanning", json!({})).await;
    passing.goodbye().await;
    client.devices(1).await;
    let mut passing = attach(&server, "Youcups", "passing", forget()).await;
    passing.attached().await;
    assert!(client.devices(2).await.get("0").is_some());
    // Something that is remembered has the file written.
    client.ok("StartScanning", json!({})).await;
    let mut kept = attach(&server, "Youcups", "kept", json!({})).await;
    kept.attached().await;
    client.devices(3).await;
    let end = std::time::Instant::now() + crate::support::PATIENCE;
    while !saved(&server).iter().any(|device| device["address"] == "kept") {
        assert!(std::time::Instant::now() < end, "nothing is saved");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let addresses: Vec<_> = saved(&server).iter().map(|device| device["address"].clone()).collect();
    assert_eq!(addresses, ["mine", "kept"]);
}

#[tokio::test]
async fn hardware_that_cannot_be_opened_is_told_why() {
    let server = Server::start(&["links.init_timeout_ms=300", "links.read_timeout_ms=100"]);
    let _client = Raw::scanning(&server).await;
    // It is asked for its model and never answers.
    let mut silent = attach(&server, "SF 1", "a", json!({})).await;
    assert_eq!(silent.attached().await, "satisfyer");
    let told = silent.told().await;
    assert_eq!(told["type"], "failed", "{told}");
    assert!(told["reason"].as_str().unwrap().contains("asking for the model failed"), "{told}");
}

#[tokio::test]
async fn hardware_that_looks_like_nothing_is_what_it_says() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut toy = attach(&server, "Some Toy", "a", json!({"protocol": "wevibe"})).await;
    assert_eq!(toy.attached().await, "wevibe");
    let devices = client.devices(1).await;
    assert_eq!(devices["0"]["DeviceName"], "WeVibe Device", "{devices}");
    for (protocol, bus) in [("telepathy", "btle"), ("wevibe", "serial")] {
        let more = json!({"protocol": protocol, "bus": bus});
        let mut wrong = attach(&server, "Aneros", "b", more).await;
        let told = wrong.told().await;
        assert_eq!(told["type"], "refused", "{told}");
    }
}

#[tokio::test]
async fn the_end_of_the_server_is_said() {
    let mut server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut attached = attach(&server, "Youcups", "a", json!({})).await;
    attached.attached().await;
    client.devices(1).await;
    let mut waiting = Peripheral::connect(&server).await;
    server.signal("TERM");
    for toy in [&mut attached, &mut waiting] {
        let (code, why) = toy.closed().await;
        assert_eq!((code, why.as_str()), (1001, "the server has ended"));
    }
    assert_eq!(server.wait(), Some(0));
}
