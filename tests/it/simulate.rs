//! `hapticd simulate` plays hardware to a running server.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::support::{PATIENCE, Raw, Server, run};

struct Toy {
    child: Child,
    events: Lines<BufReader<ChildStdout>>,
}

impl Toy {
    fn start(server: &Server, model: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hapticd"));
        command.args(["simulate", model, "--json", "--server", &server.url()]).kill_on_drop(true);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let events = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, events }
    }

    async fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let line = self.events.next_line().await.unwrap().expect("the simulator has ended");
                let event: Value = serde_json::from_str(&line).unwrap();
                if fits(&event) {
                    return event;
                }
            }
        });
        found.await.expect("the event does not come")
    }
}

#[tokio::test]
async fn models_of_every_kind_are_recognised_driven_and_read() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut toys = Vec::new();
    for (count, (model, name, feature, kind, value)) in [
        ("Aneros Vivi", "Aneros Vivi", 1, "Vibrate", 100),
        ("lovense/P", "Lovense Edge", 1, "Vibrate", 7),
        ("WeVibe Gala", "WeVibe Gala", 0, "Vibrate", 15),
        ("UFO-TW", "Vorze UFO TW", 1, "Rotate", -42),
    ]
    .into_iter()
    .enumerate()
    {
        let mut toy = Toy::start(&server, model);
        let devices = client.devices(count + 1).await;
        let (index, device) = devices.as_object().unwrap().iter().next_back().unwrap();
        assert_eq!(device["DeviceName"], name);
        let index: u32 = index.parse().unwrap();
        client.output(index, feature, kind, value).await;
        let level = toy.until(|event| event["event"] == "level" && event["value"] == value).await;
        assert_eq!((&level["feature"], &level["output"]), (&feature.into(), &kind.into()), "{level}");
        if model.starts_with("lovense") {
            let read =
                serde_json::json!({"DeviceIndex": index, "FeatureIndex": 2, "Type": "Battery", "Command": "Read"});
            let reply = client.ask("InputCmd", read).await;
            assert!(reply["InputReading"]["Reading"]["Battery"]["Value"].is_number(), "{reply}");
        }
        toys.push(toy);
    }
}

#[tokio::test]
async fn a_simulated_toy_leaves_politely() {
    let server = Server::start(&["devices.reconnect_grace_ms=50"]);
    let mut client = Raw::scanning(&server).await;
    let mut toy = Toy::start(&server, "Youcups Warrior II");
    client.devices(1).await;
    let pid = toy.child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    toy.until(|event| event["event"] == "detach").await;
    assert_eq!(toy.child.wait().await.unwrap().code(), Some(0));
    client.devices(0).await;
}

#[test]
fn what_cannot_be_simulated_is_said_in_a_sentence() {
    let output = run(&["simulate", "no such toy"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no such toy"));
    let output = run(&["simulate", "Aneros Vivi", "--server", "ws://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("hapticd --virtual"));
}
