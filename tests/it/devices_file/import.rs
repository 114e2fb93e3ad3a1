//! `hapticd import` beside a running server: what Intiface allowed at most holds at once.

use serde_json::{Value, json};

use super::{ADDRESS, Running, greatest};
use crate::support::{Done, run};

fn intiface(value: &Value) -> Value {
    let user = json!({ "allow": false, "deny": false, "index": 9, "display_name": "Blue one" });
    json!({ "version": { "major": 5, "minor": 57 }, "user_configs": { "protocols": {}, "devices": [{
        "identifier": { "protocol": "worked-example", "address": ADDRESS.to_lowercase() },
        "config": {
            "id": "0d4c2c5e-6c3c-4f7e-9a51-2f3d7b0a9d11", "base_id": "7b1f0f3a-88a5-4b6f-8f0c-51c3a2d5e900",
            "features": [
                { "output": { "vibrate": { "value": value, "disabled": false } } },
                { "output": { "rotate": { "disabled": true } } },
                {}, {}, {}, {},
            ],
            "user_config": user,
        },
    }] } })
}

#[tokio::test]
async fn it_holds_at_once_and_a_second_import_loosens_nothing() {
    let mut running = Running::start(&[]).await;
    let directory = running.bench.server.state.path().to_owned();
    let file = directory.join("buttplug-user-device-config.json");
    let state = format!("state.dir={}", directory.display());
    let definitions = format!("devices.definitions_dir={}", running.bench.definitions().display());
    let import = |value: &Value, words: &[&str]| {
        std::fs::write(&file, intiface(value).to_string()).unwrap();
        let file = file.display().to_string();
        let output = run(&[&["import", "--set", &state, "--set", &definitions][..], words, &[&file]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };

    let before = std::fs::read(running.file()).ok();
    let report = import(&json!([0, 4]), &["--dry-run"]);
    assert!(report.contains("taken      0.vibrate = 0..4 of 0..20\n"), "{report}");
    assert!(report.contains("kept       index = 9\n") && report.contains("nothing is changed"), "{report}");
    assert_eq!(std::fs::read(running.file()).ok(), before);

    let report = import(&json!([0, 4]), &[]);
    assert!(report.contains("taken      display_name = \"Blue one\"\n") && report.contains("written to"), "{report}");
    // The rotation is off now, and stopped first.
    assert_eq!(running.hardware.done().await, Done::tx([2, 1, 0, 0]));
    assert_eq!(running.hardware.done().await, Done::tx([1, 0, 4]));
    let device = running.changed(|device| greatest(device) == 4).await;
    assert_eq!(device["DeviceDisplayName"], "Blue one");
    assert_eq!(device["DeviceIndex"], 0);
    assert_eq!(device["DeviceFeatures"]["1"], Value::Null);

    let written = std::fs::read(running.file()).unwrap();
    let report = import(&json!([0, 20]), &[]);
    assert!(report.contains("nothing is to be changed"), "{report}");
    let report = import(&json!([0, 12]), &[]);
    assert!(report.contains("kept       0.vibrate = 0..12 of 0..20\n"), "{report}");
    assert_eq!(std::fs::read(running.file()).unwrap(), written);
}

#[test]
fn a_file_that_is_none_is_named_and_nothing_is_written() {
    let state = tempfile::tempdir().unwrap();
    let set = format!("state.dir={}", state.path().display());
    let config = state.path().join("config.toml");
    std::fs::write(&config, "").unwrap();
    let config = config.display().to_string();
    for (file, why) in [("/nonexistent.json", "there is no such file"), ("/", "it is no regular file")] {
        let output = run(&["import", "--config", &config, "--set", &set, file]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(file) && error.contains(why), "{error}");
    }
    assert!(!state.path().join("devices.toml").exists());
}
