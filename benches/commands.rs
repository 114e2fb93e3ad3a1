//! How fast a command travels, and how many fit in a second, with 1 to 1,000 devices connected.
//!
//! `cargo bench` starts the real binary, plays the devices over its virtual bus and prints a table. Latency is from
//! the moment a client's frame is handed to its socket until the device's program has the bytes; these devices take any
//! rate. The rate of commands is measured with devices that take a write every 75 ms, as Bluetooth ones do: with all
//! commands to one of them, which shows whether the others cost anything, and spread over all, where each of them has to
//! be written to as often as it can take.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const DEVICES: [u32; 4] = [1, 10, 100, 1000];
const SAMPLES: u32 = 2000;
const WINDOW: usize = 256;
/// Time for the device lists to be told.
const SETTLE: Duration = Duration::from_millis(500);
const TIME: Duration = Duration::from_secs(3);

const DEFINITION: &str = r#"
name = "Bench"
gap_ms = GAP
[[match]]
websocket = { names = ["bench"] }
[default]
name = "Bench"
features = [{ vibrate = [0, 1000] }]
[write]
vibrate = 'tx: {v:u16be}'
[[example]]
steps = ["vibrate 0 258", "> tx: 01 02"]
"#;

struct Server {
    child: Child,
    url: String,
    _directory: tempfile::TempDir,
}

impl Server {
    fn start(gap_ms: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().display();
        std::fs::write(directory.path().join("bench.toml"), DEFINITION.replace("GAP", &gap_ms.to_string())).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hapticd"));
        command.args(["serve", "--virtual", "--set", "server.listen=127.0.0.1:0", "--set", "log.level=error"]);
        for bus in ["btle", "serial", "hid", "lovense_dongle", "gamepad"] {
            command.args(["--set", &format!("buses.{bus}.enabled=false")]);
        }
        command.args(["--set", &format!("state.dir={path}"), "--set", &format!("devices.definitions_dir={path}")]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let url = lines.filter_map(|line| Some(line.split_once("ws://")?.1.to_owned())).next().unwrap();
        Self { child, url: format!("ws://{url}"), _directory: directory }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Client {
    out: SplitSink<Socket, Message>,
    replies: SplitStream<Socket>,
}

impl Client {
    async fn connect(server: &Server) -> Self {
        let (out, replies) = connect_async(&server.url).await.unwrap().0.split();
        let mut client = Self { out, replies };
        let hello = json!([
            {"RequestServerInfo": {"Id": 1, "ClientName": "bench", "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0}},
            {"StartScanning": {"Id": 2}}
        ]);
        client.out.send(Message::text(hello.to_string())).await.unwrap();
        client.reply().await;
        client.reply().await;
        client
    }

    /// Waits for a reply; device lists are passed over.
    async fn reply(&mut self) {
        loop {
            if let Message::Text(text) = self.replies.next().await.unwrap().unwrap() {
                assert!(!text.starts_with("[{\"Error\""), "{text}");
                if !text.starts_with("[{\"DeviceList\"") {
                    return;
                }
            }
        }
    }

    async fn send(&mut self, device: u32, value: u32) {
        let frame = format!(
            "[{{\"OutputCmd\":{{\"Id\":7,\"DeviceIndex\":{device},\"FeatureIndex\":0,\
             \"Command\":{{\"Vibrate\":{{\"Value\":{value}}}}}}}}}]"
        );
        self.out.feed(Message::text(frame)).await.unwrap();
    }
}

/// Attaches devices; the time of each write is reported .
async fn attach(server: &Server, count: u32) -> mpsc::UnboundedReceiver<Instant> {
    let (report, writes) = mpsc::unbounded_channel();
    for number in 0..count {
        let (mut socket, _) = connect_async(format!("{}/hardware", server.url)).await.unwrap();
        let frame = json!({"type": "attach", "bus": "websocket", "name": "bench", "address": number.to_string()});
        socket.send(Message::text(frame.to_string())).await.unwrap();
        while !matches!(socket.next().await, Some(Ok(Message::Text(text))) if text.contains("attached")) {}
        let report = report.clone();
        tokio::spawn(async move {
            while let Some(Ok(frame)) = socket.next().await {
                if frame.is_text() {
                    let _ = report.send(Instant::now());
                }
            }
        });
    }
    writes
}

async fn latency(client: &mut Client, writes: &mut mpsc::UnboundedReceiver<Instant>, count: u32) -> (f64, f64) {
    let mut times = Vec::new();
    for sample in 0..SAMPLES {
        while writes.try_recv().is_ok() {}
        // Never the value that the device has, which would not be written.
        client.send(sample * 7 % count, 1 + sample % 999).await;
        let sent = Instant::now();
        client.out.flush().await.unwrap();
        times.push(writes.recv().await.unwrap().duration_since(sent));
        client.reply().await;
    }
    times.sort();
    let at = |part: f64| times[(times.len() as f64 * part) as usize].as_secs_f64() * 1e6;
    (at(0.5), at(0.99))
}

async fn rate(client: &mut Client, devices: u32) -> f64 {
    let start = Instant::now();
    let (mut sent, mut answered) = (0_u32, 0_u32);
    while start.elapsed() < TIME {
        while (sent - answered) < WINDOW as u32 {
            client.send(sent % devices, 1 + sent / devices % 999).await;
            sent += 1;
        }
        client.out.flush().await.unwrap();
        for _ in 0..WINDOW / 2 {
            client.reply().await;
            answered += 1;
        }
    }
    let rate = f64::from(answered) / start.elapsed().as_secs_f64();
    for _ in answered..sent {
        client.reply().await;
    }
    rate
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    rlimit::increase_nofile_limit(65_536).unwrap();
    let began = Instant::now();
    let least = (2 * TIME + 2 * SETTLE) * u32::try_from(DEVICES.len()).unwrap();
    println!(
        "takes at least {} s, and longer the more devices there are to attach and the busier the machine is;\n\
         a line comes for each of {DEVICES:?} devices",
        least.as_secs()
    );
    println!("devices | latency p50 | latency p99 | commands/s to one | commands/s over all");
    let mut to_one = Vec::new();
    for count in DEVICES {
        let (half, most) = {
            let server = Server::start(0);
            let mut client = Client::connect(&server).await;
            let mut writes = attach(&server, count).await;
            tokio::time::sleep(SETTLE).await;
            latency(&mut client, &mut writes, count).await
        };
        let server = Server::start(75);
        let mut client = Client::connect(&server).await;
        let _writes = attach(&server, count).await;
        tokio::time::sleep(SETTLE).await;
        let one = rate(&mut client, 1).await;
        let all = rate(&mut client, count).await;
        println!("{count:7} | {half:8.0} µs | {most:8.0} µs | {one:17.0} | {all:19.0}");
        to_one.push(one);
    }
    if let (Some(first), Some(last)) = (to_one.first(), to_one.last()) {
        println!("with 1,000 devices {:.0} % of the rate with 1", 100.0 * last / first);
    }
    println!("took {} s", began.elapsed().as_secs());
}
