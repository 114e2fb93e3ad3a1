//! Clients that come, go, freeze and flood.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::random::Random;
use crate::{Phase, Tally};

/// Longest wait for the answers to everything that was asked.
const ANSWERS: Duration = Duration::from_secs(5);

/// The socket failed or was closed.
struct Gone(String);

struct Client {
    socket: WebSocketStream<TcpStream>,
    random: Random,
    tally: Arc<Tally>,
    next_id: u32,
    unanswered: BTreeSet<u32>,
    /// Index, motors and highest value of the devices, without that of the steady client.
    devices: Vec<(u32, u32, i64)>,
    /// It has sent what may end the connection.
    guilty: bool,
}

/// One rude client after the other until the storm is over.
pub async fn play(number: u64, server: String, tally: Arc<Tally>, seed: u64, mut phase: watch::Receiver<Phase>) {
    let mut random = Random::new(seed, 500_000 + number);
    while *phase.borrow() == Phase::Storm {
        tally.count("rude clients");
        let Ok(stream) = TcpStream::connect(&server).await else {
            tally.fail(format!("rude client {number} cannot connect"), None);
            return;
        };
        if random.percent(5) {
            // Never says anything.
            let _ = timeout(random.ms(10..1500), phase.changed()).await;
            continue;
        }
        let url = format!("ws://{server}/");
        let Ok(Ok((socket, _))) = timeout(ANSWERS, client_async(url, stream)).await else {
            tally.fail(format!("rude client {number} gets no WebSocket"), None);
            return;
        };
        let (next_id, unanswered, devices) = (1, BTreeSet::new(), Vec::new());
        let own = Random::new(random.next(), 0);
        let tally2 = Arc::clone(&tally);
        let mut client = Client { socket, random: own, tally: tally2, next_id, unanswered, devices, guilty: false };
        let left = client.live(&mut phase).await;
        if let (Err(Gone(how)), false) = (left, client.guilty) {
            tally.fail(format!("rude client {number} was cut off though it did not deserve it: {how}"), None);
        }
        let pause = random.ms(0..400);
        let _ = timeout(pause, phase.changed()).await;
    }
}

impl Client {
    async fn text(&mut self, text: String) -> Result<(), Gone> {
        self.socket.send(Message::text(text)).await.map_err(|error| Gone(error.to_string()))
    }

    /// A message with an id of its own, that must be answered.
    fn message(&mut self, name: &str, mut body: Value) -> Value {
        body["Id"] = json!(self.next_id);
        self.unanswered.insert(self.next_id);
        self.next_id += 1;
        json!({ name: body })
    }

    async fn say(&mut self, name: &str, body: Value) -> Result<(), Gone> {
        let message = self.message(name, body);
        self.text(json!([message]).to_string()).await
    }

    /// Reads for a while.
    async fn read(&mut self, time: Duration) -> Result<(), Gone> {
        let end = Instant::now() + time;
        while let Ok(frame) = timeout_at(end, self.socket.next()).await {
            match frame {
                Some(Ok(Message::Text(text))) => self.heard(&text),
                Some(Ok(Message::Close(frame))) => return Err(Gone(format!("{frame:?}"))),
                Some(Err(error)) => return Err(Gone(error.to_string())),
                None => return Err(Gone("the end of the stream".to_owned())),
                Some(Ok(_)) => {}
            }
        }
        Ok(())
    }

    fn heard(&mut self, text: &str) {
        let Ok(Value::Array(messages)) = serde_json::from_str(text) else {
            self.tally.fail(format!("a client was sent {text:?}"), None);
            return;
        };
        for message in messages {
            let Some((name, body)) = message.as_object().and_then(|object| object.iter().next()) else {
                continue;
            };
            self.unanswered.remove(&(body["Id"].as_u64().unwrap_or_default() as u32));
            if name == "DeviceList" {
                self.devices = devices(body).into_iter().filter(|(index, ..)| *index != 0).collect();
            }
        }
    }

    fn an_output(&mut self) -> Value {
        let known = self.devices.clone();
        let (device, motors, highest) = self.random.choose(&known).copied().unwrap_or((7, 1, 10));
        // Sometimes there is no such motor or no such level.
        let motor = self.random.of(0..u64::from(motors) * 20) as u32 % (motors + 1);
        let level = self.random.of(0..highest as u64 + 2);
        let body = json!({"DeviceIndex": device, "FeatureIndex": motor, "Command": {"Vibrate": {"Value": level}}});
        self.message("OutputCmd", body)
    }

    async fn live(&mut self, phase: &mut watch::Receiver<Phase>) -> Result<(), Gone> {
        if self.random.percent(3) {
            // Never shakes hands.
            self.guilty = true;
            let time = self.random.ms(10..1200);
            return self.read(time).await;
        }
        let hello = json!({"ClientName": "rude", "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0});
        self.say("RequestServerInfo", hello).await?;
        if self.random.percent(50) {
            self.say("StartScanning", json!({})).await?;
        }
        self.say("RequestDeviceList", json!({})).await?;
        let wait = self.random.ms(20..100);
        self.read(wait).await?;
        for _ in 0..self.random.of(3..40) {
            if *phase.borrow() != Phase::Storm {
                break;
            }
            self.act().await?;
            let wait = self.random.ms(0..200);
            self.read(wait).await?;
        }
        self.leave(phase).await
    }

    async fn act(&mut self) -> Result<(), Gone> {
        match self.random.of(0..100) {
            0..45 => {
                let output = self.an_output();
                self.text(json!([output]).to_string()).await
            }
            45..55 => {
                let outputs: Vec<_> = (0..self.random.of(2..12)).map(|_| self.an_output()).collect();
                self.text(json!(outputs).to_string()).await
            }
            55..70 => self.stop().await,
            70..74 => self.say("StartScanning", json!({})).await,
            74..77 => self.say("StopScanning", json!({})).await,
            77..82 => self.say("RequestDeviceList", json!({})).await,
            82..84 => self.say("Ping", json!({})).await,
            84..87 => {
                let body = json!({"DeviceIndex": 3, "FeatureIndex": 0, "Type": "Battery", "Command": "Read"});
                self.say("InputCmd", body).await
            }
            87..92 => self.flood().await,
            92..98 => self.garbage().await,
            _ => {
                // Freezes: neither reads nor answers pings. What it set must stop.
                self.tally.count("freezes");
                self.guilty = true;
                let time = self.random.ms(300..2500);
                tokio::time::sleep(time).await;
                Ok(())
            }
        }
    }

    async fn stop(&mut self) -> Result<(), Gone> {
        let known = self.devices.clone();
        let device = self.random.choose(&known).map_or(7, |device| device.0);
        match self.random.of(0..40) {
            0 => {
                self.tally.stopped_all();
                self.say("StopCmd", json!({})).await
            }
            1..8 => self.say("StopCmd", json!({"Outputs": false})).await,
            8..24 => self.say("StopCmd", json!({"DeviceIndex": device})).await,
            _ => self.say("StopCmd", json!({"DeviceIndex": device, "FeatureIndex": 0, "Inputs": false})).await,
        }
    }

    /// As fast as the socket takes it.
    async fn flood(&mut self) -> Result<(), Gone> {
        self.tally.count("floods");
        for _ in 0..self.random.of(200..700) {
            let output = self.an_output();
            let text = json!([output]).to_string();
            self.socket.feed(Message::text(text)).await.map_err(|error| Gone(error.to_string()))?;
        }
        self.socket.flush().await.map_err(|error| Gone(error.to_string()))
    }

    async fn garbage(&mut self) -> Result<(), Gone> {
        let texts =
            ["", "nonsense", "[]", "[[", "{}", r#"[{"OutputCmd":{"Id":0}}]"#, r#"[{"Sing":{"Id":4294967295}}]"#];
        for text in texts {
            self.text(text.to_owned()).await?;
        }
        let bytes = self.random.of(0..2000) as usize;
        self.socket.send(Message::binary(vec![7; bytes])).await.map_err(|error| Gone(error.to_string()))?;
        if self.random.percent(10) {
            self.guilty = true;
            let _ = self.text("x".repeat(2_000_000)).await;
        }
        Ok(())
    }

    /// Goes, one way or another.
    async fn leave(&mut self, phase: &mut watch::Receiver<Phase>) -> Result<(), Gone> {
        match self.random.of(0..10) {
            0..3 => Ok(()),
            3..5 => {
                let _ = socket2::SockRef::from(self.socket.get_ref()).set_linger(Some(Duration::ZERO));
                Ok(())
            }
            5 => {
                // Frozen for good, until the server has had enough.
                self.guilty = true;
                let time = self.random.ms(500..3000);
                let end = Instant::now() + time;
                let _ = timeout_at(end, phase.changed()).await;
                Ok(())
            }
            6 => {
                let _ = self.socket.close(None).await;
                Ok(())
            }
            _ => {
                let end = Instant::now() + ANSWERS;
                while !self.unanswered.is_empty() && Instant::now() < end {
                    self.read(Duration::from_millis(20)).await?;
                }
                if !self.unanswered.is_empty() {
                    let what = format!("a client was never answered these ids: {:?}", self.unanswered);
                    self.tally.fail(what, None);
                }
                self.tally.count("clients that waited for every answer");
                self.say("Disconnect", json!({})).await?;
                let _ = self.read(Duration::from_millis(50)).await;
                Ok(())
            }
        }
    }
}

/// Index, motors and highest value of the devices of a list.
pub fn devices(list: &Value) -> Vec<(u32, u32, i64)> {
    let devices = list["Devices"].as_object().into_iter().flatten();
    let described = devices.filter_map(|(index, device)| {
        let features = device["DeviceFeatures"].as_object()?;
        let highest = features.values().next()?["Output"]["Vibrate"]["Value"][1].as_i64()?;
        Some((index.parse().ok()?, features.len() as u32, highest))
    });
    described.collect()
}
