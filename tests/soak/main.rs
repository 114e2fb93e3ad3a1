//! The soak: fifty toys that fail at random, twenty clients that come, go, freeze and flood, and one that must never
//! notice. At the end every wanted value has been written or its device is reported lost, no output runs without an
//! owner, memory is where it was, and nothing is leaked.
//!
//! It takes 5 seconds, or as many as `HAPTICD_SOAK_SECONDS` says. The seed is printed first; `HAPTICD_SOAK_SEED` plays
//! the same decisions again. When they fall still depends on the machine, so a failure may need a few runs to return.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(clippy::string_slice, missing_debug_implementations, clippy::needless_pass_by_value)]

mod chaos_clients;
mod faulty_device;
mod final_checks;
mod proc_stats;
mod random;
mod reference_client;
#[allow(dead_code, unused_imports, reason = "shared with the other tests, of which this one needs a part")]
#[path = "../it/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use faulty_device::FaultyDevice;
use proc_stats::Takes;
use support::{Raw, Server};

const TOYS: u64 = 50;
const CLIENTS: u64 = 20;
/// The same failures for hours would fill the terminal.
const SHOWN: usize = 10;
/// Settings with which little goes well for long.
const SETTINGS: [&str; 12] = [
    "server.threads=2",
    "sessions.max_frame_bytes=1000000",
    "sessions.websocket_ping_ms=200",
    "sessions.websocket_pong_deadline_ms=1000",
    "sessions.handshake_timeout_ms=1000",
    "devices.reconnect_grace_ms=500",
    "devices.restart_budget=4",
    "devices.restart_window_ms=5000",
    "devices.restart_delay_ms=50",
    "links.write_timeout_ms=200",
    "links.max_failures=4",
    "links.connect_timeout_ms=2000",
];

/// What goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Storm,
    /// Rude clients go and toys behave.
    Calm,
    /// Toys lose their connection and are there again at once.
    Blink,
    Over,
}

/// What was seen, by all.
pub struct Tally {
    counts: Mutex<BTreeMap<String, u64>>,
    failures: Mutex<Vec<String>>,
    stopped_at: Mutex<Option<Instant>>,
    /// The steady client holds its last value.
    pub holds: Mutex<bool>,
    /// Longest time from a command of the steady client to its toy.
    pub slowest: Mutex<Duration>,
    /// How late this program itself ran at most.
    latest: Mutex<Duration>,
}

impl Tally {
    pub fn counted(&self, what: &str) -> u64 {
        self.counts.lock().unwrap().get(what).copied().unwrap_or_default()
    }

    pub fn count(&self, what: &str) {
        *self.counts.lock().unwrap().entry(what.to_owned()).or_default() += 1;
    }

    /// Something is not as it must be.
    pub fn fail(&self, what: String, toy: Option<&FaultyDevice>) {
        let toy = toy.map(|toy| format!("\n  toy {}: {}", toy.number, toy.show())).unwrap_or_default();
        let mut failures = self.failures.lock().unwrap();
        if failures.len() < SHOWN {
            eprintln!("FAILED: {what}{toy}");
        }
        failures.push(what);
    }

    /// A client asks for everything to stop.
    pub fn stopped_all(&self) {
        self.count("stops of everything");
        *self.stopped_at.lock().unwrap() = Some(Instant::now());
    }

    /// Whether a stop of everything may have come since then. It may have been long on its way.
    pub fn stopped_since(&self, time: Instant) -> bool {
        self.stopped_at.lock().unwrap().is_some_and(|stop| stop + Duration::from_secs(2) > time)
    }
}

fn main() -> ExitCode {
    if !is_asked_for() {
        return ExitCode::SUCCESS;
    }
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let seconds = number("HAPTICD_SOAK_SECONDS").unwrap_or(5);
    let by_clock = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64 % 1_000_000;
    let seed = number("HAPTICD_SOAK_SEED").unwrap_or_else(by_clock);
    println!("soak: HAPTICD_SOAK_SEED={seed} HAPTICD_SOAK_SECONDS={seconds}");
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let tally = Arc::new(Tally {
        counts: Mutex::default(),
        failures: Mutex::default(),
        stopped_at: Mutex::new(None),
        holds: Mutex::new(false),
        slowest: Mutex::new(Duration::ZERO),
        latest: Mutex::new(Duration::ZERO),
    });
    let log = runtime.block_on(soak(Duration::from_secs(seconds), seed, &tally));
    for (what, count) in &*tally.counts.lock().unwrap() {
        println!("{count:>9}  {what}");
    }
    println!(
        "{:>6.0} ms  longest from the steady client to its toy",
        tally.slowest.lock().unwrap().as_secs_f64() * 1000.0
    );
    let late = tally.latest.lock().unwrap().as_secs_f64() * 1000.0;
    println!("{late:>6.0} ms  longest that this program itself was late");
    let failures = tally.failures.lock().unwrap();
    if failures.is_empty() {
        println!("soak: passed");
        return ExitCode::SUCCESS;
    }
    let kept = std::env::temp_dir().join(format!("hapticd-soak-{seed}.log"));
    let lines: Vec<_> = log.lines().collect();
    eprintln!("The end of the server's log; all of it is in {}:", kept.display());
    for line in lines.iter().skip(lines.len().saturating_sub(40)) {
        eprintln!("  {line}");
    }
    let _ = std::fs::write(&kept, log);
    for failure in failures.iter().take(SHOWN) {
        eprintln!("FAILED: {failure}");
    }
    eprintln!(
        "soak: {} things failed; again with HAPTICD_SOAK_SEED={seed} HAPTICD_SOAK_SECONDS={seconds}",
        failures.len()
    );
    ExitCode::FAILURE
}

/// `cargo test` hands the same arguments to every test: a list is not wanted, and a filter may mean other tests.
fn is_asked_for() -> bool {
    let mut arguments = std::env::args().skip(1);
    let (mut filters, mut exact) = (Vec::new(), true);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--list" => return false,
            "--test-threads" | "--format" | "--color" | "--logfile" | "--skip" | "-Z" => drop(arguments.next()),
            "--ignored" => exact = false,
            option if option.starts_with('-') => {}
            filter => filters.push(filter.to_owned()),
        }
    }
    exact && (filters.is_empty() || filters.iter().any(|filter| "soak".contains(filter.as_str())))
}

/// Runs it all and returns the server's log.
async fn soak(time: Duration, seed: u64, tally: &Arc<Tally>) -> String {
    let server = Arc::new(Server::start(&SETTINGS));
    let process = proc_stats::of_server();
    let address = server.address().to_owned();
    let (phase, watched) = watch::channel(Phase::Storm);

    // The steady client and its toy must not wait for the others within this program either.
    let (calm_thread, rude_thread) = (thread(), thread());
    calm_thread.spawn(watch_own_delays(Arc::clone(tally)));
    let mut client = Raw::scanning(&server).await;
    let own = FaultyDevice::new(0, false);
    let mut toys = vec![Arc::clone(&own)];
    let mut tasks = Vec::new();
    let start_toy = |toy: &Arc<FaultyDevice>, thread: &Handle| {
        let playing = faulty_device::play(Arc::clone(toy), address.clone(), Arc::clone(tally), seed, watched.clone());
        thread.spawn(playing)
    };
    tasks.push(start_toy(&own, &calm_thread));
    client.devices(1).await;
    // Each connection takes two.
    let handles = Takes::of(process).handles + 2 * TOYS as i64;
    for number in 1..=TOYS {
        let toy = FaultyDevice::new(number, true);
        tasks.push(start_toy(&toy, &Handle::current()));
        toys.push(toy);
    }
    let steady = calm_thread.spawn(reference_client::play(client, own, Arc::clone(tally), seed, watched.clone()));
    let rude = (1..=CLIENTS).map(|number| {
        let playing = chaos_clients::play(number, address.clone(), Arc::clone(tally), seed, watched.clone());
        rude_thread.spawn(playing)
    });
    let rude: Vec<_> = rude.collect();

    let warm = time / 4;
    weather(warm, &steady).await;
    let before = Takes::of(process);
    println!("soak: after {} s {before}", warm.as_secs());
    weather(time - warm, &steady).await;
    phase.send_replace(Phase::Calm);

    let end = final_checks::End { server, process, tally: Arc::clone(tally), toys, before, handles };
    for task in rude {
        end.joined("a rude client", task).await;
    }
    end.check(&phase).await;
    phase.send_replace(Phase::Over);
    end.joined("the steady client", steady).await;
    end.shut_down(tasks).await
}

/// Lets the storm rage, unless the steady client gives up.
async fn weather(time: Duration, steady: &JoinHandle<()>) {
    let end = Instant::now() + time;
    while Instant::now() < end && !steady.is_finished() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A thread of its own for tasks, until the end of this program.
fn thread() -> Handle {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let handle = runtime.handle().clone();
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    handle
}

/// Notes how late this program itself runs: on a busy machine it is what is slow, not the server.
async fn watch_own_delays(tally: Arc<Tally>) {
    const NAP: Duration = Duration::from_millis(10);
    loop {
        let began = Instant::now();
        tokio::time::sleep(NAP).await;
        let late = began.elapsed().saturating_sub(NAP);
        let mut latest = tally.latest.lock().unwrap();
        *latest = (*latest).max(late);
    }
}
