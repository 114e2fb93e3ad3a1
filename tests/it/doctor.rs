//! `hapticd doctor`, over a D-Bus of the test's own.
#![cfg(target_os = "linux")]

use std::collections::HashMap;
use std::os::unix::net::UnixListener;
use std::process::Output;
use std::time::{Duration, Instant};

use zbus::fdo;
use zbus::{ObjectPath, OwnedVariant, Variant};

use crate::support::{Server, run_with};

/// The bus itself, as far as the doctor asks it.
struct Bus {
    bluez: bool,
}

#[zbus::interface(name = "org.freedesktop.DBus")]
impl Bus {
    fn hello(&self) -> &'static str {
        ":1.1"
    }

    fn name_has_owner(&self, name: &str) -> bool {
        self.bluez && name == "org.bluez"
    }

    fn list_activatable_names(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// BlueZ with one adapter, which is on or off.
struct Bluez {
    powered: bool,
}

type Objects = HashMap<ObjectPath<'static>, HashMap<String, HashMap<String, OwnedVariant>>>;

#[zbus::interface(name = "org.freedesktop.DBus.ObjectManager")]
impl Bluez {
    fn get_managed_objects(&self) -> fdo::Result<Objects> {
        let value = |value: Variant<'_>| OwnedVariant::try_from(value).unwrap();
        let properties = HashMap::from([
            ("Address".to_owned(), value(Variant::from("00:11:22:33:44:55"))),
            ("Powered".to_owned(), value(Variant::from(self.powered))),
        ]);
        let interfaces = HashMap::from([("org.bluez.Adapter1".to_owned(), properties)]);
        Ok(HashMap::from([(ObjectPath::from_static_str_unchecked("/org/bluez/hci0"), interfaces)]))
    }
}

/// Runs the doctor over a bus on which BlueZ is (with its adapter on or off), or is not.
async fn with_bus(bluez: Option<bool>) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bus");
    let listener = UnixListener::bind(&path).unwrap();
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::UnixListener::from_std(listener).unwrap();
    let doctor = tokio::task::spawn_blocking(move || doctor(&format!("unix:path={}", path.display()), &[]));
    let stream = listener.accept().await.unwrap().0.into_std().unwrap();
    stream.set_nonblocking(true).unwrap();
    let bus = zbus::connection::Builder::unix_stream(stream)
        .server(zbus::Guid::generate())
        .p2p()
        .serve_at("/org/freedesktop/DBus", Bus { bluez: bluez.is_some() })
        .build()
        .await
        .unwrap();
    if let Some(powered) = bluez {
        assert!(bus.object_server().at("/", Bluez { powered }).await.unwrap().is_none(), "something is there already");
    }
    let output = doctor.await.unwrap();
    drop(directory);
    output
}

fn doctor(bus: &str, more: &[&str]) -> Output {
    let state = tempfile::tempdir().unwrap();
    let set = format!("state.dir={}", state.path().display());
    let arguments = ["doctor", "--set", &set, "--set", "server.listen=127.0.0.1:0"];
    let arguments: Vec<_> = arguments.into_iter().chain(more.iter().copied()).collect();
    run_with(&[("DBUS_SYSTEM_BUS_ADDRESS".to_owned(), bus.to_owned())], &arguments)
}

fn lines(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn line(output: &Output, check: &str) -> String {
    let lines = lines(output);
    let found = lines.lines().find(|line| line.split_whitespace().nth(1) == Some(check));
    found.unwrap_or_else(|| panic!("{check} is not in\n{lines}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn adapters_that_are_on_off_and_missing_are_told_apart() {
    let on = line(&with_bus(Some(true)).await, "bluetooth");
    assert!(on.starts_with("ok") && on.contains("hci0 (00:11:22:33:44:55) is on"), "{on}");
    let off = with_bus(Some(false)).await;
    assert_eq!(off.status.code(), Some(1));
    let off = line(&off, "bluetooth");
    assert!(off.starts_with("problem") && off.contains("bluetoothctl power on"), "{off}");
    let none = line(&with_bus(None).await, "bluetooth");
    assert!(none.starts_with("problem") && none.contains("install bluez"), "{none}");
}

#[test]
fn a_bus_that_is_not_there_or_hangs_is_a_problem_and_holds_nothing_up() {
    let missing = doctor("unix:path=/nonexistent/bus", &[]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(line(&missing, "bluetooth").starts_with("problem"), "{}", lines(&missing));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bus");
    // It takes the connection and never says anything.
    let _silent = UnixListener::bind(&path).unwrap();
    let started = Instant::now();
    let hanging = doctor(&format!("unix:path={}", path.display()), &[]);
    assert!(started.elapsed() < Duration::from_secs(30));
    assert!(line(&hanging, "bluetooth").starts_with("problem"), "{}", lines(&hanging));
}

#[tokio::test]
async fn without_problems_the_status_is_0_and_programs_get_json() {
    let server = Server::start(&[]);
    let listen = format!("server.listen={}", server.address());
    let off = ["--set", "buses.btle.enabled=false", "--set", &listen, "--json"];
    let done = doctor("unix:path=/nonexistent/bus", &off);
    let findings: Vec<serde_json::Value> =
        lines(&done).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |check: &str| findings.iter().find(|finding| finding["check"] == check).unwrap();
    assert_eq!(of("bluetooth")["verdict"], "ok");
    assert!(of("port")["text"].as_str().unwrap().contains("is ok: 0 clients"), "{findings:?}");
    // What is plugged into the machine of whoever runs the tests is not this test's business.
    let own = ["settings", "state", "definitions", "port", "bluetooth", "radio"];
    assert!(own.into_iter().all(|check| of(check)["verdict"] == "ok"), "{findings:?}");
    let problems = findings.iter().filter(|finding| finding["verdict"] == "problem").count();
    assert_eq!(done.status.code(), Some(i32::from(problems > 0)));
}

#[test]
fn a_file_that_is_never_read_to_its_end_holds_nothing_up() {
    let definitions = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo").arg(definitions.path().join("pipe.toml")).status().unwrap();
    assert!(made.success());
    let set = format!("devices.definitions_dir={}", definitions.path().display());
    let done = doctor("unix:path=/nonexistent/bus", &["--set", &set]);
    assert_eq!(done.status.code(), Some(1));
    let settings = line(&done, "settings");
    assert!(settings.starts_with("problem") && settings.contains("does not end"), "{settings}");
}

#[test]
fn wrong_settings_are_one_finding_among_the_others() {
    let done = doctor("unix:path=/nonexistent/bus", &["--set", "server.listn=1"]);
    assert_eq!(done.status.code(), Some(1));
    let settings = line(&done, "settings");
    assert!(settings.starts_with("problem") && settings.contains("server.listn"), "{settings}");
    assert!(line(&done, "definitions").starts_with("ok"));
}
