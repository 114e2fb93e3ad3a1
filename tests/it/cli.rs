//! The command line: exit status and messages.

use std::net::TcpListener;
use std::process::Output;

use crate::support::run;

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn check(args: &[&str], status: i32, contains: &[&str]) {
    let output = run(args);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(status), "{args:?}: {text}");
    for part in contains {
        assert!(text.contains(part), "{args:?}: {part:?} is not in\n{text}");
    }
}

#[test]
fn help_is_everywhere() {
    check(&["--help"], 0, &["serve", "check", "devices", "simulate", "health", "doctor"]);
    for command in ["serve", "check", "devices", "simulate", "stop", "health", "doctor"] {
        check(&[command, "--help"], 0, &["Usage"]);
    }
    check(&["--version"], 0, &["hapticd 0."]);
    check(&["dance"], 2, &["dance"]);
}

#[test]
fn check_says_what_is_wrong_and_where() {
    check(&["check"], 0, &["settings are right", "definitions"]);
    check(&["check", "--set", "server.listn=1"], 2, &["server.listn", "server.listen", "--set"]);
    check(&["check", "--set", "server.listen=nowhere"], 2, &["server.listen", "nowhere"]);
    check(&["check", "--config", "/nonexistent/hapticd.toml"], 2, &["/nonexistent/hapticd.toml"]);
    let directory = tempfile::tempdir().unwrap();
    let bad = directory.path().join("bad.toml");
    let text = "name = \"Bad\"\n[[match]]\nbtle = { names = [\"x\"] }\nservices.ff00 = { tx = \"ff01\" }\n[default]\nname = \"Bad\"\nfeatures = [{ vibrate = [0, 300] }]\n[write]\nvibrate = 'tx: {w}'\n";
    std::fs::write(&bad, text).unwrap();
    check(&["check", bad.to_str().unwrap()], 2, &["bad.toml:9", "w"]);
    std::fs::write(&bad, text.replace("{w}", "{v}")).unwrap();
    check(&["check", bad.to_str().unwrap()], 2, &["bad.toml", "256", "255"]);
    let set = "devices.definitions_dir=/nonexistent/definitions";
    check(&["check", "--set", set], 2, &["devices.definitions_dir", "/nonexistent/definitions", "--set"]);
    check(&["check", "/nonexistent.toml"], 2, &["/nonexistent.toml"]);
}

#[test]
fn devices_lists_models() {
    check(&["devices"], 0, &["Aneros Vivi", "Lovense Edge", "Vorze Piston"]);
    let output = run(&["devices", "edge", "--json"]);
    let lines = String::from_utf8(output.stdout).unwrap();
    let model: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((&model["name"], &model["protocol"]), (&"Lovense Edge".into(), &"lovense".into()));
    check(&["devices", "no such thing"], 1, &["no such thing"]);
}

#[test]
fn a_port_in_use_is_one_clear_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("server.listen={}", taken.local_addr().unwrap());
    check(&["--set", &listen], 1, &["cannot listen on", "server.listen", "another program"]);
}

#[test]
fn beyond_loopback_is_refused_for_now() {
    check(&["--set", "server.listen=0.0.0.0:12345"], 2, &["server.listen", "loopback"]);
    check(&["--set", "buses.websocket.listen=0.0.0.0:12345"], 2, &["buses.websocket.listen", "loopback"]);
}
