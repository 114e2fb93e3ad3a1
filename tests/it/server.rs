//! Servers in the process of an application.

use std::time::Duration;

use hapticd::Server;
use hapticd::settings::{Settings, Sources};

use crate::support::{Done, NO_HARDWARE, PATIENCE, Peripheral, QUIET, Raw, output};

const RUN: [u8; 4] = [0xC5, 0x55, 9, 0xAA];
const STOP: [u8; 4] = [0xC5, 0x55, 0, 0xAA];

/// A server with virtual hardware and a state directory of its own, which is kept as long as the result.
fn start(more: &[&str]) -> (Server, tempfile::TempDir) {
    let state = tempfile::tempdir().unwrap();
    let own = ["server.listen=127.0.0.1:0", "buses.virtual.enabled=true", "buses.serial.enabled=false"];
    let set = own.iter().chain(NO_HARDWARE).chain(more).map(|set| (*set).to_owned());
    let set = set.chain([format!("state.dir={}", state.path().display())]).collect();
    let settings = Settings::load(&Sources { set, ..Sources::default() }).unwrap();
    (Server::builder(settings).start().unwrap(), state)
}

/// A client that runs a motor.
async fn running(server: &Server) -> (Raw, Peripheral) {
    let mut client = Raw::scanning(server).await;
    let mut toy = Peripheral::attach(server, "REALOV_VIBE", "a").await;
    toy.attached().await;
    client.devices(1).await;
    client.output(0, 0, "Vibrate", 9).await;
    assert_eq!(toy.done().await, Done::tx(RUN));
    (client, toy)
}

#[tokio::test]
async fn two_servers_in_one_process_know_nothing_of_each_other() {
    let ((one, _one), (other, _other)) = (start(&[]), start(&[]));
    assert_ne!(one.addresses(), other.addresses());
    let ((mut client, mut toy), (mut other_client, mut other_toy)) = (running(&one).await, running(&other).await);
    assert_eq!(one.control().stop_all(true).await, Vec::<String>::new());
    assert_eq!(toy.done().await, Done::tx(STOP));
    // The hold is the one's alone, and so is its log.
    client.error("OutputCmd", output(0, 0, "Vibrate", 9), 4).await;
    other_client.output(0, 0, "Vibrate", 5).await;
    assert_eq!(other_toy.done().await, Done::tx([0xC5, 0x55, 5, 0xAA]));
    let held = |server: &Server| server.log().iter().any(|line| line.text.starts_with("everything was stopped"));
    assert!(held(&one) && !held(&other));
    assert_eq!(one.stop(PATIENCE), Vec::<String>::new());
    client.closed().await;
    // The end of one is not the other's.
    other_client.output(0, 0, "Vibrate", 9).await;
    assert_eq!(other_toy.done().await, Done::tx(RUN));
    assert_eq!(other.stop(PATIENCE), Vec::<String>::new());
    assert_eq!((other_toy.done().await, other_toy.done().await), (Done::tx(STOP), Done::Disconnect));
}

#[tokio::test]
async fn a_server_that_is_dropped_stops_what_runs() {
    let (server, _state) = start(&[]);
    let (mut client, mut toy) = running(&server).await;
    drop(server);
    assert_eq!((toy.done().await, toy.done().await), (Done::tx(STOP), Done::Disconnect));
    client.closed().await;
}

#[tokio::test]
async fn a_stop_names_the_devices_that_did_not_confirm_it() {
    let (server, _state) = start(&["links.write_timeout_ms=100"]);
    let mut client = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach_manual(&server, "REALOV_VIBE", "a").await;
    toy.attached().await;
    let devices = client.devices(1).await;
    let name = devices["0"]["DeviceName"].as_str().unwrap();
    assert_eq!(server.stop(Duration::from_secs(1)), [format!("0 {name:?}")]);
    assert_eq!(toy.done().await, Done::tx(STOP));
}

#[tokio::test]
async fn nobody_ends_a_server_by_waiting_for_its_end() {
    let (server, _state) = start(&[]);
    let waiting = tokio::time::timeout(QUIET, server.ended()).await;
    assert!(waiting.is_err(), "{waiting:?}");
    assert!(server.bus_report().await.contains("Buses that are on     virtual\n"));
}

/// What a process holds.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone, Copy)]
struct Holds {
    threads: usize,
    files: usize,
    kilobytes: u64,
}

#[cfg(target_os = "linux")]
impl Holds {
    fn now() -> Self {
        let count = |directory| std::fs::read_dir(directory).unwrap().count();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB")).unwrap();
        let kilobytes = resident.trim().parse().unwrap();
        Self { threads: count("/proc/self/task"), files: count("/proc/self/fd"), kilobytes }
    }

    /// Waits until no more threads and files are open than `before`: sockets of the test's own close a little later.
    async fn settled(before: &Self) -> Self {
        let end = std::time::Instant::now() + PATIENCE;
        loop {
            let now = Self::now();
            if (now.threads <= before.threads && now.files <= before.files) || std::time::Instant::now() > end {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// What other tests do at the same time must not be counted, so this one starts itself again, alone in a process.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_hundred_starts_and_stops_leave_nothing_behind() {
    const ALONE: &str = "HAPTICD_TEST_ALONE";
    const WARM: usize = 20;
    const MARGIN: u64 = 8 * 1024;
    if std::env::var_os(ALONE).is_none() {
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        let name = "server::a_hundred_starts_and_stops_leave_nothing_behind";
        let done = alone.args([name, "--exact", "--nocapture"]).env(ALONE, "1").output().unwrap();
        let text = String::from_utf8_lossy(&done.stdout);
        println!("{text}");
        assert!(done.status.success(), "{text}\n{}", String::from_utf8_lossy(&done.stderr));
        assert!(text.contains("1 passed"), "{text}");
        return;
    }
    let start_of_all = Holds::now();
    let (mut first, mut warm) = (None, None);
    for round in 0..100 {
        let (server, _state) = start(&["buses.websocket.enabled=true", "buses.websocket.listen=127.0.0.1:0"]);
        // Connections take a second to close, so not every round has some.
        let mut driven = if round % 8 < 2 { Some(running(&server).await) } else { None };
        // One half is stopped, the other dropped.
        if round % 2 == 0 {
            assert_eq!(server.stop(PATIENCE), Vec::<String>::new());
        } else {
            drop(server);
        }
        if let Some((_, toy)) = &mut driven {
            assert_eq!((toy.done().await, toy.done().await), (Done::tx(STOP), Done::Disconnect));
        }
        drop(driven);
        let before = match first {
            Some(before) => before,
            None => {
                // The test's own tools have started with the first, which is given time to end.
                tokio::time::sleep(QUIET).await;
                println!("before: {start_of_all:?}");
                *first.insert(Holds::now())
            }
        };
        let now = Holds::settled(&before).await;
        if [0, WARM, 99].contains(&round) {
            println!("after {} rounds: {now:?}", round + 1);
        }
        assert!(now.threads <= before.threads && now.files <= before.files, "{round}: {now:?}, not {before:?}");
        // The allocator keeps some of what it has had.
        if round == WARM {
            warm = Some(now.kilobytes);
        }
        let limit = warm.map_or(u64::MAX, |warm: u64| warm + MARGIN);
        assert!(now.kilobytes < limit, "{round}: {now:?}, at most {limit} kB");
    }
}
