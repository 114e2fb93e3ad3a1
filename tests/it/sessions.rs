//! Several clients, and clients that misbehave.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{Done, Peripheral, Raw, Server};

/// A server, two clients, and a toy with two motors as device 0.
async fn two_clients() -> (Server, Raw, Raw, Peripheral) {
    let server = Server::start(&[]);
    let mut ann = Raw::scanning(&server).await;
    let mut bob = Raw::hello(&server).await;
    let mut toy = Peripheral::attach(&server, "Massage Demo", "C0:FF:EE:00:00:01").await;
    toy.attached().await;
    ann.devices(1).await;
    bob.devices(1).await;
    (server, ann, bob, toy)
}

#[tokio::test]
async fn a_client_that_goes_stops_only_what_it_holds() {
    let (_server, mut ann, mut bob, mut toy) = two_clients().await;
    ann.output(0, 0, "Vibrate", 5).await;
    assert_eq!(toy.done().await, Done::tx([0xF1, 5]));
    bob.output(0, 1, "Vibrate", 6).await;
    assert_eq!(toy.done().await, Done::tx([0xF2, 6]));
    drop(ann);
    assert_eq!(toy.done().await, Done::tx([0xF1, 0]));
    // Its value may be written again, if the stop overtook the confirmation; it must not be stopped.
    while let Some(done) = toy.done_soon().await {
        assert_eq!(done, Done::tx([0xF2, 6]), "the other client's motor runs on");
    }
}

#[tokio::test]
async fn the_last_writer_holds_an_output() {
    let (_server, mut ann, mut bob, mut toy) = two_clients().await;
    ann.output(0, 0, "Vibrate", 5).await;
    toy.done().await;
    bob.output(0, 0, "Vibrate", 6).await;
    assert_eq!(toy.done().await, Done::tx([0xF1, 6]));
    drop(ann);
    assert_eq!(toy.done_soon().await, None);
    drop(bob);
    assert_eq!(toy.done().await, Done::tx([0xF1, 0]));
}

#[tokio::test]
async fn one_clients_stop_scanning_does_not_end_anothers_scan() {
    let server = Server::start(&[]);
    let mut ann = Raw::scanning(&server).await;
    let mut bob = Raw::scanning(&server).await;
    ann.ok("StopScanning", json!({})).await;
    let mut toy = Peripheral::attach(&server, "Massage Demo", "C0:FF:EE:00:00:01").await;
    toy.attached().await;
    ann.devices(1).await;
    bob.ok("StopScanning", json!({})).await;
    let mut other = Peripheral::attach(&server, "REALOV_VIBE", "C0:FF:EE:00:00:02").await;
    assert_eq!(other.done_soon().await, None, "nobody scans");
    bob.ok("StartScanning", json!({})).await;
    other.attached().await;
}

#[tokio::test]
async fn a_client_that_does_not_ping_is_told_and_let_go() {
    let server = Server::start(&["server.max_ping_time_ms=400"]);
    let mut ann = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach(&server, "REALOV_VIBE", "C0:FF:EE:00:00:01").await;
    toy.attached().await;
    ann.devices(1).await;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        ann.ok("Ping", json!({})).await;
    }
    ann.output(0, 0, "Vibrate", 9).await;
    toy.done().await;
    let error = ann.until(|message| message.get("Error").is_some()).await;
    assert_eq!((&error["Error"]["Id"], &error["Error"]["ErrorCode"]), (&json!(0), &json!(2)));
    ann.closed().await;
    assert_eq!(toy.done().await, Done::tx([0xC5, 0x55, 0, 0xAA]));
}

#[tokio::test]
async fn a_frozen_client_is_noticed() {
    let server = Server::start(&["sessions.websocket_ping_ms=100", "sessions.websocket_pong_deadline_ms=500"]);
    let mut ann = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach(&server, "REALOV_VIBE", "C0:FF:EE:00:00:01").await;
    toy.attached().await;
    ann.devices(1).await;
    ann.output(0, 0, "Vibrate", 9).await;
    toy.done().await;
    // From here on nobody reads the client's socket, so that no ping is answered.
    assert_eq!(toy.done().await, Done::tx([0xC5, 0x55, 0, 0xAA]));
    server.logged("no longer answers");
    drop(ann);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let server = Server::start(&["sessions.max_unsent_bytes=65536"]);
    let mut rude = Raw::hello(&server).await;
    let mut polite = Raw::hello(&server).await;
    // Each ping is answered; the answers are never read.
    let pings: Vec<_> = (1..=1000).map(|id| json!({"Ping": {"Id": id}})).collect();
    let frame = json!(pings).to_string();
    let flood = async { while rude.try_send_text(&frame).await.is_ok() {} };
    let _ = tokio::time::timeout(Duration::from_secs(5), flood).await;
    polite.ok("Ping", json!({})).await;
    for _ in 0..50 {
        if server.health().await["sessions"] == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the client that does not read is still there: {}", server.health().await);
}

#[tokio::test]
async fn strangers_block_nobody_and_are_cut_off() {
    let server = Server::start(&["sessions.handshake_timeout_ms=1000"]);
    let mut silent = Vec::new();
    for _ in 0..1000 {
        silent.push(TcpStream::connect(server.address()).await.unwrap());
    }
    let mut upgraded = Raw::connect(&server).await;
    let mut garbage = TcpStream::connect(server.address()).await.unwrap();
    garbage.write_all(b"\x00\x01\x02 this is no HTTP\r\n\r\n").await.unwrap();
    let mut client = Raw::hello(&server).await;
    client.ok("Ping", json!({})).await;
    let error = upgraded.message().await.unwrap();
    assert!(error["Error"]["ErrorMessage"].as_str().unwrap().contains("1000 ms"), "{error}");
    upgraded.closed().await;
    client.ok("Ping", json!({})).await;
}

#[tokio::test]
async fn there_are_no_more_clients_than_allowed() {
    let server = Server::start(&["sessions.max=1"]);
    let mut first = Raw::hello(&server).await;
    let mut second = Raw::connect(&server).await;
    let error = second.message().await.unwrap();
    assert!(error["Error"]["ErrorMessage"].as_str().unwrap().contains("sessions.max"), "{error}");
    second.closed().await;
    first.ok("Ping", json!({})).await;
    drop(first);
    for _ in 0..50 {
        let mut next = Raw::connect(&server).await;
        if next.message_soon().await.is_none() {
            return;
        }
    }
    panic!("the place of a client that went is not free again");
}

#[tokio::test]
async fn http_beside_the_clients() {
    let server = Server::start(&[]);
    let page = server.get("/").await;
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains(&format!("connect-src 'self' {}", server.url())),
        "{page}"
    );
    let health = server.get("/health").await.to_lowercase();
    assert!(health.starts_with("http/1.1 200") && !health.contains("access-control"), "{health}");
    assert_eq!(server.health().await["status"], "ok");
    let metrics = server.get("/metrics").await;
    for name in
        ["hapticd_sessions ", "hapticd_devices{", "hapticd_build_info{", "hapticd_scanning ", "hapticd_writes_total "]
    {
        assert!(metrics.lines().any(|line| line.starts_with(name)), "{name} is not in\n{metrics}");
    }
    let other = server.get("/other").await;
    assert!(other.starts_with("HTTP/1.1 404") && other.contains("WebSocket"), "{other}");
}

/// No line of a log may be longer than a name and a sentence.
fn longest_line(log: &str) -> usize {
    log.lines().map(|line| line.chars().count()).max().unwrap_or_default()
}

#[tokio::test]
async fn names_from_outside_are_cut_in_logs_status_and_errors() {
    let server = Server::start(&[]);
    let long = format!("A\u{1b}[2J\n{}", "é".repeat(400_000));
    let mut client = Raw::connect(&server).await;
    let hello = json!({"ClientName": long, "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0});
    client.ask("RequestServerInfo", hello).await;
    client.ok("StartScanning", json!({})).await;
    for (name, body) in [
        ("OutputCmd", json!({"DeviceIndex": 0, "FeatureIndex": 0, "Command": {long.as_str(): {"Value": 1}}})),
        ("OutputCmd", json!({"DeviceIndex": long, "FeatureIndex": 0, "Command": {}})),
        ("Ping", json!({long.as_str(): 1})),
    ] {
        let text = client.error(name, body, 3).await;
        assert!(text.chars().count() < 1000, "{name}: {} characters", text.chars().count());
    }
    // Hardware that is taken, with a long address, and hardware that is not, with a long name.
    let mut toy = Peripheral::attach(&server, "Youcups", &long).await;
    assert_eq!(toy.attached().await, "youcups");
    client.devices(1).await;
    let mut unknown = Peripheral::attach(&server, &long, "b").await;
    assert_eq!(unknown.told().await["type"], "refused");
    let mut wrong = Peripheral::connect(&server).await;
    for frame in [
        json!({"type": long}),
        json!({"type": "attach", "bus": long, "name": "x", "address": "y"}),
        json!({"type": "attach", "bus": "btle", "name": "x", "address": "y", "manufacturer_data": {long.as_str(): ""}}),
        json!({"type": "attach", "bus": "btle", "name": "x", "address": "y", "manufacturer_data": {"1": long}}),
    ] {
        wrong.send(frame).await;
        let told = wrong.told().await;
        assert!(told["type"] == "error" && told["reason"].as_str().unwrap().chars().count() < 600, "{told}");
    }
    let path = format!("/{}", "x".repeat(3000));
    assert!(server.get(&path).await.len() < 1000);
    assert!(server.request("GET", &path, "Origin: null\r\n").await.len() < 1000);
    let start = format!("A\u{FFFD}[2J\u{FFFD}{}…", "é".repeat(194));
    let health = server.health().await;
    assert_eq!(health["devices"][0]["address"], start.as_str());
    let actors = server.get("/debug/actors").await;
    assert!(actors.contains(&start) && actors.len() < 20_000, "{} bytes", actors.len());
    server.logged("client \"A");
    server.logged("is not taken");
    let log = server.log();
    assert!(longest_line(&log) < 1000, "{} characters in a line", longest_line(&log));
    assert!(!log.contains('\u{1b}'), "a name reaches the terminal");
}
