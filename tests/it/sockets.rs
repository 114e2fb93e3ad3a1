//! What happens on the port below the messages.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{PATIENCE, Raw, Server};

/// A close frame of a client: code 1000, masked with zeros.
const CLOSE: [u8; 8] = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8];
/// The web server by itself would wait half a second at least before it ends a connection.
const AT_ONCE: Duration = Duration::from_millis(250);

/// A WebSocket as bytes, after its upgrade.
async fn upgraded(address: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream
}

/// Sends bytes and returns what comes until the server ends the connection, and how long that took.
async fn until_end(stream: &mut TcpStream, send: &[u8]) -> (Vec<u8>, Duration) {
    let began = Instant::now();
    stream.write_all(send).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it stays open");
    read.unwrap();
    (answer, began.elapsed())
}

/// A masked text frame of a client.
fn text(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).ok().filter(|length| *length < 126).unwrap();
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

#[tokio::test]
async fn a_close_frame_is_answered_and_the_connection_ends_at_once() {
    let server = Server::start(&[]);
    for path in ["/", "/hardware"] {
        // The best of several: a busy machine may be late, a wait is never early.
        let mut best = Duration::MAX;
        for _ in 0..5 {
            let mut stream = upgraded(server.address(), path).await;
            let (answer, took) = until_end(&mut stream, &CLOSE).await;
            assert_eq!(answer, [0x88, 2, 0x03, 0xE8], "{path}");
            best = best.min(took);
        }
        assert!(best < AT_ONCE, "{path}: {best:?}");
    }
}

#[tokio::test]
async fn a_close_frame_ends_a_device_that_dials_in_at_once() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let server = Server::start(&["buses.websocket.enabled=true", &format!("buses.websocket.listen={address}")]);
    for _ in 0..100 {
        if TcpStream::connect(&address).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Before it has said who it is, and after.
    for hello in [Vec::new(), text(r#"{"identifier":"x","address":"y","version":0}"#)] {
        let mut best = Duration::MAX;
        for _ in 0..5 {
            let mut stream = upgraded(&address, "/").await;
            let (answer, took) = until_end(&mut stream, &[hello.as_slice(), &CLOSE].concat()).await;
            assert_eq!(answer.first(), Some(&0x88), "{}", server.log());
            best = best.min(took);
        }
        assert!(best < AT_ONCE, "{best:?}");
    }
}

#[tokio::test]
async fn the_answer_to_the_servers_close_frame_ends_the_connection_at_once() {
    let server = Server::start(&[]);
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let mut stream = upgraded(server.address(), "/").await;
        stream.write_all(&text(r#"[{"Disconnect":{"Id":1}}]"#)).await.unwrap();
        // Ok, then the close frame; nothing more is sent before it is answered.
        let mut got = vec![0; 4096];
        let mut length = 0;
        while !got[..length].windows(2).any(|part| part == [0x03, 0xE8]) {
            let read = tokio::time::timeout(PATIENCE, stream.read(&mut got[length..])).await.unwrap().unwrap();
            assert!(read > 0, "the connection ended before the close frame");
            length += read;
        }
        let (_, took) = until_end(&mut stream, &CLOSE).await;
        best = best.min(took);
    }
    assert!(best < AT_ONCE, "{best:?}");
    // A peer that does not answer does not stay for ever.
    let mut stream = upgraded(server.address(), "/").await;
    let (answer, _) = until_end(&mut stream, &text(r#"[{"Disconnect":{"Id":1}}]"#)).await;
    assert!(String::from_utf8_lossy(&answer).contains("said goodbye"));
}

#[tokio::test]
async fn a_peer_that_reads_nothing_does_not_outlive_its_close() {
    let server = Server::start(&[
        "server.max_ping_time_ms=2000",
        "sessions.websocket_ping_ms=100000",
        "sessions.websocket_pong_deadline_ms=200000",
    ]);
    let mut stream = upgraded(server.address(), "/").await;
    let hello = r#"[{"RequestServerInfo":{"Id":1,"ClientName":"","ProtocolVersionMajor":4,"ProtocolVersionMinor":0}}]"#;
    stream.write_all(&text(hello)).await.unwrap();
    // Its answers fill every buffer between it and the server; then it is told to go, and does not read that either.
    let frame = text(&format!("[{}]", [r#"{"X":{}}"#; 12].join(",")));
    let flood = async { while stream.write_all(&frame).await.is_ok() {} };
    let _ = tokio::time::timeout(Duration::from_millis(1500), flood).await;
    server.logged("client gone");
    // The server lets go of the connection: writing fails, with nothing read.
    let gone = async {
        while stream.write_all(&frame).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("the server keeps the connection");
}

#[tokio::test]
async fn an_encrypted_connection_is_one_hint_and_nobody_waits_for_it() {
    let server = Server::start(&[]);
    let hello = [&[0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3][..], &[7; 194]].concat();
    let mut peers = Vec::new();
    for number in 0..20 {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        peers.push(stream.local_addr().unwrap().to_string());
        if number % 2 == 1 {
            // Both before and after the server has looked at the connection.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let (answer, _) = until_end(&mut stream, &hello).await;
        assert!(answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    }
    // Other strangers cause no error either.
    for garbage in
        [&b"\x00\x01\x02 nonsense\r\n\r\n"[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"]
    {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        until_end(&mut stream, garbage).await;
    }
    server.logged("use ws://, not wss://");
    let mut client = Raw::hello(&server).await;
    client.ok("Ping", json!({})).await;
    let log = server.log();
    let hints: Vec<_> = log.lines().filter(|line| line.contains("wss://")).collect();
    assert!(hints.len() == 1 && peers.iter().any(|peer| hints[0].contains(peer)), "{hints:?} of {peers:?}");
    assert!(!log.contains("ERROR") && !log.contains("stream error"), "{log}");
}
