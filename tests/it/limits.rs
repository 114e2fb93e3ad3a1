//! What the user allowed for a device cannot get lost: other models, damaged files, a second server.

use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Done, Peripheral, Raw, Server, output, run};

const ADDRESS: &str = "C0:FF:EE:00:00:01";

/// A state directory with this file.
fn state(text: &str) -> Arc<TempDir> {
    let state = tempfile::tempdir().unwrap();
    std::fs::write(state.path().join("devices.json"), text).unwrap();
    Arc::new(state)
}

/// A Lovense Edge of which both motors may run at 4 of 20.
fn limited() -> String {
    let limits = json!({ "range": [0, 4] });
    json!({ "version": 1, "devices": [{
        "bus": "btle", "address": ADDRESS, "protocol": "lovense", "identifier": "P", "index": 7, "name": "Lovense Edge",
        "user": { "outputs": { "0.vibrate": limits, "1.vibrate": limits } } }] })
    .to_string()
}

/// A Lovense toy that says it is of this type.
async fn lovense(server: &Server, answer: &str) -> Peripheral {
    let mut toy = Peripheral::attach(server, "LVS-P36", ADDRESS).await;
    assert_eq!(toy.attached().await, "lovense");
    while toy.done().await != Done::tx("DeviceType;") {}
    toy.notify("rx", answer).await;
    toy
}

/// Takes the toy out of reach, and waits until the server has noticed.
async fn leave(server: &Server, mut toy: Peripheral) {
    toy.detach().await;
    server.away(0).await;
}

/// Every level that is written until nothing more comes.
async fn levels(toy: &mut Peripheral) -> Vec<String> {
    let mut written = Vec::new();
    while let Some(done) = toy.done_soon().await {
        if let Done::Write(_, data, _) = done {
            written.push(String::from_utf8(data).unwrap());
        }
    }
    written
}

fn greatest(devices: &Value, feature: &str) -> Value {
    devices["7"]["DeviceFeatures"][feature]["Output"]["Vibrate"]["Value"][1].clone()
}

#[tokio::test]
async fn limits_hold_for_an_address_whatever_model_is_found_there() {
    let server = Server::start_in(state(&limited()), &["devices.reconnect_grace_ms=3000"]);
    let mut client = Raw::scanning(&server).await;
    let mut toy = lovense(&server, "P:02:0082059AD3BD;").await;
    let devices = client.devices(1).await;
    assert_eq!((greatest(&devices, "0"), greatest(&devices, "1")), (json!(4), json!(4)));
    client.output(7, 1, "Vibrate", 4).await;
    assert!(levels(&mut toy).await.ends_with(&["Vibrate2:4;".to_owned()]));
    // It goes and comes back as a Hush, with one motor: the same index, and for every client another device.
    leave(&server, toy).await;
    let mut other = Raw::hello(&server).await;
    other.devices(1).await;
    let mut toy = lovense(&server, "Z:01:0082059AD3BD;").await;
    for client in [&mut client, &mut other] {
        let list = client.until(|message| message.get("DeviceList").is_some()).await;
        assert_eq!(list["DeviceList"]["Devices"], json!({}), "the old one goes first");
        let list = client.until(|message| message.get("DeviceList").is_some()).await;
        assert_eq!(list["DeviceList"]["Devices"]["7"]["DeviceName"], "Lovense Hush");
        assert_eq!(greatest(&list["DeviceList"]["Devices"], "0"), 4);
    }
    client.error("OutputCmd", output(7, 0, "Vibrate", 5), 4).await;
    client.output(7, 0, "Vibrate", 4).await;
    assert_eq!(levels(&mut toy).await, ["Vibrate:0;", "Vibrate:4;"], "it is stopped first");
    // As a Nora, which turns: nobody has said how fast it may.
    leave(&server, toy).await;
    let mut toy = lovense(&server, "A:01:0082059AD3BD;").await;
    let nora = client.until(|message| message["DeviceList"]["Devices"]["7"]["DeviceName"] == "Lovense Nora").await;
    assert_eq!(greatest(&nora["DeviceList"]["Devices"], "0"), 4);
    let why = client.error("OutputCmd", output(7, 1, "Rotate", 1), 4).await;
    assert!(why.contains("\"1.vibrate\"") && why.contains("devices.toml"), "{why}");
    assert_eq!(server.health().await["devices"][0]["refused"].as_array().unwrap().len(), 1);
    client.ok("StopCmd", json!({})).await;
    assert!(levels(&mut toy).await.iter().all(|level| level.ends_with(":0;")));
}

#[tokio::test]
async fn while_the_file_of_limits_is_damaged_nothing_is_driven_and_everybody_is_told_what_to_do() {
    let whole = limited();
    let zeros = "\0".repeat(whole.len());
    let comma = whole.replace("}],", "},],");
    let later = whole.replace("\"version\":1", "\"version\":3");
    assert!(comma != whole && later != whole);
    for text in [&whole[..whole.len() / 2], "", &zeros, "[]", &comma, &later] {
        let state = state(text);
        let file = state.path().join("devices.json");
        let server = Server::start_in(state.clone(), &[]);
        let mut client = Raw::scanning(&server).await;
        let mut toy = lovense(&server, "P:02:0082059AD3BD;").await;
        let devices = client.devices(1).await;
        let index = devices.as_object().unwrap().keys().next().unwrap().parse().unwrap();
        let why = client.error("OutputCmd", output(index, 0, "Vibrate", 1), 4).await;
        for part in [&*file.to_string_lossy(), "hapticd state set-aside", "repair it"] {
            assert!(why.contains(part), "{text:?}: {why}");
        }
        // Resuming after an emergency stop is no way around it, and stops are always taken.
        server.request("POST", "/stop?hold=true", "").await;
        server.request("POST", "/resume", "").await;
        assert_eq!(client.error("OutputCmd", output(index, 0, "Vibrate", 1), 4).await, why);
        client.ok("StopCmd", json!({})).await;
        let written = levels(&mut toy).await;
        assert!(written.iter().all(|level| level.ends_with(":0;")), "{written:?}");
        let health = server.health().await;
        let reason = health["outputs_refused"].as_str().unwrap();
        assert!(why.ends_with(reason), "{reason}");
        assert!(health["state"]["problems"].to_string().contains("hapticd state set-aside"), "{health}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "it is left as it is");
        let setting = format!("state.dir={}", state.path().display());
        let doctor = run(&["doctor", "--set", &setting]);
        let doctor = String::from_utf8(doctor.stdout).unwrap();
        assert!(doctor.contains("hapticd state set-aside"), "{doctor}");
        drop(server);
        let aside = run(&["state", "--set", &setting, "set-aside"]);
        assert!(aside.status.success(), "{aside:?}");
        assert_eq!(std::fs::read_to_string(file.with_extension("json.broken-0")).unwrap(), text);
        let server = Server::start_in(state, &[]);
        assert_eq!(server.health().await["outputs_refused"], Value::Null);
    }
}

#[tokio::test]
async fn marks_that_an_editor_leaves_do_no_harm() {
    let text = format!("\u{feff}{}\r\n \r\n", limited().replace("},", "},\r\n"));
    let state = state(&text);
    let server = Server::start_in(state.clone(), &[]);
    let mut client = Raw::scanning(&server).await;
    let _toy = lovense(&server, "P:02:0082059AD3BD;").await;
    let devices = client.devices(1).await;
    assert_eq!(greatest(&devices, "0"), 4);
    let setting = format!("state.dir={}", state.path().display());
    let aside = run(&["state", "--set", &setting, "set-aside"]);
    assert!(!aside.status.success() && state.path().join("devices.json").exists(), "what is understood stays");
}

#[tokio::test]
async fn a_second_server_on_a_state_directory_ends_or_runs_without_remembering() {
    let state = state(&limited());
    let server = Server::start_in(state.clone(), &[]);
    let saved = std::fs::read_to_string(state.path().join("devices.json")).unwrap();
    let setting = format!("state.dir={}", state.path().display());
    let second = run(&["--set", "server.listen=127.0.0.1:0", "--set", &setting, "--set", "buses.btle.enabled=false"]);
    let text = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1), "{text}");
    assert!(text.contains(server.address()) && text.contains("state.remember=false"), "{text}");
    // Told not to remember, it runs, with the limits, and leaves the file alone.
    let second = Server::start_in(state.clone(), &["state.remember=false"]);
    let mut client = Raw::scanning(&second).await;
    let _toy = lovense(&second, "P:02:0082059AD3BD;").await;
    let devices = client.devices(1).await;
    assert_eq!(greatest(&devices, "0"), 4);
    let _new = Peripheral::attach(&second, "Youcups", "new").await;
    client.devices(2).await;
    drop(second);
    assert_eq!(std::fs::read_to_string(state.path().join("devices.json")).unwrap(), saved);
}

#[tokio::test]
async fn what_somebody_writes_into_the_file_while_the_server_runs_is_not_overwritten() {
    let later = limited().replace("\"version\":1", "\"version\":3");
    for text in [limited(), later, limited()[..40].to_owned()] {
        let state = Arc::new(tempfile::tempdir().unwrap());
        let file = state.path().join("devices.json");
        let server = Server::start_in(state.clone(), &[]);
        let mut client = Raw::scanning(&server).await;
        let _one = Peripheral::attach(&server, "Youcups", "one").await;
        client.devices(1).await;
        while !std::fs::read_to_string(&file).is_ok_and(|saved| saved.contains("\"one\"")) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        std::fs::write(&file, &text).unwrap();
        let _two = Peripheral::attach(&server, "Youcups", "two").await;
        client.devices(2).await;
        server.logged("somebody has changed it while hapticd runs");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
}
