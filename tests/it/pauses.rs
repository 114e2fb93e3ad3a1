//! The server itself stands still for a while, as with a laptop's lid: nobody who is healthy is cut off for it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::{Peripheral, Raw, Server};

const DEFINITION: &str = r#"
name = "Own"
driver = "lovense"
[[match]]
websocket = { names = ["LVSDevice"] }
[default]
name = "Own toy"
features = [{ vibrate = [0, 20] }]
"#;

/// Longer than every deadline below.
const PAUSE: Duration = Duration::from_millis(3000);

/// A device that has dialled in: answers pings, and the question for its type.
async fn play(mut device: WebSocketStream<MaybeTlsStream<TcpStream>>) {
    while let Some(Ok(frame)) = device.next().await {
        if frame.into_data().as_ref() == b"DeviceType;" {
            device.send(Message::text("Z:1:0;")).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_pause_of_the_server_is_held_against_nobody() {
    let definitions = tempfile::tempdir().unwrap();
    std::fs::write(definitions.path().join("own.toml"), DEFINITION).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server::start(&[
        "server.max_ping_time_ms=1500",
        "sessions.websocket_ping_ms=200",
        "sessions.websocket_pong_deadline_ms=1500",
        "sessions.handshake_timeout_ms=1500",
        "buses.websocket.enabled=true",
        &format!("buses.websocket.listen=127.0.0.1:{port}"),
        "buses.websocket.ping_ms=200",
        "buses.websocket.pong_deadline_ms=1500",
        "buses.websocket.first_frame_timeout_ms=1500",
        &format!("devices.definitions_dir={}", definitions.path().display()),
    ]);
    let mut client = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach(&server, "Youcups", "a").await;
    toy.attached().await;
    client.devices(1).await;
    let url = format!("ws://127.0.0.1:{port}");
    let mut device = connect_async(url.as_str()).await.unwrap().0;
    let hello = json!({"identifier": "LVSDevice", "address": "sim", "version": 0});
    device.send(Message::text(hello.to_string())).await.unwrap();
    let device = tokio::spawn(play(device));
    let toy = tokio::spawn(async move { while toy.done_soon().await.is_none() {} });
    client.devices(2).await;
    // One client that is gone without a word, and two connections whose first frame comes only after the pause.
    let frozen = Raw::hello(&server).await;
    let mut late = Raw::connect(&server).await;
    let mut late_device = connect_async(url.as_str()).await.unwrap().0;

    server.signal("STOP");
    // The client pings as it should; what it sends waits for the server.
    let end = tokio::time::Instant::now() + PAUSE;
    while tokio::time::Instant::now() < end {
        client.send_message("Ping", json!({})).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    server.signal("CONT");
    let hello = json!({"ClientName": "late", "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0});
    assert!(late.ask("RequestServerInfo", hello).await.get("ServerInfo").is_some());
    late_device.send(Message::text(r#"{"identifier":"LVSDevice","address":"late","version":0}"#)).await.unwrap();

    let late_device = tokio::spawn(play(late_device));

    // They are all there after as many deadlines again; the one that is gone is noticed.
    let end = tokio::time::Instant::now() + PAUSE;
    while tokio::time::Instant::now() < end {
        client.ok("Ping", json!({})).await;
        late.ok("Ping", json!({})).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    client.devices(3).await;
    assert!(!device.is_finished() && !late_device.is_finished() && !toy.is_finished(), "{}", server.log());
    let log = server.log();
    assert_eq!(log.matches("client gone").count(), 1, "{log}");
    assert!(log.lines().any(|line| line.contains("client gone: it") && line.contains("session=2")), "{log}");
    for told in ["had dialled in is gone", "did not say who it is", "is out of reach", "did not shake hands"] {
        assert!(!log.contains(told), "{told}: {log}");
    }
    drop(frozen);
}
