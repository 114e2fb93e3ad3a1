//! Hardware that fails at random, and knows what its motors do.
//!
//! A toy keeps its levels whatever happens to its connection, as a motor does that nobody told to stop. What it is
//! told while it is in reach it does at once; what it then answers is another matter.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::random::Random;
use crate::{Phase, Tally};

/// Events that are kept to be shown.
const EVENTS: usize = 20;
/// Values that a motor remembers.
const RECENT: usize = 8;

/// A model whose packets can be read without knowing the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    Aneros,
    Realov,
    Youcups,
}

impl Model {
    pub const ALL: [Self; 3] = [Self::Aneros, Self::Realov, Self::Youcups];

    fn name(self) -> &'static str {
        match self {
            Self::Aneros => "Massage Demo",
            Self::Realov => "REALOV_VIBE",
            Self::Youcups => "Youcups",
        }
    }

    pub fn motors(self) -> usize {
        if self == Self::Aneros { 2 } else { 1 }
    }

    pub fn highest(self) -> i32 {
        match self {
            Self::Aneros => 127,
            Self::Realov => 50,
            Self::Youcups => 8,
        }
    }

    /// Which motor a packet sets to what.
    fn read(self, packet: &[u8]) -> Option<(usize, i32)> {
        match (self, packet) {
            (Self::Aneros, [motor @ 0xF1..=0xF2, level]) => Some((usize::from(motor - 0xF1), i32::from(*level))),
            (Self::Realov, [0xC5, 0x55, level, 0xAA]) => Some((0, i32::from(*level))),
            (Self::Youcups, _) => {
                let text = std::str::from_utf8(packet).ok()?;
                Some((0, text.strip_prefix("$SYS,")?.strip_suffix('?')?.parse().ok()?))
            }
            _ => None,
        }
    }
}

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Good,
    Slow,
    Mixed,
    Failing,
    Dead,
}

/// What others may know of a toy.
pub struct FaultyDevice {
    pub number: u64,
    pub model: Model,
    pub faulty: bool,
    levels: Mutex<Vec<VecDeque<i32>>>,
    /// The server holds a connection, as far as the toy knows.
    linked: Mutex<bool>,
    events: Mutex<VecDeque<String>>,
    refusal: Mutex<String>,
    born: Instant,
}

impl FaultyDevice {
    pub fn new(number: u64, faulty: bool) -> Arc<Self> {
        let model = if faulty { Model::ALL[number as usize % 3] } else { Model::Aneros };
        let levels = Mutex::new(vec![VecDeque::from([0]); model.motors()]);
        let (linked, events, refusal) = (Mutex::new(false), Mutex::default(), Mutex::default());
        Arc::new(Self { number, model, faulty, levels, linked, events, refusal, born: Instant::now() })
    }

    pub fn address(&self) -> String {
        format!("C0:FF:EE:00:00:{:02X}", self.number)
    }

    /// What each motor does.
    pub fn levels(&self) -> Vec<i32> {
        self.levels.lock().unwrap().iter().map(|recent| recent.back().copied().unwrap_or_default()).collect()
    }

    /// Whether a motor did this lately.
    pub fn had(&self, motor: usize, level: i32) -> bool {
        self.levels.lock().unwrap()[motor].contains(&level)
    }

    pub fn is_linked(&self) -> bool {
        *self.linked.lock().unwrap()
    }

    /// What happened to its last attach.
    pub fn last_refusal(&self) -> String {
        self.refusal.lock().unwrap().clone()
    }

    pub fn show(&self) -> String {
        let (address, levels, linked) = (self.address(), self.levels(), self.is_linked());
        let events: Vec<_> = self.events.lock().unwrap().iter().cloned().collect();
        format!("{:?} {address}, levels {levels:?}, linked: {linked}\n    {}", self.model, events.join("\n    "))
    }

    fn note(&self, event: impl std::fmt::Display) {
        let mut events = self.events.lock().unwrap();
        if events.len() == EVENTS {
            events.pop_front();
        }
        events.push_back(format!("{:9.3} s  {event}", self.born.elapsed().as_secs_f64()));
    }

    fn does(&self, motor: usize, level: i32) {
        let recent = &mut self.levels.lock().unwrap()[motor];
        if recent.len() == RECENT {
            recent.pop_front();
        }
        recent.push_back(level);
    }
}

/// The phase, without holding on to it.
fn now(phase: &mut watch::Receiver<Phase>) -> Phase {
    *phase.borrow_and_update()
}

/// A toy and its connection.
struct Life {
    toy: Arc<FaultyDevice>,
    tally: Arc<Tally>,
    socket: WebSocketStream<TcpStream>,
    /// What it does by itself.
    acts: Random,
    /// How it answers.
    answers: Random,
    mood: Mood,
    /// In reach.
    here: bool,
    /// What comes was sent before the server knew of the last detach.
    stale: bool,
    back_at: Option<Instant>,
    /// Answers that come late.
    due: BTreeMap<Instant, u64>,
    calm: bool,
}

/// Plays a toy until the last phase.
pub async fn play(
    toy: Arc<FaultyDevice>,
    server: String,
    tally: Arc<Tally>,
    seed: u64,
    mut phase: watch::Receiver<Phase>,
) {
    let stream = 1_000 + 10 * toy.number;
    let (mut acts, mut answers) = (Random::new(seed, stream), Random::new(seed, stream + 1));
    while *phase.borrow() != Phase::Over {
        let connected = async {
            let stream = TcpStream::connect(&server).await.ok()?;
            client_async(format!("ws://{server}/hardware"), stream).await.ok()
        };
        let Ok(Some((socket, _))) = timeout(Duration::from_secs(5), connected).await else {
            toy.note("cannot connect");
            tally.count("toys that could not connect");
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        let calm = *phase.borrow() != Phase::Storm || !toy.faulty;
        let (toy2, tally2) = (Arc::clone(&toy), Arc::clone(&tally));
        let (mood, due) = (Mood::Good, BTreeMap::new());
        let mut life = Life {
            toy: toy2,
            tally: tally2,
            socket,
            acts,
            answers,
            mood,
            here: false,
            stale: false,
            back_at: None,
            due,
            calm,
        };
        let away = life.live(&mut phase).await;
        *toy.linked.lock().unwrap() = false;
        (acts, answers) = (life.acts, life.answers);
        drop(life.socket);
        let Some(away) = away else { return };
        let back = Instant::now() + away;
        while *phase.borrow() == Phase::Storm && Instant::now() < back {
            let _ = tokio::time::timeout_at(back, phase.changed()).await;
        }
    }
}

impl Life {
    async fn send(&mut self, text: String) {
        // A connection that is gone shows when it is read.
        let _ = self.socket.send(Message::text(text)).await;
    }

    async fn attach(&mut self) {
        self.toy.note("attaches");
        let (name, address) = (self.toy.model.name(), self.toy.address());
        let frame = json!({"type": "attach", "bus": "btle", "name": name, "address": address, "ack": "manual"});
        self.send(frame.to_string()).await;
        *self.toy.refusal.lock().unwrap() = "not answered".to_owned();
        (self.here, self.back_at) = (true, None);
    }

    async fn detach(&mut self, away: Duration) {
        self.toy.note(format!("detaches for {} ms", away.as_millis()));
        self.tally.count("detaches");
        self.send(json!({"type": "detach"}).to_string()).await;
        self.send(json!({"type": "reply", "id": 0}).to_string()).await;
        self.stale = true;
        *self.toy.linked.lock().unwrap() = false;
        self.here = false;
        self.due.clear();
        self.back_at = Some(Instant::now() + away);
    }

    /// Lives on one socket. Returns the time until the next; `None` at the end of all.
    async fn live(&mut self, phase: &mut watch::Receiver<Phase>) -> Option<Duration> {
        self.attach().await;
        let mut act_at = Instant::now() + self.acts.ms(0..1500);
        loop {
            let far = Instant::now() + Duration::from_secs(3600);
            let next_due = self.due.keys().next().copied().unwrap_or(far);
            let act = if self.calm { far } else { act_at };
            tokio::select! {
                frame = self.socket.next() => match frame {
                    Some(Ok(Message::Text(text))) => self.told(&text).await,
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None if *phase.borrow() == Phase::Over => return None,
                    Some(Err(_)) | None => {
                        self.toy.note("the server closed the socket");
                        self.tally.count("toys that the server cut off");
                        return Some(self.acts.ms(10..500));
                    }
                },
                () = sleep_until(next_due) => {
                    if let Some((_, id)) = self.due.pop_first() {
                        self.send(json!({"type": "reply", "id": id}).to_string()).await;
                    }
                }
                () = sleep_until(self.back_at.unwrap_or(far)) => self.attach().await,
                () = sleep_until(act) => {
                    act_at = Instant::now() + self.acts.ms(30..1500);
                    if let Some(away) = self.act().await {
                        return Some(away);
                    }
                }
                Ok(()) = phase.changed() => match now(phase) {
                    Phase::Storm => {}
                    Phase::Calm => {
                        self.toy.note("behaves from now on");
                        (self.calm, self.mood) = (true, Mood::Good);
                        if !self.here {
                            self.back_at = Some(Instant::now());
                        }
                    }
                    Phase::Blink if self.toy.faulty && self.toy.number.is_multiple_of(2) => {
                        self.detach(Duration::ZERO).await;
                        self.attach().await;
                    }
                    Phase::Blink if self.toy.faulty => return Some(Duration::ZERO),
                    Phase::Blink => {}
                    // Until the server goes.
                    Phase::Over => self.calm = true,
                },
            }
        }
    }

    /// What the server said.
    async fn told(&mut self, text: &str) {
        let frame: Value = serde_json::from_str(text).unwrap_or_default();
        let kind = frame["type"].as_str().unwrap_or_default();
        let reason = frame["reason"].as_str().unwrap_or_default();
        if std::mem::take(&mut self.stale) {
            // The answer to the frame that was sent right after the detach divides old from new.
            self.stale = !reason.starts_with("nothing is attached");
            return;
        }
        match kind {
            "attached" if self.here => {
                self.toy.note("the server has connected");
                *self.toy.linked.lock().unwrap() = true;
            }
            "disconnect" if self.here => {
                self.toy.note("the server let go");
                self.tally.count("toys let go by the server");
                *self.toy.refusal.lock().unwrap() = "let go".to_owned();
                *self.toy.linked.lock().unwrap() = false;
                self.due.clear();
            }
            "refused" => {
                *self.toy.refusal.lock().unwrap() = format!("refused: {reason}");
                self.toy.note(format!("refused: {reason}"));
                self.tally.count(&format!("toys refused: {reason}"));
            }
            "error" => self.tally.count("errors told to toys"),
            "write" if self.here => self.written(&frame).await,
            "subscribe" | "unsubscribe" | "read" if self.here => {
                let id = frame["id"].as_u64();
                self.send(json!({"type": "reply", "id": id, "data": "00"}).to_string()).await;
            }
            _ => {}
        }
    }

    async fn written(&mut self, frame: &Value) {
        let id = frame["id"].as_u64().unwrap_or_default();
        let data = hex::decode(frame["data"].as_str().unwrap_or_default()).unwrap_or_default();
        let Some((motor, level)) = self.toy.model.read(&data) else {
            self.tally.fail(format!("the server wrote {frame}, which is no packet of this toy"), Some(&self.toy));
            return;
        };
        let mood = match self.mood {
            Mood::Mixed => {
                *self.answers.choose(&[Mood::Good, Mood::Good, Mood::Slow, Mood::Failing, Mood::Dead]).unwrap()
            }
            mood => mood,
        };
        let does = matches!(mood, Mood::Good | Mood::Slow) || self.answers.percent(50);
        let said = if does { "and does it" } else { "and does not do it" };
        self.toy.note(format!("write {id}: motor {motor} to {level}; {mood:?}, {said}"));
        if does {
            self.toy.does(motor, level);
        }
        self.tally.count("packets written to toys");
        match mood {
            Mood::Good => self.send(json!({"type": "reply", "id": id}).to_string()).await,
            Mood::Slow => {
                let at = Instant::now() + self.answers.ms(5..600);
                self.due.insert(at, id);
            }
            Mood::Failing => self.send(json!({"type": "reply", "id": id, "error": "interference"}).to_string()).await,
            Mood::Dead | Mood::Mixed => {}
        }
    }

    /// Does something by itself. Returns a time if it has closed its socket and wants to be away so long.
    async fn act(&mut self) -> Option<Duration> {
        match self.acts.of(0..20) {
            0..5 => self.mood = Mood::Good,
            5..9 => {
                let moods = [Mood::Slow, Mood::Mixed, Mood::Mixed, Mood::Failing, Mood::Dead];
                self.mood = *self.acts.choose(&moods).unwrap();
            }
            9..13 if self.here => {
                // At once, within the grace time, or after it.
                let away = match self.acts.of(0..3) {
                    0 => Duration::ZERO,
                    1 => self.acts.ms(1..350),
                    _ => self.acts.ms(700..2500),
                };
                self.detach(away).await;
            }
            13 | 14 => {
                let hard = self.acts.percent(50);
                let away = self.acts.ms(0..1500);
                self.toy.note(format!("closes its socket for {} ms, hard: {hard}", away.as_millis()));
                self.tally.count("sockets closed by toys");
                if hard {
                    let _ = socket2::SockRef::from(self.socket.get_ref()).set_linger(Some(Duration::ZERO));
                }
                return Some(away);
            }
            15 => {
                for frame in ["{", "[]", "null", r#"{"type":"dance"}"#, r#"{"type":"reply"}"#, "\u{0}"] {
                    self.send(frame.to_owned()).await;
                }
                let _ = self.socket.send(Message::binary(vec![0xFF; 64])).await;
            }
            16 => {
                // No id that the server may use: that would be a lie, not a fault.
                for id in [0, 1 << 40, u64::MAX] {
                    self.send(json!({"type": "reply", "id": id, "data": "zz"}).to_string()).await;
                    self.send(json!({"type": "reply", "id": id}).to_string()).await;
                }
            }
            17 => {
                for (endpoint, data) in [("rx", "nonsense"), ("mars", "00"), ("", ""), ("rx", "ffffffff")] {
                    self.send(json!({"type": "notify", "endpoint": endpoint, "data": data}).to_string()).await;
                }
            }
            18 => {
                for _ in 0..300 {
                    self.send(json!({"type": "notify", "endpoint": "rx", "data": "00"}).to_string()).await;
                }
            }
            _ if self.here => {
                let (name, address) = (self.toy.model.name(), self.toy.address());
                let again = json!({"type": "attach", "bus": "btle", "name": name, "address": address});
                self.send(again.to_string()).await;
            }
            _ => {}
        }
        None
    }
}
