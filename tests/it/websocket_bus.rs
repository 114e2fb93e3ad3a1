//! Devices that dial in over WebSocket.

use std::net::TcpListener;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::{PATIENCE, QUIET, Raw, Server};

const DEFINITION: &str = r#"
name = "Own"
driver = "lovense"
[[match]]
websocket = { names = ["LVSDevice"] }
[default]
name = "Own toy"
features = [{ vibrate = [0, 20] }, { battery = [0, 100] }]
"#;

type Device = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct Fixture {
    server: Server,
    _definitions: tempfile::TempDir,
}

impl Fixture {
    fn start() -> Self {
        Self::start_with("buses.websocket.pong_deadline_ms=500", 500)
    }

    /// Loses no device that is slow because the computer is busy.
    fn patient(pong_deadline_ms: u32) -> Self {
        Self::start_with(&format!("buses.websocket.pong_deadline_ms={pong_deadline_ms}"), 60_000)
    }

    fn start_with(setting: &str, first_frame_timeout_ms: u32) -> Self {
        let definitions = tempfile::tempdir().unwrap();
        std::fs::write(definitions.path().join("own.toml"), DEFINITION).unwrap();
        let server = Server::start(&[
            "buses.websocket.enabled=true",
            // Another test's server could take a port that was free a moment ago.
            "buses.websocket.listen=127.0.0.1:0",
            "buses.websocket.ping_ms=100",
            setting,
            &format!("buses.websocket.first_frame_timeout_ms={first_frame_timeout_ms}"),
            "devices.reconnect_grace_ms=200",
            &format!("devices.definitions_dir={}", definitions.path().display()),
        ]);
        Self { server, _definitions: definitions }
    }

    /// Where devices dial in.
    async fn port(&self) -> String {
        for _ in 0..500 {
            let actors = self.server.json("/debug/actors").await;
            let mut children = actors["children"].as_array().unwrap().iter();
            if let Some(bound) = children.find_map(|actor| actor["bound"][0].as_str()) {
                return bound.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the device port is not open:\n{}", self.server.log());
    }

    async fn dial(&self) -> Device {
        connect_async(format!("ws://{}/any/path", self.port().await)).await.unwrap().0
    }

    async fn device(&self, address: &str) -> Device {
        let mut device = self.dial().await;
        let hello = json!({"identifier": "LVSDevice", "address": address, "version": 0.0, "more": true});
        device.send(Message::text(format!("\u{FEFF}{hello}"))).await.unwrap();
        device
    }
}

async fn bytes(device: &mut Device) -> Option<Vec<u8>> {
    let next = async {
        loop {
            match device.next().await?.ok()? {
                Message::Binary(data) => return Some(data.to_vec()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, next).await.expect("nothing comes")
}

async fn identified(device: &mut Device) {
    assert_eq!(bytes(device).await.unwrap(), b"DeviceType;");
    // Text counts as its bytes.
    device.send(Message::text("Z:1:0;")).await.unwrap();
}

#[tokio::test]
async fn a_device_dials_in_is_driven_and_read() {
    let fixture = Fixture::start();
    let mut client = Raw::hello(&fixture.server).await;
    let mut device = fixture.device("sim-1").await;
    identified(&mut device).await;
    let devices = client.devices(1).await;
    assert_eq!((&devices["0"]["DeviceName"], &devices["0"]["DeviceMessageTimingGap"]), (&json!("Own toy"), &json!(0)));
    client.output(0, 0, "Vibrate", 7).await;
    assert_eq!(bytes(&mut device).await.unwrap(), b"Vibrate:7;");
    let read = json!({"DeviceIndex": 0, "FeatureIndex": 1, "Type": "Battery", "Command": "Read"});
    let id = client.send_message("InputCmd", read).await;
    assert_eq!(bytes(&mut device).await.unwrap(), b"Battery;");
    device.send(Message::binary(b"77;".to_vec())).await.unwrap();
    assert_eq!(client.reply(id).await["InputReading"]["Reading"]["Battery"]["Value"], 77);
    device.close(None).await.unwrap();
    client.devices(0).await;
}

#[tokio::test]
async fn a_device_that_dials_in_again_is_stopped_over_its_old_socket_first() {
    let fixture = Fixture::patient(60_000);
    let mut client = Raw::hello(&fixture.server).await;
    let mut old = fixture.device("sim-1").await;
    identified(&mut old).await;
    client.devices(1).await;
    client.output(0, 0, "Vibrate", 9).await;
    assert_eq!(bytes(&mut old).await.unwrap(), b"Vibrate:9;");
    let mut again = fixture.device("sim-1").await;
    assert_eq!(bytes(&mut old).await.unwrap(), b"Vibrate:0;");
    assert_eq!(bytes(&mut old).await, None, "it is closed after its stop");
    identified(&mut again).await;
    // The new one is stopped first as well, and goes on with what is wanted.
    assert_eq!(bytes(&mut again).await.unwrap(), b"Vibrate:0;");
    assert_eq!(bytes(&mut again).await.unwrap(), b"Vibrate:9;");
}

/// Waits until a client sees the device, which answers pings until then.
async fn listed(client: &mut Raw, device: &mut Device) {
    let answer = async {
        while let Some(Ok(_)) = device.next().await {}
        panic!("its socket was closed");
    };
    tokio::select! {
        _ = client.devices(1) => {}
        () = answer => {}
    }
}

#[tokio::test]
async fn devices_dial_in_at_every_address() {
    if TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("buses.websocket.listen=127.0.0.1:{port},[::1]:{port}");
    let server = Server::start(&["buses.websocket.enabled=true", &listen]);
    for url in [format!("ws://127.0.0.1:{port}"), format!("ws://[::1]:{port}")] {
        let dialled = async {
            while connect_async(url.as_str()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, dialled).await.unwrap_or_else(|_| panic!("{url}: {}", server.log()));
    }
}

#[tokio::test]
async fn a_lost_socket_is_noticed_and_its_address_can_be_taken_again() {
    // On a busy computer much time may pass between two lines of this test, so no device may be lost but those that are
    // meant to be.
    let fixture = Fixture::patient(60_000);
    let mut client = Raw::hello(&fixture.server).await;
    let mut frozen = fixture.device("sim-1").await;
    identified(&mut frozen).await;
    client.devices(1).await;
    // Nobody reads this socket any more: its pings are not answered.
    let mut again = fixture.device("sim-1").await;
    identified(&mut again).await;
    client.output(0, 0, "Vibrate", 4).await;
    let mut last = Vec::new();
    while last != b"Vibrate:4;" {
        last = bytes(&mut again).await.unwrap();
    }
    drop(again);
    client.devices(0).await;
    drop(frozen);
    let fixture = Fixture::patient(2000);
    let mut client = Raw::hello(&fixture.server).await;
    let mut silent = fixture.device("sim-2").await;
    identified(&mut silent).await;
    listed(&mut client, &mut silent).await;
    client.devices(0).await;
    drop(silent);
}

#[tokio::test]
async fn a_server_that_was_held_up_hears_what_came_before_it_judges() {
    let fixture = Fixture::patient(2000);
    let mut client = Raw::hello(&fixture.server).await;
    let mut device = fixture.device("sim-1").await;
    identified(&mut device).await;
    listed(&mut client, &mut device).await;
    let answering = tokio::spawn(async move { while let Some(Ok(_)) = device.next().await {} });
    for _ in 0..2 {
        fixture.server.signal("STOP");
        tokio::time::sleep(Duration::from_millis(2500)).await;
        fixture.server.signal("CONT");
        assert_eq!(client.devices(1).await.as_object().unwrap().len(), 1);
        assert_eq!(client.message_soon().await, None, "the device was taken for lost:\n{}", fixture.server.log());
    }
    assert!(!answering.is_finished(), "its socket was closed");
}

#[tokio::test]
async fn strangers_at_the_device_port_are_sent_away() {
    let fixture = Fixture::start();
    for hello in ["nonsense", "{}", r#"{"identifier":"x","address":"","version":0}"#] {
        let mut device = fixture.dial().await;
        device.send(Message::text(hello)).await.unwrap();
        assert_eq!(bytes(&mut device).await, None, "{hello}");
    }
    let mut unknown = fixture.dial().await;
    unknown.send(Message::text(r#"{"identifier":"Toaster","address":"x","version":0}"#)).await.unwrap();
    assert_eq!(bytes(&mut unknown).await, None);
    let mut silent = fixture.dial().await;
    assert_eq!(bytes(&mut silent).await, None);
    let _tcp = TcpStream::connect(fixture.port().await).await.unwrap();
    let mut device = fixture.device("sim-1").await;
    identified(&mut device).await;
    tokio::time::sleep(QUIET).await;
}

#[tokio::test]
async fn a_device_port_in_use_is_named_and_tried_again() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let listen = format!("buses.websocket.listen=127.0.0.1:{port}");
    let server = Server::start(&["buses.websocket.enabled=true", &listen]);
    let bus = |health: &serde_json::Value| {
        health["buses"].as_array().unwrap().iter().find(|bus| bus["bus"] == "websocket").unwrap().clone()
    };
    let health = server.health().await;
    assert!(bus(&health)["error"].is_string() || bus(&health)["running"] == true, "{health}");
    drop(taken);
    for _ in 0..100 {
        if connect_async(format!("ws://127.0.0.1:{port}")).await.is_ok() {
            return;
        }
        tokio::time::sleep(QUIET).await;
    }
    panic!("the bus is not tried again:\n{}", server.log());
}
