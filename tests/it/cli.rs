//! The command line: exit status and messages.

use std::net::TcpListener;
use std::process::Output;

use crate::support::{run, run_with};

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
    for command in ["serve", "check", "devices", "simulate", "stop", "health", "doctor", "origins", "allow", "deny"] {
        check(&[command, "--help"], 0, &["Usage"]);
    }
    check(&["--version"], 0, &["hapticd 0."]);
    check(&["dance"], 2, &["dance"]);
}

#[test]
fn check_says_what_is_wrong_and_where() {
    check(
        &["check"],
        0,
        &[
            "settings are right",
            "server.listen = [\"127.0.0.1:12345\", \"[::1]:12345\"]  (built-in default)",
            "definitions",
        ],
    );
    check(&["check", "--set", "log.level=loud"], 2, &["log.level", "\"loud\"", "\"error\", \"warn\", \"info\""]);
    check(&["check", "--set", "server.port=1"], 2, &["server.port", "did you mean `server.listen`?"]);
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
fn settings_may_stand_before_the_command_or_after_it() {
    let shown = "server.name = \"mine\"  (--set server.name)";
    check(&["check", "--set", "server.name=mine"], 0, &[shown]);
    check(&["--set", "server.name=mine", "check"], 0, &[shown]);
    // What is given later wins, and nothing that was given is lost.
    let args = ["--set", "server.name=other", "--set", "server.threads=3", "check", "--set", "server.name=mine"];
    check(&args, 0, &[shown, "server.threads = 3"]);
    check(&["--set", "server.listn=1", "devices"], 2, &["server.listn"]);
    check(&["--config", "/nonexistent.toml", "health"], 2, &["/nonexistent.toml"]);
    check(&["--virtual", "check"], 2, &["--virtual", "serve"]);
}

/// The manual says that `hapticd check` prints each value in use and where it came from.
#[test]
fn check_prints_every_setting_with_its_origin() {
    let shown = text(&run(&["check"]));
    let mut section = String::new();
    for line in include_str!("../../config/default.toml").lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            // A directory left empty is shown as the one that stands for it.
            let wanted =
                if value == "\"\"" { format!("{section}.{key} = ") } else { format!("{section}.{key} = {value}  (") };
            assert!(shown.contains(&wanted), "{wanted:?} is not in\n{shown}");
        }
    }
}

#[test]
fn a_variable_with_too_few_underscores_is_warned_of() {
    let variable = ("HAPTICD_SERVER_LISTEN".to_owned(), "127.0.0.1:1".to_owned());
    let output = run_with(&[variable], &["check"]);
    assert_eq!(output.status.code(), Some(0));
    let warning = String::from_utf8(output.stderr).unwrap();
    assert!(warning.contains("HAPTICD_SERVER_LISTEN") && warning.contains("HAPTICD__SERVER__LISTEN"), "{warning}");
    assert_eq!(String::from_utf8(run(&["check"]).stderr).unwrap(), "");
    // One that is ours, though misspelt, is refused as every misspelt key is.
    let variable = ("HAPTICD__SERVER_LISTEN".to_owned(), "127.0.0.1:1".to_owned());
    let output = run_with(&[variable], &["check"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("did you mean HAPTICD__SERVER__LISTEN?"), "{error}");
}

#[test]
fn a_misspelt_model_is_found() {
    check(&["simulate", "Lovense Lsh"], 2, &["did you mean one of these? lovense/S (Lovense Lush)"]);
    check(
        &["devices", "Lovense Lsh"],
        1,
        &["no known model has", "; did you mean one of these? lovense/S (Lovense Lush)"],
    );
}

#[test]
fn devices_lists_models() {
    check(&["devices"], 0, &["Aneros Vivi", "Lovense Edge", "Vorze Piston"]);
    let listed = String::from_utf8(run(&["devices"]).stdout).unwrap();
    let (heading, models) = listed.split_once('\n').unwrap();
    let columns: Vec<_> = ["MODEL", "PROTOCOL", "BUS", "OUTPUTS AND INPUTS", "IDENTIFIERS"]
        .map(|word| heading.find(word).unwrap_or_else(|| panic!("{word} is not in {heading}")))
        .into();
    for line in models.lines() {
        // Some letters are two columns wide.
        let wide = |letter: char| std::iter::repeat_n(letter, console::measure_text_width(&letter.to_string()));
        let line: Vec<_> = line.chars().flat_map(wide).collect();
        for column in columns.iter().skip(1) {
            assert!(line[*column] != ' ' && line[column - 2..*column] == [' ', ' '], "{listed}");
        }
    }
    // What is listed as an identifier is what `simulate` takes, and outputs are called as in the file of known devices.
    check(&["devices", "lovense edge"], 0, &["0.vibrate 0..20, 1.vibrate 0..20, 2.battery  P"]);
    let output = run(&["devices", "edge", "--json"]);
    let lines = String::from_utf8(output.stdout).unwrap();
    let model: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((&model["name"], &model["protocol"]), (&"Lovense Edge".into(), &"lovense".into()));
    assert_eq!((&model["outputs"][0]["output"], &model["identifiers"][0]), (&"vibrate".into(), &"P".into()));
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
