//! `hapticd doctor`, over a D-Bus of the test's own.
#![cfg(target_os = "linux")]

use std::os::unix::net::UnixListener;
use std::process::Output;
use std::time::{Duration, Instant};

use crate::bluez::Bluez;
use crate::support::{Server, run_with};

/// Runs the doctor over a bus on which BlueZ is (with its adapter on or off), or is not.
fn with_bus(powered: Option<bool>) -> Output {
    let bluez = Bluez::start();
    match powered {
        Some(powered) => bluez.with(|world| world.powered = powered),
        None => bluez.kill(),
    }
    doctor(&bluez.environment().1, &[])
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

#[test]
fn adapters_that_are_on_off_and_missing_are_told_apart() {
    let on = line(&with_bus(Some(true)), "bluetooth");
    assert!(on.starts_with("ok") && on.contains("hci0 (C0:11:EC:7A:B0:01) is on"), "{on}");
    let off = with_bus(Some(false));
    assert_eq!(off.status.code(), Some(1));
    let off = line(&off, "bluetooth");
    assert!(off.starts_with("problem") && off.contains("bluetoothctl power on"), "{off}");
    let none = line(&with_bus(None), "bluetooth");
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
