//! Promise 1 from outside: whatever happens, hardware is stopped.

use std::time::Duration;

use serde_json::json;

use crate::support::{Done, Peripheral, Raw, Server, output};

const RUN: [u8; 4] = [0xC5, 0x55, 9, 0xAA];
const STOP: [u8; 4] = [0xC5, 0x55, 0, 0xAA];

async fn running(server: &Server) -> (Raw, Peripheral) {
    let mut client = Raw::scanning(server).await;
    let mut toy = Peripheral::attach(server, "REALOV_VIBE", "C0:FF:EE:00:00:01").await;
    toy.attached().await;
    client.devices(1).await;
    client.output(0, 0, "Vibrate", 9).await;
    assert_eq!(toy.done().await, Done::tx(RUN));
    (client, toy)
}

#[tokio::test]
async fn signals_stop_hardware_before_the_server_ends() {
    for signal in ["TERM", "INT", "HUP"] {
        let mut server = Server::start(&[]);
        let (mut client, mut toy) = running(&server).await;
        server.signal(signal);
        assert_eq!(toy.done().await, Done::tx(STOP), "{signal}");
        assert_eq!(toy.done().await, Done::Disconnect, "{signal}");
        client.closed().await;
        assert_eq!(server.wait(), Some(0), "{signal}: {}", server.log());
    }
}

#[tokio::test]
async fn a_stop_that_hardware_does_not_confirm_is_repeated_and_reported() {
    let mut server = Server::start(&["links.write_timeout_ms=100", "server.shutdown_deadline_ms=1000"]);
    let mut client = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach_manual(&server, "REALOV_VIBE", "C0:FF:EE:00:00:01").await;
    toy.attached().await;
    client.devices(1).await;
    server.signal("TERM");
    for _ in 0..3 {
        assert_eq!(toy.done().await, Done::tx(STOP));
    }
    assert_eq!(server.wait(), Some(1));
    server.logged("did not confirm");
}

#[tokio::test]
async fn stops_reach_what_they_name_and_nothing_else() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut one = Peripheral::attach(&server, "Massage Demo", "C0:FF:EE:00:00:01").await;
    one.attached().await;
    client.devices(1).await;
    let mut other = Peripheral::attach(&server, "REALOV_VIBE", "C0:FF:EE:00:00:02").await;
    other.attached().await;
    client.devices(2).await;
    for (device, feature) in [(0, 0), (0, 1), (1, 0)] {
        client.output(device, feature, "Vibrate", 9).await;
    }
    assert_eq!([one.done().await, one.done().await], [[0xF1, 9], [0xF2, 9]].map(Done::tx));
    assert_eq!(other.done().await, Done::tx(RUN));
    client.ok("StopCmd", json!({"Outputs": false})).await;
    client.ok("StopCmd", json!({"Inputs": false, "Outputs": false})).await;
    assert_eq!((one.done_soon().await, other.done_soon().await), (None, None));
    client.ok("StopCmd", json!({"DeviceIndex": 0, "FeatureIndex": 1})).await;
    assert_eq!(one.done().await, Done::tx([0xF2, 0]));
    assert_eq!((one.done_soon().await, other.done_soon().await), (None, None));
    client.ok("StopCmd", json!({"DeviceIndex": 0})).await;
    assert_eq!([one.done().await, one.done().await], [[0xF1, 0], [0xF2, 0]].map(Done::tx));
    assert_eq!(other.done_soon().await, None);
    // Never deduplicated: everything is at zero already, and is stopped again.
    client.ok("StopCmd", json!({})).await;
    assert_eq!([one.done().await, one.done().await], [[0xF1, 0], [0xF2, 0]].map(Done::tx));
    assert_eq!(other.done().await, Done::tx(STOP));
}

#[tokio::test]
async fn a_stop_is_answered_when_hardware_has_confirmed_it() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach_manual(&server, "REALOV_VIBE", "C0:FF:EE:00:00:01").await;
    toy.attached().await;
    client.devices(1).await;
    let id = client.send_message("StopCmd", json!({})).await;
    assert_eq!(toy.done().await, Done::tx(STOP));
    assert_eq!(client.message_soon().await, None, "it has not confirmed yet");
    toy.reply_error("busy").await;
    assert_eq!(toy.done().await, Done::tx(STOP));
    toy.reply().await;
    assert!(client.reply(id).await.get("Ok").is_some());
    // Without a confirmation the client is told so, and the stop goes on.
    let id = client.send_message("StopCmd", json!({})).await;
    assert_eq!(toy.done().await, Done::tx(STOP));
    let reply = client.reply(id).await;
    assert!(reply["Error"]["ErrorMessage"].as_str().unwrap().contains("did not confirm"), "{reply}");
    assert_eq!(toy.done().await, Done::tx(STOP));
}

#[tokio::test]
async fn a_stop_overtakes_a_flood() {
    let server = Server::start(&[]);
    let (mut client, mut toy) = running(&server).await;
    for round in 0..200 {
        let frame: Vec<_> = (0..50)
            .map(|n| {
                let mut cmd = output(0, 0, "Vibrate", (round + n) % 50);
                cmd["Id"] = json!(1000 + n);
                json!({"OutputCmd": cmd})
            })
            .collect();
        client.send_text(json!(frame).to_string()).await;
    }
    client.ok("StopCmd", json!({})).await;
    // What the hardware got last, however much came before, is the zero.
    let mut last = None;
    while let Some(done) = toy.done_soon().await {
        last = Some(done);
    }
    assert_eq!(last, Some(Done::tx(STOP)));
}

#[tokio::test]
async fn a_move_under_way_is_cancelled() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut stroker = Peripheral::attach(&server, "Launch", "C0:FF:EE:00:00:01").await;
    stroker.attached().await;
    assert_eq!(stroker.done().await, Done::Write("firmware".to_owned(), vec![0], true));
    client.devices(1).await;
    let long = json!({"DeviceIndex": 0, "FeatureIndex": 0,
        "Command": {"HwPositionWithDuration": {"Value": 99, "Duration": 60000}}});
    client.ok("OutputCmd", long).await;
    let Done::Write(_, goal, _) = stroker.done().await else { panic!() };
    assert_eq!(goal[0], 99);
    tokio::time::sleep(Duration::from_millis(300)).await;
    client.ok("StopCmd", json!({})).await;
    let Done::Write(_, here, _) = stroker.done().await else { panic!() };
    assert!(here[0] < 10, "a move of a minute is stopped near where it began, not at {}", here[0]);
}

const MACHINE: &str = r#"
name = "Machine"
[[match]]
btle = { names = ["Own machine"] }
services.ff00 = { tx = "ff01" }
[default]
name = "Own machine"
features = [{ position = [0, 100] }]
[write]
position = 'tx: 01 {v}'
"#;

#[tokio::test]
async fn a_stop_is_not_answered_while_a_jump_may_still_arrive() {
    let definitions = tempfile::tempdir().unwrap();
    std::fs::write(definitions.path().join("machine.toml"), MACHINE).unwrap();
    let own = format!("devices.definitions_dir={}", definitions.path().display());
    let server = Server::start(&[&own, "links.write_timeout_ms=3000"]);
    let mut client = Raw::scanning(&server).await;
    let mut machine = Peripheral::attach_manual(&server, "Own machine", "C0:FF:EE:00:00:01").await;
    machine.attached().await;
    client.devices(1).await;
    client.output(0, 0, "Position", 50).await;
    assert_eq!(machine.done().await, Done::tx([1, 50]));
    let id = client.send_message("StopCmd", json!({})).await;
    assert_eq!(client.message_soon().await, None, "it may still jump");
    machine.reply().await;
    assert!(client.reply(id).await.get("Ok").is_some());
    // One that never ends costs the link: then nothing can arrive any more, and the device comes back.
    client.output(0, 0, "Position", 60).await;
    assert_eq!(machine.done().await, Done::tx([1, 60]));
    let id = client.send_message("StopCmd", json!({})).await;
    let reply = client.reply(id).await;
    assert!(reply["Error"]["ErrorMessage"].as_str().unwrap().contains("did not confirm"), "{reply}");
    assert_eq!(machine.done().await, Done::Disconnect);
    machine.attached().await;
    client.output(0, 0, "Position", 70).await;
    assert_eq!(machine.done().await, Done::tx([1, 70]));
}
