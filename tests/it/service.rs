//! hapticd as a service: what the service manager hears, and the installed files.
#![cfg(target_os = "linux")]

use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{PATIENCE, Peripheral, QUIET, Raw, Server, run};

/// A service manager that listens at an address and a server that it has started.
fn started(socket: UnixDatagram, address: &str, watchdog: Option<Duration>) -> (Manager, Server) {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut environment = vec![("NOTIFY_SOCKET".to_owned(), address.to_owned())];
    if let Some(watchdog) = watchdog {
        environment.push(("WATCHDOG_USEC".to_owned(), watchdog.as_micros().to_string()));
    }
    (Manager(socket), start_with(&environment))
}

fn start_with(environment: &[(String, String)]) -> Server {
    let environment: Vec<_> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Server::start_with(Arc::new(tempfile::tempdir().unwrap()), &[], &environment)
}

struct Manager(UnixDatagram);

impl Manager {
    fn hear(&self) -> String {
        self.next().expect("the server says nothing")
    }

    /// What it hears next. A signal to this process, such as that a server of another test has ended, is no answer.
    fn next(&self) -> std::io::Result<String> {
        let mut part = [0; 4096];
        loop {
            match self.0.recv(&mut part) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => return read.map(|read| String::from_utf8_lossy(&part[..read]).into_owned()),
            }
        }
    }

    /// Waits until it hears this and returns what it heard before.
    fn until(&self, wanted: &str) -> Vec<String> {
        let (mut before, end) = (Vec::new(), Instant::now() + PATIENCE);
        loop {
            assert!(Instant::now() < end, "{wanted:?} is not said, but {before:?}");
            let heard = self.hear();
            if heard.lines().any(|line| line == wanted) {
                return before;
            }
            before.push(heard);
        }
    }
}

#[tokio::test]
async fn the_manager_hears_of_the_start_the_health_the_state_and_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let (manager, mut server) = started(socket, path.to_str().unwrap(), Some(Duration::from_millis(600)));
    assert_eq!(manager.until("READY=1"), Vec::<String>::new(), "ready is the first that it says");
    // It listens by then.
    assert_eq!(server.health().await["status"], "ok");
    manager.until("STATUS=0 clients, 0 devices");
    let started = Instant::now();
    for _ in 0..5 {
        manager.until("WATCHDOG=1");
    }
    assert!(started.elapsed() < Duration::from_millis(600) * 5, "five within five times the watchdog's time");
    let mut client = Raw::scanning(&server).await;
    let mut toy = Peripheral::attach(&server, "REALOV_VIBE", "a").await;
    toy.attached().await;
    client.devices(1).await;
    manager.until("STATUS=1 client, 1 device");
    server.signal("TERM");
    let end = loop {
        let heard = manager.hear();
        if heard.contains("STOPPING=1\n") {
            break heard;
        }
    };
    assert!(end.contains("EXTEND_TIMEOUT_USEC=15000000\n"), "5 s for devices, 10 s for the rest: {end}");
    assert_eq!(server.wait(), Some(0));
}

#[tokio::test]
async fn a_process_that_hangs_feeds_no_watchdog() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let watchdog = Duration::from_millis(300);
    let socket = UnixDatagram::bind(&path).unwrap();
    let (manager, server) = started(socket, path.to_str().unwrap(), Some(watchdog));
    manager.until("WATCHDOG=1");
    server.signal("STOP");
    std::thread::sleep(QUIET);
    manager.0.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    while manager.next().is_ok() {}
    manager.0.set_read_timeout(Some(watchdog * 3)).unwrap();
    assert!(manager.next().is_err(), "a stopped process said something");
    server.signal("CONT");
    manager.0.set_read_timeout(Some(PATIENCE)).unwrap();
    manager.until("WATCHDOG=1");
}

#[tokio::test]
async fn abstract_sockets_are_understood_and_without_a_watchdog_none_is_fed() {
    use std::os::linux::net::SocketAddrExt;
    let name = format!("hapticd-test-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    let (manager, mut server) = started(socket, &format!("@{name}"), None);
    manager.until("READY=1");
    server.signal("TERM");
    let before = manager.until("STOPPING=1");
    assert!(before.iter().all(|heard| !heard.contains("WATCHDOG")), "{before:?}");
    assert_eq!(server.wait(), Some(0));
}

#[tokio::test]
async fn a_manager_that_cannot_be_told_is_logged_and_no_reason_to_fail() {
    let environment = vec![("NOTIFY_SOCKET".to_owned(), "/nonexistent/notify".to_owned())];
    let server = start_with(&environment);
    server.logged("the service manager cannot be told");
    assert_eq!(server.health().await["status"], "ok");
}

const UNIT: &str = include_str!("../../deploy/usr/lib/systemd/system/hapticd.service");

#[test]
fn the_unit_gives_the_shutdown_time_and_starts_what_is_there() {
    let value = |key: &str| UNIT.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap();
    let manual = include_str!("../../config/default.toml");
    let deadline = manual.lines().find_map(|line| line.strip_prefix("shutdown_deadline_ms = ")).unwrap();
    let stop: u64 = value("TimeoutStopSec").parse().unwrap();
    assert!(stop * 1000 > deadline.parse::<u64>().unwrap() + 5000, "{stop} s is not enough");
    assert_eq!((value("Type"), value("Restart"), value("User")), ("notify", "always", "hapticd"));
    let start: Vec<_> = value("ExecStart").split(' ').collect();
    assert_eq!(start[0], "/usr/bin/hapticd");
    assert_eq!(run(&[start[1], "--help"]).status.code(), Some(0));
}

#[test]
fn the_installed_settings_are_right() {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/etc/hapticd/config.toml");
    let definitions = tempfile::tempdir().unwrap();
    let set = format!("devices.definitions_dir={}", definitions.path().display());
    let done = run(&["check", "--config", config, "--set", &set]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn the_installed_udev_rules_are_what_the_command_prints() {
    let printed = String::from_utf8(run(&["udev"]).stdout).unwrap();
    let installed = include_str!("../../deploy/usr/lib/udev/rules.d/70-hapticd.rules");
    assert_eq!(printed, installed, "cargo run -- udev > deploy/usr/lib/udev/rules.d/70-hapticd.rules");
}

#[test]
fn udev_rules_are_made_from_own_definitions_too() {
    let own = tempfile::tempdir().unwrap();
    let text = "name = \"Mine\"\n[[match]]\nhid = { ids = [\"057e:2009\"] }\n[default]\nname = \"Mine\"\n\
                features = [{ vibrate = [0, 9] }]\n[write]\nvibrate = 'tx: {v}'\n";
    std::fs::write(own.path().join("mine.toml"), text).unwrap();
    let set = format!("devices.definitions_dir={}", own.path().display());
    let printed = String::from_utf8(run(&["udev", "--set", &set]).stdout).unwrap();
    assert!(printed.contains("KERNELS==\"*:057E:2009.*\""), "{printed}");
}

#[tokio::test]
async fn health_tells_a_running_server_from_none() {
    let server = Server::start(&[]);
    let done = run(&["health", "--server", server.address()]);
    let text = String::from_utf8(done.stdout).unwrap();
    assert_eq!((done.status.code(), text.contains("is ok: 0 clients")), (Some(0), true), "{text}");
    let json = run(&["health", "--json", "--server", server.address()]).stdout;
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&json).unwrap()["status"], "ok");
    assert_eq!(run(&["health", "--server", "127.0.0.1:1"]).status.code(), Some(1));
}
