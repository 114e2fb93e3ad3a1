//! What must be true when the storm is over.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::faulty_device::FaultyDevice;
use crate::proc_stats::Takes;
use crate::reference_client::HELD;
use crate::support::{Raw, Server};
use crate::{Phase, Tally};

/// Longest wait for what must come.
const PATIENCE: Duration = Duration::from_secs(10);
/// Growth of memory that is no leak: allocators keep what they had at the worst moment.
const GROWTH_KB: i64 = 30_000;
/// Handles that may be open for a moment.
const HANDLES: i64 = 6;

pub struct End {
    pub server: Arc<Server>,
    pub process: u32,
    pub tally: Arc<Tally>,
    /// The steady client's first.
    pub toys: Vec<Arc<FaultyDevice>>,
    pub before: Takes,
    /// As many as the toys and the steady client need.
    pub handles: i64,
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

impl End {
    /// Waits for a task, which must end, and not by a panic.
    pub async fn joined(&self, who: &str, task: JoinHandle<()>) {
        match tokio::time::timeout(PATIENCE * 2, task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let why = error.try_into_panic().map_or_else(|error| error.to_string(), |panic| said(&*panic));
                self.tally.fail(format!("{who} failed: {why}"), None);
            }
            Err(_) => self.tally.fail(format!("{who} does not end"), None),
        }
    }

    /// All checks; `Raw` panics at what it does not like.
    pub async fn check(&self, phase: &watch::Sender<Phase>) {
        if let Err(panic) = AssertUnwindSafe(self.checks(phase)).catch_unwind().await {
            self.tally.fail(format!("at the end: {}", said(&*panic)), None);
        }
    }

    async fn checks(&self, phase: &watch::Sender<Phase>) {
        // Without a scan: only toys that the server still holds on to come back.
        self.until("the rude clients' sessions end", |health| health["sessions"] == 1).await;
        self.until("no device is away or being opened", quiet).await;
        self.until_toys("no output of a connected device runs", None, |toy| {
            !toy.is_linked() || self.owned(toy) || toy.levels().iter().all(|level| *level == 0)
        })
        .await;
        self.owners().await;
        for toy in self.toys.iter().filter(|toy| !toy.is_linked()) {
            self.tally.count(&format!("toys that wait for a scan at the end, {}", toy.last_refusal()));
        }

        // With a scan: all.
        let mut client = Raw::scanning(&self.server).await;
        self.until_toys("every toy is connected after a scan", Some(&mut client), FaultyDevice::is_linked).await;
        let devices = client.devices(self.toys.len()).await;
        self.until_toys("no output runs after a scan", Some(&mut client), |toy| {
            self.owned(toy) || toy.levels().iter().all(|level| *level == 0)
        })
        .await;

        // The last round.
        let health = self.server.health().await;
        for device in health["devices"].as_array().unwrap() {
            let toy = self.toys.iter().find(|toy| device["address"] == toy.address()).unwrap();
            let index = device["index"].as_u64().unwrap();
            if devices[index.to_string()].is_null() {
                self.tally.fail(format!("device {index} is not in the list of devices"), Some(toy));
            }
            for motor in 0..toy.model.motors() {
                if !self.owned(toy) {
                    client.output(index as u32, motor as u32, "Vibrate", last(toy, motor)).await;
                }
            }
        }
        self.until_toys("the last round arrives", Some(&mut client), |toy| {
            self.owned(toy) || (0..toy.model.motors()).all(|motor| toy.levels()[motor] == last(toy, motor))
        })
        .await;
        // What is answered with Ok is done.
        client.ok("StopCmd", json!({})).await;
        for toy in &self.toys {
            if toy.levels().iter().any(|level| *level != 0) {
                self.tally.fail("everything was stopped, and this toy runs".to_owned(), Some(toy));
            }
        }
        client.ok("Disconnect", json!({})).await;
        client.closed().await;
        drop(client);
        self.blink(phase).await;

        let only_steady = |health: &Value| health["sessions"] == 1 && health["scanned_for_by"] == 1;
        self.until("only the steady client is left and scans", only_steady).await;
        self.owners().await;
        self.metrics().await;
        self.leaks().await;
    }

    /// All toys lose their connection for a moment. Those that the server does not take back by itself are counted.
    async fn blink(&self, phase: &watch::Sender<Phase>) {
        phase.send_replace(Phase::Blink);
        tokio::time::sleep(Duration::from_secs(3)).await;
        for toy in self.toys.iter().filter(|toy| !toy.is_linked()) {
            self.tally
                .count(&format!("toys that blinked and were not taken back without a scan, {}", toy.last_refusal()));
        }
        let mut client = Raw::scanning(&self.server).await;
        self.until_toys("every toy is back after a moment", Some(&mut client), FaultyDevice::is_linked).await;
        client.ok("Disconnect", json!({})).await;
        client.closed().await;
    }

    /// The steady client's own toy, while it holds it.
    fn owned(&self, toy: &FaultyDevice) -> bool {
        toy.number == 0 && toy.levels() == [HELD, HELD]
    }

    /// Waits for something that `/health` shows.
    async fn until(&self, what: &str, fits: impl Fn(&Value) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            let health = self.server.health().await;
            if fits(&health) {
                return;
            }
            if Instant::now() > end {
                return self.tally.fail(format!("{what}: not within {PATIENCE:?}: {health}"), None);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for something of every toy.
    async fn until_toys(&self, what: &str, client: Option<&mut Raw>, fits: impl Fn(&FaultyDevice) -> bool) {
        let end = Instant::now() + PATIENCE;
        let mut client = client;
        while Instant::now() < end && !self.toys.iter().all(|toy| fits(toy)) {
            // A client answers WebSocket pings while it reads.
            if let Some(client) = &mut client {
                client.ok("Ping", json!({})).await;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for toy in self.toys.iter().filter(|toy| !fits(toy)) {
            self.tally.fail(format!("{what}: not within {PATIENCE:?}"), Some(toy));
        }
    }

    /// Nothing is wanted that nobody owns, and the server knows what the hardware does: as soon as the last stops, of
    /// hardware that has just come back, are confirmed.
    async fn owners(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let wrong = self.wrong_outputs().await;
            if wrong.is_empty() {
                return;
            }
            if Instant::now() > end {
                for (text, toy) in wrong {
                    self.tally.fail(text, Some(toy));
                }
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn wrong_outputs(&self) -> Vec<(String, &FaultyDevice)> {
        let health = self.server.health().await;
        let mut found = Vec::new();
        for device in health["devices"].as_array().unwrap() {
            let toy = self.toys.iter().find(|toy| device["address"] == toy.address()).unwrap();
            for (motor, output) in device["outputs"].as_array().unwrap().iter().enumerate() {
                let owned = output["owner"].is_u64() && toy.number == 0;
                let runs = output["wanted"].as_i64().is_some_and(|level| level != 0);
                let open = output["stopping"] == true;
                let wrong = output["written"].as_i64().is_some_and(|level| level != i64::from(toy.levels()[motor]));
                if (runs && !owned) || open || wrong {
                    found.push((format!("the server says of motor {motor}: {output}"), &**toy));
                }
            }
        }
        found
    }

    async fn metrics(&self) {
        let text = self.server.get("/metrics").await;
        let number = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("no {name} in {text}")).trim().parse().unwrap()
        };
        let toys = self.toys.len() as f64;
        let expected = [
            ("hapticd_sessions", 1.0),
            ("hapticd_scanning", 1.0),
            ("hapticd_devices{bus=\"btle\",state=\"connected\"}", toys),
            ("hapticd_devices{bus=\"btle\",state=\"away\"}", 0.0),
        ];
        for (name, expected) in expected {
            if number(name) != expected {
                self.tally.fail(format!("{name} is {}, not {expected}", number(name)), None);
            }
        }
        let written = self.tally.counted("packets written to toys") as f64;
        // Each rude client may have become one; then the steady client, that of the last round and that of `blink`.
        let clients = self.tally.counted("rude clients") as f64 + 3.0;
        for (name, least, most) in [
            ("hapticd_writes_total", toys, written),
            ("hapticd_failed_writes_total", 1.0, written * 2.0),
            ("hapticd_commands_total", number("hapticd_coalesced_total"), 1e9),
            ("hapticd_sessions_total", 20.0, clients),
            ("hapticd_rejected_total", 1.0, 1e9),
        ] {
            if !(least..=most).contains(&number(name)) {
                self.tally.fail(format!("{name} is {}, not within {least} to {most}", number(name)), None);
            }
        }
    }

    /// Memory, handles and threads are where they were.
    async fn leaks(&self) {
        let end = Instant::now() + PATIENCE;
        let leaked = |now: &Takes| {
            now.handles > self.handles + HANDLES
                || now.threads > self.before.threads + 2
                || now.kilobytes > self.before.kilobytes + GROWTH_KB
        };
        let mut now = Takes::of(self.process);
        while leaked(&now) && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(100)).await;
            now = Takes::of(self.process);
        }
        println!("soak: at the end {now}; {} file handles are needed", self.handles);
        if leaked(&now) {
            let before = self.before;
            let what = format!(
                "it takes {now}; after a quarter of the time it took {before}, and {} file handles are needed",
                self.handles
            );
            self.tally.fail(what, None);
        }
    }

    /// Everything runs when the server is told to end: it stops all and says that it could. Returns its log.
    pub async fn shut_down(self, toys: Vec<JoinHandle<()>>) -> String {
        if let Err(panic) = AssertUnwindSafe(self.last_values()).catch_unwind().await {
            self.tally.fail(format!("before the end: {}", said(&*panic)), None);
        }
        let Self { server, tally, toys: all, .. } = self;
        let mut server = Arc::into_inner(server).expect("nobody else holds the server");
        // The toys go on meanwhile, for they must answer.
        let ended = tokio::task::spawn_blocking(move || {
            let status = std::panic::catch_unwind(AssertUnwindSafe(|| server.wait())).ok().flatten();
            (status, server.log())
        });
        let (status, log) = ended.await.expect("waiting cannot fail");
        if status != Some(0) {
            tally.fail(format!("the server ended with status {status:?}, not 0"), None);
        }
        for toy in all.iter().filter(|toy| toy.levels().iter().any(|level| *level != 0)) {
            tally.fail("the server has ended, and this toy runs".to_owned(), Some(toy));
        }
        for toy in toys {
            toy.abort();
        }
        log
    }

    async fn last_values(&self) {
        let mut client = Raw::hello(&self.server).await;
        let list = client.ask("RequestDeviceList", json!({})).await;
        for (index, _, _) in crate::chaos_clients::devices(&list["DeviceList"]) {
            client.output(index, 0, "Vibrate", 5).await;
        }
        self.until_toys("the last values before the end arrive", Some(&mut client), |toy| toy.levels()[0] == 5).await;
        self.server.signal("TERM");
        client.closed().await;
    }
}

/// No device is in between.
fn quiet(health: &Value) -> bool {
    let devices = health["devices"].as_array().unwrap();
    health["opening"] == 0 && devices.iter().all(|device| device["state"] == "connected")
}

/// What a motor is to do in the last round.
fn last(toy: &FaultyDevice, motor: usize) -> i32 {
    1 + (toy.number as i32 + motor as i32) % toy.model.highest()
}
