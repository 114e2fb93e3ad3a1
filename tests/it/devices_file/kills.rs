//! Real processes that are killed while they save, and many that edit at once.

use std::process::{Child, Output};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{ADDRESS, Running};
use crate::support::{NO_HARDWARE, run, start};

/// Runs for so long, unless it ends before, and is killed as by `kill -9`.
fn killed_after(mut child: Child, time: Duration) {
    std::thread::sleep(time);
    let _ = child.kill();
    child.wait().unwrap();
}

fn words<'a>(directory: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    ["device", "--set", directory].into_iter().chain(rest.iter().copied()).collect()
}

fn shown(directory: &str, device: &str) -> Value {
    let output = run(&words(directory, &["--json", "show", device]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn limit(directory: &str) -> Value {
    shown(directory, ADDRESS)["outputs"]["0.vibrate"]["range"].clone()
}

fn set(directory: &str, high: i32) -> Child {
    let assignment = format!("0.vibrate=0..{high}");
    start(&words(directory, &["set", ADDRESS, &assignment]))
}

#[test]
fn a_command_that_is_killed_leaves_the_old_file_or_the_new_one() {
    let state = tempfile::tempdir().unwrap();
    let directory = format!("state.dir={}", state.path().display());
    let file = state.path().join("devices.toml");
    std::fs::write(&file, format!("version = 1\n\n[[device]]\naddress = \"{ADDRESS}\" # mine\n")).unwrap();
    assert!(set(&directory, 1).wait().unwrap().success());
    let mut last = 1_i64;
    for round in 2..40 {
        killed_after(set(&directory, round), Duration::from_millis(u64::try_from(round).unwrap() / 2));
        let high = limit(&directory)[1].as_i64().unwrap();
        assert!(high == last || high == i64::from(round), "{high} after {last} and {round}");
        last = high;
        assert!(std::fs::read_to_string(&file).unwrap().contains("# mine"));
    }
    // What a killed one has left hinders none that comes after it.
    assert!(set(&directory, 50).wait().unwrap().success());
    assert_eq!(limit(&directory), json!([0, 50]));
}

#[test]
fn a_server_that_is_killed_while_it_moves_to_the_new_file_loses_no_limit() {
    let before = json!({ "version": 1, "devices": [{
        "bus": "btle", "address": ADDRESS, "protocol": "lovense", "identifier": "P", "index": 7, "name": "Lovense Edge",
        "user": { "outputs": { "0.vibrate": { "range": [0, 4] } } } }] });
    let state = tempfile::tempdir().unwrap();
    let directory = format!("state.dir={}", state.path().display());
    let (mut moved, mut ms) = (0, 0);
    // However fast this machine is: from before the move begins until it has long ended.
    while moved < 15 {
        ms += if moved == 0 { 7 } else { 1 };
        let _ = std::fs::remove_file(state.path().join("devices.toml"));
        std::fs::write(state.path().join("devices.json"), before.to_string()).unwrap();
        let settings: Vec<_> = NO_HARDWARE.iter().flat_map(|setting| ["--set", setting]).collect();
        let serve = ["serve", "--set", &directory, "--set", "server.listen=127.0.0.1:0"];
        killed_after(start(&[&serve[..], &settings].concat()), Duration::from_millis(ms));
        assert_eq!(limit(&directory), json!([0, 4]), "killed after {ms} ms");
        assert!(ms < 10_000, "no server lives long enough to move anything");
        moved += usize::from(state.path().join("devices.toml").exists());
    }
}

#[tokio::test]
async fn commands_and_a_server_that_edit_at_once_lose_nothing_of_each_other() {
    let running = Running::start(&[]).await;
    let directory: Arc<str> = format!("state.dir={}", running.bench.server.state.path().display()).into();
    let address = |number: usize| format!("C0:FF:EE:00:01:{number:02X}");
    let editors: Vec<_> = (0..6)
        .map(|number| {
            let (directory, address) = (Arc::clone(&directory), address(number));
            std::thread::spawn(move || {
                let done = |output: Output| {
                    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                };
                done(run(&words(&directory, &["deny", &address])));
                // The server takes the entry out once it has saved that, while the others write.
                done(run(&words(&directory, &["forget", &address])));
                let gap = format!("message_gap_ms={}", 10 + number);
                done(run(&words(&directory, &["set", &address, "display_name=Mine", &gap])));
                done(run(&words(&directory, &["set", ADDRESS, &format!("{number}.vibrate=0..{}", 1 + number)])));
            })
        })
        .collect();
    for editor in editors {
        tokio::task::spawn_blocking(move || editor.join().unwrap()).await.unwrap();
    }
    for number in 0..6 {
        let device = shown(&directory, &address(number));
        assert_eq!((&device["display_name"], &device["message_gap_ms"]), (&json!("Mine"), &json!(10 + number)));
    }
    let own = shown(&directory, ADDRESS);
    let ranges: Vec<_> =
        own["outputs"].as_object().unwrap().values().map(|output| output["range"][1].clone()).collect();
    assert_eq!(ranges, [1, 2, 3, 4, 5, 6].map(|high| json!(high)), "{own}");
}
