//! Virtual hardware over `/hardware`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{Listens, PATIENCE, QUIET};

/// Something that the server did to the hardware.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    Write(String, Vec<u8>, bool),
    Read(String),
    Subscribe(String),
    Unsubscribe(String),
    Disconnect,
}

impl Done {
    pub fn tx(data: impl AsRef<[u8]>) -> Self {
        Self::Write("tx".to_owned(), data.as_ref().to_vec(), false)
    }

    pub fn tx_ack(data: impl AsRef<[u8]>) -> Self {
        Self::Write("tx".to_owned(), data.as_ref().to_vec(), true)
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Sink = Arc<Mutex<SplitSink<Socket, Message>>>;

/// The type under which the end of a connection is kept among its frames; the server has no such type.
const CLOSE: &str = "(close)";

/// Time in which the server hears of a confirmation.
const SETTLED: Duration = Duration::from_millis(5);

/// Where hardware lives: it confirms what is done to it even while the thread of its test waits for a program.
static RADIO: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());

/// A piece of hardware.
pub struct Peripheral {
    sink: Sink,
    frames: mpsc::UnboundedReceiver<(Instant, Value)>,
    /// The frame that comes next, if it is known already.
    next: Option<(Instant, Value)>,
    /// It confirms what is done to it at once, whatever the test is busy with.
    confirms: Arc<AtomicBool>,
    reads: JoinHandle<()>,
    /// Frames that came while another was waited for.
    earlier: VecDeque<Value>,
    /// Id of the last request.
    pub last_id: u64,
}

impl Peripheral {
    /// Connects without attaching.
    pub async fn connect(server: &impl Listens) -> Self {
        let url = format!("{}/hardware", server.url());
        let (socket, _) = RADIO.spawn(async { connect_async(url).await.unwrap() }).await.unwrap();
        let (sink, stream) = socket.split();
        let sink = Arc::new(Mutex::new(sink));
        let confirms = Arc::<AtomicBool>::default();
        let (found, frames) = mpsc::unbounded_channel();
        let reads = RADIO.spawn(read(stream, Arc::clone(&sink), Arc::clone(&confirms), found));
        Self { sink, frames, next: None, confirms, reads, earlier: VecDeque::new(), last_id: 0 }
    }

    /// Attaches Bluetooth hardware of this name and address, which confirms every write: a stop comes once.
    pub async fn attach(server: &impl Listens, name: &str, address: &str) -> Self {
        let mut peripheral = Self::connect(server).await;
        peripheral.confirms.store(true, Ordering::SeqCst);
        let frame = json!({"type": "attach", "bus": "btle", "name": name, "address": address, "ack": "manual"});
        peripheral.send(frame).await;
        peripheral
    }

    /// The same, acknowledging by hand.
    pub async fn attach_manual(server: &impl Listens, name: &str, address: &str) -> Self {
        let mut peripheral = Self::connect(server).await;
        let frame = json!({"type": "attach", "bus": "btle", "name": name, "address": address, "ack": "manual"});
        peripheral.send(frame).await;
        peripheral
    }

    pub async fn send(&mut self, frame: Value) {
        self.send_text(frame.to_string()).await;
    }

    pub async fn send_text(&mut self, text: impl Into<String>) {
        self.sink.lock().await.send(Message::text(text.into())).await.unwrap();
    }

    pub async fn notify(&mut self, endpoint: &str, data: impl AsRef<[u8]>) {
        self.send(json!({"type": "notify", "endpoint": endpoint, "data": hex::encode(data)})).await;
    }

    /// Answers the last request.
    pub async fn reply(&mut self) {
        let id = self.last_id;
        self.send(json!({"type": "reply", "id": id})).await;
    }

    pub async fn reply_error(&mut self, error: &str) {
        let id = self.last_id;
        self.send(json!({"type": "reply", "id": id, "error": error})).await;
    }

    async fn frame(&mut self) -> Option<Value> {
        if let Some(frame) = self.earlier.pop_front() {
            return Some(frame);
        }
        if self.next.is_none() {
            self.next = Some(self.frames.recv().await?);
        }
        // What the test does next must not overtake the confirmation on its way to the server.
        if let Some((at, _)) = self.next.as_ref().filter(|_| self.confirms.load(Ordering::SeqCst)) {
            tokio::time::sleep_until(*at + SETTLED).await;
        }
        self.next.take().map(|(_, frame)| frame).filter(|frame| frame["type"] != CLOSE)
    }

    /// The next frame that is no operation: `attached`, `refused`, `failed`, `present` or `error`. Operations are kept.
    pub async fn told(&mut self) -> Value {
        let mut operations = VecDeque::new();
        let told = tokio::time::timeout(PATIENCE, async {
            loop {
                let frame = self.frame().await.expect("the server closed the connection");
                if ["attached", "refused", "failed", "present", "error"].contains(&frame["type"].as_str().unwrap()) {
                    return frame;
                }
                operations.push_back(frame);
            }
        });
        let told = told.await.expect("the server says nothing");
        self.earlier.extend(operations);
        told
    }

    /// Says goodbye and waits until the server has closed the connection.
    pub async fn goodbye(mut self) {
        self.send(json!({"type": "goodbye"})).await;
        self.closed().await;
    }

    /// Waits until the server closes the connection, and returns the code and the reason that it gives.
    pub async fn closed(&mut self) -> (u16, String) {
        let closed = tokio::time::timeout(PATIENCE, async {
            loop {
                let (_, frame) = self.frames.recv().await.expect("the connection ended without a word");
                if frame["type"] == CLOSE {
                    let code = frame["code"].as_u64().unwrap().try_into().unwrap();
                    return (code, frame["reason"].as_str().unwrap().to_owned());
                }
            }
        });
        closed.await.expect("the server does not close the connection")
    }

    /// Waits until the server has connected, and returns the protocol.
    pub async fn attached(&mut self) -> String {
        let told = self.told().await;
        assert_eq!(told["type"], "attached", "{told}");
        told["protocol"].as_str().unwrap().to_owned()
    }

    /// What the server does next.
    pub async fn done(&mut self) -> Done {
        let done = tokio::time::timeout(PATIENCE, self.next_done());
        done.await.expect("the server does nothing").expect("the server closed the connection")
    }

    /// What the server does next, or nothing for a while.
    pub async fn done_soon(&mut self) -> Option<Done> {
        tokio::time::timeout(QUIET, self.next_done()).await.ok().flatten()
    }

    async fn next_done(&mut self) -> Option<Done> {
        loop {
            let frame = self.frame().await?;
            let endpoint = frame["endpoint"].as_str().unwrap_or_default().to_owned();
            if let Some(id) = frame["id"].as_u64() {
                self.last_id = id;
            }
            return Some(match frame["type"].as_str().unwrap() {
                "write" => {
                    let data = hex::decode(frame["data"].as_str().unwrap()).unwrap();
                    Done::Write(endpoint, data, frame["with_response"].as_bool().unwrap())
                }
                "read" => Done::Read(endpoint),
                "subscribe" => Done::Subscribe(endpoint),
                "unsubscribe" => Done::Unsubscribe(endpoint),
                "disconnect" => Done::Disconnect,
                _ => continue,
            });
        }
    }

    pub async fn detach(&mut self) {
        self.send(json!({"type": "detach"})).await;
    }
}

impl Drop for Peripheral {
    fn drop(&mut self) {
        self.reads.abort();
    }
}

/// Reads frames until the socket is closed, and confirms operations if that is wanted. A read needs a value, so it is left
/// to the test.
async fn read(
    mut stream: SplitStream<Socket>,
    sink: Sink,
    confirms: Arc<AtomicBool>,
    found: mpsc::UnboundedSender<(Instant, Value)>,
) {
    while let Some(Ok(message)) = stream.next().await {
        let frame: Value = match message {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            Message::Close(Some(close)) => {
                let code = u16::from(close.code);
                let last = json!({"type": CLOSE, "code": code, "reason": close.reason.as_str()});
                let _ = found.send((Instant::now(), last));
                return;
            }
            Message::Close(None) => return,
            _ => continue,
        };
        let confirmed = matches!(frame["type"].as_str(), Some("write" | "subscribe" | "unsubscribe"));
        if confirmed && confirms.load(Ordering::SeqCst) {
            let reply = json!({"type": "reply", "id": frame["id"]}).to_string();
            if sink.lock().await.send(Message::text(reply)).await.is_err() {
                return;
            }
        }
        if found.send((Instant::now(), frame)).is_err() {
            return;
        }
    }
}
