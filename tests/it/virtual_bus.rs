//! The virtual bus: hardware that comes, goes, lies and fails.

use serde_json::json;

use crate::support::{Done, Peripheral, Raw, Server};

#[tokio::test]
async fn unknown_hardware_is_refused_and_may_try_again() {
    let server = Server::start(&[]);
    let mut thing = Peripheral::connect(&server).await;
    for (frame, text) in [
        ("nonsense", "could not be understood"),
        (r#"{"type":"notify","endpoint":"rx","data":"00"}"#, "first frame must be an attach"),
        (r#"{"type":"attach","bus":"telepathy","name":"x","address":"y"}"#, "could not be understood"),
        (r#"{"type":"attach","bus":"btle","name":"x","address":""}"#, "address"),
        (r#"{"type":"attach","bus":"hid","name":"x","address":"y","vendor_id":0.5}"#, "an integer from 0 to 65535"),
        (r#"{"type":"attach","bus":"hid","name":"x","address":"y","vendor_id":65536}"#, "an integer from 0 to 65535"),
        (r#"{"type":"attach","bus":"btle","name":"x","address":"y","manufacturer_data":{"x":"00"}}"#, "company"),
        (r#"{"type":"attach","bus":"btle","name":"x","address":"y","manufacturer_data":{"93":"zz"}}"#, "hex"),
    ] {
        thing.send_text(frame).await;
        let told = thing.told().await;
        assert!(told["type"] == "error" && told["reason"].as_str().unwrap().contains(text), "{frame}: {told}");
    }
    thing.send(json!({"type": "attach", "bus": "btle", "name": "Toaster", "address": "a"})).await;
    let told = thing.told().await;
    assert_eq!(told["type"], "refused", "{told}");
    thing.detach().await;
    let _client = Raw::scanning(&server).await;
    thing.send(json!({"type": "attach", "bus": "btle", "name": "Youcups", "address": "a"})).await;
    assert_eq!(thing.attached().await, "youcups");
}

#[tokio::test]
async fn hardware_is_recognised_by_everything_it_may_say() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut by_data = Peripheral::connect(&server).await;
    by_data
        .send(json!({"type": "attach", "bus": "btle", "name": "", "address": "a", "rssi": -60,
            "manufacturer_data": {"93": "000027b0"}}))
        .await;
    assert_eq!(by_data.attached().await, "satisfyer");
    assert_eq!(by_data.done().await, Done::Write("command".to_owned(), vec![1], true));
    let devices = client.devices(1).await;
    assert_eq!(devices["0"]["DeviceName"], "Satisfyer Double Desire");
    let mut by_service = Peripheral::connect(&server).await;
    by_service
        .send(json!({"type": "attach", "bus": "btle", "name": "", "address": "b",
            "advertised_services": ["6e400001-b5a3-f393-e0a9-e50e24dcca9e"]}))
        .await;
    assert_eq!(by_service.attached().await, "lovense");
    let mut port = Peripheral::connect(&server).await;
    port.send(json!({"type": "attach", "bus": "serial", "name": "default", "address": "/dev/ttyV0"})).await;
    assert_eq!(port.attached().await, "tcode-v03");
    let mut bare = Peripheral::connect(&server).await;
    bare.send(json!({"type": "attach", "bus": "btle", "name": "Youcups", "address": "c",
        "services": {"0000fee9-0000-1000-8000-00805f9b34fb": []}}))
        .await;
    let told = bare.told().await;
    assert!(told["type"] == "refused" && told["reason"].as_str().unwrap().contains("services"), "{told}");
}

#[tokio::test]
async fn hardware_that_drops_out_comes_back_with_what_is_wanted() {
    let server = Server::start(&["devices.reconnect_grace_ms=5000"]);
    let mut client = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach(&server, "Massage Demo", "C0:FF:EE:00:00:01").await;
    toy.attached().await;
    client.devices(1).await;
    client.ok("StopScanning", json!({})).await;
    client.output(0, 0, "Vibrate", 5).await;
    toy.done().await;
    drop(toy);
    server.away(0).await;
    assert!(!server.log().contains("garbage"), "{}", server.log());
    client.output(0, 1, "Vibrate", 7).await;
    let mut toy = Peripheral::attach(&server, "Massage Demo", "C0:FF:EE:00:00:01").await;
    toy.attached().await;
    let writes = [toy.done().await, toy.done().await, toy.done().await, toy.done().await];
    assert_eq!(writes, [[0xF1, 0], [0xF2, 0], [0xF1, 5], [0xF2, 7]].map(Done::tx));
    assert_eq!(client.message_soon().await, None, "the client notices nothing");
}

#[tokio::test]
async fn hardware_that_stays_away_is_reported_gone_and_keeps_its_index() {
    let server = Server::start(&["devices.reconnect_grace_ms=200"]);
    let mut client = Raw::scanning(&server).await;
    let mut first = Peripheral::attach(&server, "Youcups", "a").await;
    first.attached().await;
    client.devices(1).await;
    let mut second = Peripheral::attach(&server, "REALOV_VIBE", "b").await;
    second.attached().await;
    client.devices(2).await;
    first.detach().await;
    let left = client.devices(1).await;
    assert!(left.get("1").is_some(), "{left}");
    let text = client.error("OutputCmd", crate::support::output(0, 0, "Vibrate", 1), 4).await;
    assert!(text.contains("connected: 1"), "{text}");
    let state = server.state.clone();
    drop(server);
    let server = Server::start_in(state, &[]);
    let mut client = Raw::hello(&server).await;
    let mut second = Peripheral::attach(&server, "REALOV_VIBE", "b").await;
    second.attached().await;
    let devices = client.devices(1).await;
    assert!(devices.get("1").is_some(), "the index outlives the server: {devices}");
    // It may have run on while no server watched it.
    assert_eq!(second.done().await, Done::tx([0xC5, 0x55, 0, 0xAA]));
}

#[tokio::test]
async fn two_pieces_of_hardware_cannot_have_one_address() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut first = Peripheral::attach(&server, "Youcups", "a").await;
    first.attached().await;
    client.devices(1).await;
    let mut second = Peripheral::attach(&server, "Youcups", "a").await;
    let told = second.told().await;
    assert!(told["type"] == "refused" && told["reason"].as_str().unwrap().contains("address"), "{told}");
    client.output(0, 0, "Vibrate", 3).await;
    assert_eq!(first.done().await, Done::tx("$SYS,3?"));
}

#[tokio::test]
async fn hardware_that_fails_and_hardware_that_talks_nonsense_hurt_nobody() {
    let server = Server::start(&["links.write_timeout_ms=100", "links.max_failures=3", "devices.restart_budget=2"]);
    let mut client = Raw::scanning(&server).await;
    let mut good = Peripheral::attach(&server, "Youcups", "good").await;
    good.attached().await;
    client.devices(1).await;
    let mut bad = Peripheral::attach_manual(&server, "REALOV_VIBE", "bad").await;
    bad.attached().await;
    client.devices(2).await;
    // It never confirms: the link is opened again until the budget is spent, then the device is given up.
    client.output(1, 0, "Vibrate", 9).await;
    for frame in ["{", "[]", "{\"type\":\"reply\",\"id\":99}", "{\"type\":\"notify\",\"endpoint\":\"x\",\"data\":\"\"}"]
    {
        bad.send_text(frame).await;
    }
    client.output(0, 0, "Vibrate", 3).await;
    assert_eq!(good.done().await, Done::tx("$SYS,3?"));
    let devices = client.devices(1).await;
    assert!(devices.get("0").is_some(), "{devices}");
    let text = client.error("OutputCmd", crate::support::output(1, 0, "Vibrate", 1), 4).await;
    assert!(text.contains("no device with index 1"), "{text}");
    server.logged("is given up");
    let health = server.health().await;
    assert!(health["gone"][0]["why"].as_str().unwrap().contains("is given up"), "{health}");
}

#[tokio::test]
async fn the_timing_gap_is_told_truly() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach(&server, "Youcups", "a").await;
    toy.attached().await;
    let mut port = Peripheral::connect(&server).await;
    port.send(json!({"type": "attach", "bus": "serial", "name": "default", "address": "b"})).await;
    port.attached().await;
    let devices = client.devices(2).await;
    let mut gaps: Vec<_> =
        devices.as_object().unwrap().values().map(|device| &device["DeviceMessageTimingGap"]).collect();
    gaps.sort_by_key(|gap| gap.as_u64());
    assert_eq!(gaps, [&json!(20), &json!(75)]);
}

#[tokio::test]
async fn a_kill_during_a_save_loses_nothing_that_was_saved() {
    let state = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let file = state.path().join("devices.json");
    let mut known = 0;
    for round in 0..5 {
        let server = Server::start_in(state.clone(), &[]);
        let _client = Raw::scanning(&server).await;
        let mut toys = Vec::new();
        for number in 0..20 {
            toys.push(Peripheral::attach(&server, "Youcups", &format!("{round}-{number}")).await);
        }
        // Saving has begun when the first is taken; the kill comes somewhere in between.
        toys[round * 3].attached().await;
        // On a busy machine every kill may come before the first save; the last one comes after it.
        let end = std::time::Instant::now() + crate::support::PATIENCE;
        while round == 4 && !file.exists() && std::time::Instant::now() < end {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        drop(server);
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let saved: serde_json::Value = serde_json::from_str(&text).unwrap();
        let count = saved["devices"].as_array().unwrap().len();
        assert!(count >= known, "{count} devices are left of {known}");
        known = count;
    }
    assert!(known > 0);
    let server = Server::start_in(state, &[]);
    assert!(!server.log().contains("not understood"), "{}", server.log());
}

#[tokio::test]
async fn hardware_that_blinks_is_taken_back_without_a_scan() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach(&server, "Youcups", "a").await;
    toy.attached().await;
    client.devices(1).await;
    client.ok("StopScanning", json!({})).await;
    let again = json!({"type": "attach", "bus": "btle", "name": "Youcups", "address": "a"});
    // In one breath: the server hears of the return before its device has noticed the loss.
    for _ in 0..10 {
        toy.detach().await;
        toy.send(again.clone()).await;
        while toy.told().await["type"] != "attached" {}
        assert_eq!(toy.done().await, Done::tx("$SYS,0?"), "it is stopped first");
    }
    // A new socket, before the end of the old one is noticed.
    let mut other = Peripheral::attach(&server, "Youcups", "a").await;
    drop(toy);
    while other.told().await["type"] != "attached" {}
    client.output(0, 0, "Vibrate", 3).await;
    while other.done().await != Done::tx("$SYS,3?") {}
}

#[tokio::test]
async fn a_controller_is_told_again_while_it_rumbles_and_never_after_its_stop() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut joycon = Peripheral::connect(&server).await;
    // Some writers of JSON put a byte order mark in front and a point into every number.
    let attach = json!({"type": "attach", "bus": "hid", "name": "Joy-Con (L)", "address": "98:b6",
            "vendor_id": 1406.0, "product_id": 8198.0, "rssi": -60.5});
    joycon.send_text(format!("\u{FEFF}{attach}")).await;
    assert_eq!(joycon.attached().await, "nintendo-joycon");
    client.devices(1).await;
    let report = |start: &[u8]| {
        let mut report = start.to_vec();
        report.resize(64, 0);
        Done::tx(report)
    };
    assert_eq!(joycon.done().await, report(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x48, 1]));
    client.output(0, 0, "Vibrate", 500).await;
    let half = report(&[0x10, 1, 0xA8, 0x88, 0xAC, 0x62, 0xA8, 0x88, 0xAC, 0x62]);
    for _ in 0..20 {
        assert_eq!(joycon.done().await, half);
    }
    client.ok("StopCmd", json!({})).await;
    let silence = report(&[0x10, 1, 0, 0, 0x41, 0x40, 0, 0, 0x41, 0x40]);
    let mut last = joycon.done().await;
    while last == half {
        last = joycon.done().await;
    }
    assert_eq!(last, silence);
    // Nobody confirms a report, so a stop is sent twice.
    assert_eq!(joycon.done().await, silence);
    assert_eq!(joycon.done_soon().await, None);
}

#[tokio::test]
async fn a_gamepad_and_a_toy_behind_the_dongle_are_recognised() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut pad = Peripheral::connect(&server).await;
    pad.send(json!({"type": "attach", "bus": "gamepad", "name": "Some Pad", "address": "usb-1/input0"})).await;
    assert_eq!(pad.attached().await, "sdl-gamepad");
    let devices = client.devices(1).await;
    assert_eq!(devices["0"]["DeviceMessageTimingGap"], 0, "{devices}");
    // It is told again while it runs, and told nothing while it rests.
    assert_eq!(pad.done_soon().await, None);
    client.output(0, 1, "Vibrate", 0x1234).await;
    assert_eq!(pad.done().await, Done::tx([0, 0, 0x34, 0x12]));
    assert_eq!(pad.done().await, Done::tx([0, 0, 0x34, 0x12]));
    client.ok("StopCmd", json!({})).await;
    assert_eq!(pad.done().await, Done::tx([0, 0, 0, 0]));
    assert_eq!(pad.done_soon().await, None);
    let mut toy = Peripheral::connect(&server).await;
    toy.send(json!({"type": "attach", "bus": "lovense_dongle", "name": "LVS-DongleDevice", "address": "AB12"})).await;
    assert_eq!(toy.attached().await, "lovense");
    assert_eq!(toy.done().await, Done::Subscribe("rx".to_owned()));
    assert_eq!(toy.done().await, Done::tx("DeviceType;"));
    toy.notify("rx", "P:02:0082059AD3BD;").await;
    let devices = client.devices(2).await;
    assert_eq!(
        (&devices["1"]["DeviceName"], &devices["1"]["DeviceMessageTimingGap"]),
        (&"Lovense Edge".into(), &75.into())
    );
}
