//! Recorded conversations, one a version, replayed frame for frame. Each line is one thing that happens:
//!
//! - `> FRAME` the client sends a frame, `< FRAME` the next frame of the server is this one;
//! - `attach NAME`, `goodbye` hardware comes, says goodbye;
//! - `wrote HEX` the next thing that the server does to the hardware is this write to `tx`, `wrote HEX..` one that begins so
//!   (where a move stops depends on the clock);
//! - `read HEX` the server reads the level of the battery, and this is the answer;
//! - `notify HEX` the hardware reports this on `rx`, `subscribed`, `unsubscribed` the server begins, ends listening there.
//!
//! With `HAPTICD_RECORD=1` what the server and the hardware did is written into the files instead, for somebody to look at.

use std::path::Path;

use serde_json::{Value, json};

use super::Bench;
use crate::support::{Done, PATIENCE, Peripheral, Raw};

struct Player {
    bench: Bench,
    client: Raw,
    hardware: Option<Peripheral>,
    attached: u32,
}

impl Player {
    async fn new(version: usize) -> Self {
        let bench = Bench::start(&["server.name=Desk"]);
        let mut client = Raw::connect(&bench.server).await;
        client.expect_version(version);
        Self { bench, client, hardware: None, attached: 0 }
    }

    /// Does what a line says and returns the line as it came out.
    async fn play(&mut self, line: &str) -> String {
        let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
        match what {
            ">" => self.client.send_text(rest).await,
            "<" => {
                let message = tokio::time::timeout(PATIENCE, self.client.message()).await;
                return format!("< {}", json!([message.expect("no frame comes").expect("the connection is closed")]));
            }
            "attach" => {
                self.attached += 1;
                let address = format!("C0:FF:EE:00:00:{:02X}", self.attached);
                self.hardware = Some(self.bench.attach(rest, &address).await);
            }
            "goodbye" => self.hardware.take().unwrap().goodbye().await,
            "wrote" => match self.hardware().done().await {
                Done::Write(endpoint, data, _) if endpoint == "tx" => {
                    let data = hex::encode(data);
                    let begins = rest.strip_suffix("..").is_some_and(|beginning| data.starts_with(beginning));
                    return format!("wrote {}", if begins { rest } else { &data });
                }
                done => return format!("{done:?}"),
            },
            "read" => {
                let done = self.hardware().done().await;
                assert_eq!(done, Done::Read("rxblebattery".to_owned()));
                let hardware = self.hardware();
                let id = hardware.last_id;
                hardware.send(json!({"type": "reply", "id": id, "data": rest})).await;
            }
            "notify" => self.hardware().notify("rx", hex::decode(rest).unwrap()).await,
            "subscribed" => assert_eq!(self.hardware().done().await, Done::Subscribe("rx".to_owned())),
            "unsubscribed" => assert_eq!(self.hardware().done().await, Done::Unsubscribe("rx".to_owned())),
            _ => panic!("what is {line:?}?"),
        }
        line.to_owned()
    }

    fn hardware(&mut self) -> &mut Peripheral {
        self.hardware.as_mut().unwrap()
    }
}

async fn replay(version: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/versions/conversations/v{version}.txt"));
    let text = std::fs::read_to_string(&path).unwrap();
    let record = std::env::var_os("HAPTICD_RECORD").is_some();
    let mut player = Player::new(version).await;
    let mut played = String::new();
    for (number, line) in text.lines().enumerate() {
        let happened = if line.is_empty() || line.starts_with('#') { line.to_owned() } else { player.play(line).await };
        if !record {
            assert_eq!(comparable(&happened), comparable(line), "v{version}.txt, line {}", number + 1);
        }
        played.push_str(&happened);
        played.push('\n');
    }
    assert_eq!(player.client.message_soon().await, None, "more comes than was recorded");
    if record {
        std::fs::write(path, played).unwrap();
    }
}

/// The order of the fields of a frame means nothing.
fn comparable(line: &str) -> (String, Value) {
    let frame = line.strip_prefix("< ").map(|frame| serde_json::from_str(frame).expect(frame));
    (if frame.is_some() { String::new() } else { line.to_owned() }, frame.unwrap_or_default())
}

#[tokio::test]
async fn version_0() {
    replay(0).await;
}

#[tokio::test]
async fn version_1() {
    replay(1).await;
}

#[tokio::test]
async fn version_2() {
    replay(2).await;
}

#[tokio::test]
async fn version_3() {
    replay(3).await;
}

#[tokio::test]
async fn version_4() {
    replay(4).await;
}
