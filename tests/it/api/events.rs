//! Events as they happen.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::{Tester, ask};
use crate::support::{Done, PATIENCE, Peripheral, QUIET, Raw, Server};

/// A reader of events.
struct Events(tokio::io::Lines<BufReader<TcpStream>>);

impl Events {
    async fn open(server: &Server, query: &str) -> Self {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let request = format!("GET /api/v1/events{query} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address());
        stream.write_all(request.as_bytes()).await.unwrap();
        Self(BufReader::new(stream).lines())
    }

    /// The next event, by name.
    async fn next(&mut self) -> Option<(String, Value)> {
        let mut name = None;
        loop {
            let line = tokio::time::timeout(PATIENCE, self.0.next_line()).await.expect("no event comes").ok()??;
            if let Some(event) = line.strip_prefix("event: ") {
                name = Some(event.to_owned());
            }
            if let (Some(data), Some(name)) = (line.strip_prefix("data: "), name.clone()) {
                return Some((name, serde_json::from_str(data).unwrap()));
            }
        }
    }

    /// The data of the next event of this name.
    async fn until(&mut self, name: &str) -> Value {
        loop {
            let (event, data) = self.next().await.expect("the events have ended");
            if event == name {
                return data;
            }
        }
    }
}

#[tokio::test]
async fn who_watches_gets_a_snapshot_and_then_what_happens() {
    let mut tester = Tester::start(&[]).await;
    let mut events = Events::open(&tester.server, "").await;
    let (name, snapshot) = events.next().await.unwrap();
    assert_eq!(
        (name.as_str(), &snapshot["devices"]["0"]["name"], &snapshot["held"]),
        ("snapshot", &json!("Tester"), &json!(false))
    );
    tester.put("/devices/0/outputs/Vibrate/1").await;
    tester.writes([1, 20]).await;
    let wanted = async |events: &mut Events, value: Value| loop {
        let outputs = events.until("outputs").await;
        assert_eq!(outputs["device"], 0);
        if outputs["outputs"][0]["wanted"] == value && outputs["outputs"][0]["written"] == 20 {
            break;
        }
    };
    wanted(&mut events, json!(20)).await;
    let client = Raw::hello(&tester.server).await;
    events.until("session_opened").await;
    drop(client);
    events.until("session_closed").await;
    tester.ask("POST", "/hold", "").await;
    events.until("held").await;
    tester.ask("POST", "/resume", "").await;
    events.until("resumed").await;
    tester.toy.detach().await;
    assert_eq!(events.until("device_away").await["index"], 0);
}

#[tokio::test]
async fn a_filter_lets_through_what_was_asked_for() {
    let mut tester = Tester::start(&[]).await;
    let mut events = Events::open(&tester.server, "?only=held,resumed").await;
    assert_eq!(events.next().await.unwrap().0, "snapshot");
    tester.put("/devices/0/outputs/Vibrate/1").await;
    tester.writes([1, 20]).await;
    tester.ask("POST", "/hold", "").await;
    assert_eq!(events.next().await.unwrap().0, "held");
    tester.ask("POST", "/resume", "").await;
    assert_eq!(events.next().await.unwrap().0, "resumed");
}

#[tokio::test]
async fn changes_of_outputs_are_sampled_and_a_reader_that_does_not_read_holds_up_nobody() {
    let mut tester = Tester::start(&[]).await;
    let mut events = Events::open(&tester.server, "?only=outputs").await;
    events.next().await.unwrap();
    let _silent = Events::open(&tester.server, "").await;
    let mut client = Raw::hello(&tester.server).await;
    let toy = async {
        while let Some(done) = tester.toy.done_soon().await {
            if done == Done::tx([1, 20]) {
                break;
            }
        }
    };
    let begun = std::time::Instant::now();
    let commands = async {
        for number in 0..2000 {
            client.output(0, 0, "Vibrate", number % 20).await;
        }
        client.output(0, 0, "Vibrate", 20).await;
    };
    tokio::join!(toy, commands);
    let mut count = 0;
    while events.until("outputs").await["outputs"][0]["written"] != 20 {
        count += 1;
    }
    let most = begun.elapsed().as_millis() / 34 + 2;
    assert!(count <= most, "{count} samples in {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_server_that_ends_ends_its_events_and_stops_what_callers_set() {
    let state = Arc::new(tempfile::tempdir().unwrap());
    let server = Server::start_in(state, &[]);
    ask(&server, "POST", "/api/v1/scan", "").await;
    let mut toy = Peripheral::attach(&server, "REALOV_VIBE", "a").await;
    toy.attached().await;
    while ask(&server, "PUT", "/api/v1/devices/0/outputs/Vibrate/1", "").await.0 != 200 {
        tokio::time::sleep(QUIET / 10).await;
    }
    toy.done().await;
    let mut events = Events::open(&server, "").await;
    events.next().await.unwrap();
    let mut server = server;
    server.signal("TERM");
    let ended = tokio::task::spawn_blocking(move || server.wait());
    assert_eq!(toy.done().await, Done::tx([0xC5, 0x55, 0, 0xAA]));
    while events.next().await.is_some() {}
    assert_eq!(ended.await.unwrap(), Some(0));
}
