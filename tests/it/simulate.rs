//! `hapticd simulate` plays hardware to a running server.

use std::process::Stdio;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::support::{PATIENCE, Raw, Server, run};

/// A simulator that tells what happens.
pub struct Toy {
    child: Child,
    events: Lines<BufReader<ChildStdout>>,
    /// What it plays, for messages.
    model: String,
}

impl Toy {
    pub fn start(server: &Server, model: &str) -> Self {
        Self::start_with(&[model, "--server", &server.url()])
    }

    pub fn start_with(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hapticd"));
        command.env("XDG_CONFIG_HOME", "/nonexistent").args(["simulate", "--json"]).args(args).kill_on_drop(true);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let events = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, events, model: args.first().copied().unwrap_or_default().to_owned() }
    }

    pub async fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        let mut last = String::new();
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let line = self.events.next_line().await.unwrap();
                last = line.unwrap_or_else(|| panic!("the simulator of {} has ended after {last}", self.model));
                let event: Value = serde_json::from_str(&last).unwrap();
                if fits(&event) {
                    return event;
                }
            }
        });
        let found = found.await;
        found.unwrap_or_else(|_| panic!("{}: the event does not come; the last is {last}", self.model))
    }

    /// Waits for an event of this name.
    pub async fn event(&mut self, name: &str) -> Value {
        self.until(|event| event["event"] == name).await
    }

    /// The address under which it appears.
    async fn address(&mut self) -> String {
        self.event("attach").await["frame"]["address"].as_str().unwrap().to_owned()
    }

    /// Ends it as Ctrl-C does, and waits for its end.
    pub async fn end(mut self) {
        self.signal("INT");
        self.event("detach").await;
        assert_eq!(self.child.wait().await.unwrap().code(), Some(0));
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }
}

/// What a simulator prints that is no terminal, until this comes.
async fn printed(args: &[&str], until: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hapticd"));
    command.env("XDG_CONFIG_HOME", "/nonexistent").arg("simulate").args(args).kill_on_drop(true);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut text = String::new();
    let read = tokio::time::timeout(PATIENCE, async {
        while !text.contains(until) {
            let mut part = [0; 1000];
            let length = stdout.read(&mut part).await.unwrap();
            assert!(length > 0, "the simulator has ended: {text}");
            text += std::str::from_utf8(&part[..length]).unwrap();
        }
    });
    assert!(read.await.is_ok(), "{until:?} is not in {text}");
    text
}

/// How many entries the state file has.
fn remembered(server: &Server) -> usize {
    let text = std::fs::read_to_string(server.state.path().join("devices.json")).unwrap_or_default();
    text.matches("\"address\"").count()
}

#[tokio::test]
async fn models_of_every_kind_are_recognised_driven_and_read() {
    let server = Server::start(&[]);
    let mut client = Raw::scanning(&server).await;
    let mut toys = Vec::new();
    for (count, (model, name, feature, kind, value)) in [
        ("Aneros Vivi", "Aneros Vivi", 1, "Vibrate", 100),
        ("lovense/P", "Lovense Edge", 1, "Vibrate", 7),
        ("WeVibe Gala", "WeVibe Gala", 0, "Vibrate", 15),
        ("UFO-TW", "Vorze UFO TW", 1, "Rotate", -42),
    ]
    .into_iter()
    .enumerate()
    {
        let mut toy = Toy::start(&server, model);
        let devices = client.devices(count + 1).await;
        let (index, device) = devices.as_object().unwrap().iter().next_back().unwrap();
        assert_eq!(device["DeviceName"], name);
        let index: u32 = index.parse().unwrap();
        client.output(index, feature, kind, value).await;
        let level = toy.until(|event| event["event"] == "level" && event["value"] == value).await;
        assert_eq!((&level["feature"], &level["output"]), (&feature.into(), &kind.to_lowercase().into()), "{level}");
        if model.starts_with("lovense") {
            let reply = client.ask("InputCmd", battery(index, 2)).await;
            assert!(reply["InputReading"]["Reading"]["Battery"]["Value"].is_number(), "{reply}");
        }
        toys.push(toy);
    }
}

fn battery(device: u32, feature: u32) -> Value {
    json!({"DeviceIndex": device, "FeatureIndex": feature, "Type": "Battery", "Command": "Read"})
}

#[tokio::test]
async fn a_toy_that_is_ended_is_gone_at_once_and_the_same_when_it_comes_back() {
    let server = Server::start(&["devices.reconnect_grace_ms=600000"]);
    let mut client = Raw::scanning(&server).await;
    let mut addresses = Vec::new();
    for signal in ["INT", "TERM", "HUP"] {
        let mut toy = Toy::start(&server, "Youcups Warrior II");
        addresses.push(toy.address().await);
        let devices = client.devices(1).await;
        assert!(devices.get("0").is_some(), "the index climbs: {devices}");
        toy.signal(signal);
        toy.event("detach").await;
        assert_eq!(toy.child.wait().await.unwrap().code(), Some(0));
        // No ghost is left to be driven.
        let list = client.ask("RequestDeviceList", json!({})).await;
        assert_eq!(list["DeviceList"]["Devices"], json!({}), "{signal}");
    }
    assert!(addresses.iter().all(|address| *address == addresses[0]), "{addresses:?}");
    assert_eq!(remembered(&server), 0);
    let toy = Toy::start_with(&["Youcups Warrior II", "--remember", "--server", &server.url()]);
    client.devices(1).await;
    toy.end().await;
    let end = std::time::Instant::now() + PATIENCE;
    while remembered(&server) != 1 {
        assert!(std::time::Instant::now() < end, "nothing is remembered");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn pieces_of_one_model_have_addresses_of_their_own() {
    let server = Server::start(&[]);
    let url = server.url();
    let mut first = Toy::start(&server, "Aneros Vivi");
    let one = first.address().await;
    let mut second = Toy::start(&server, "Aneros Vivi");
    let two = second.address().await;
    assert_ne!(one, two);
    // No client scans, so that only the bus itself can know.
    for (args, hint) in [(["--number", "2"], "number 2"), (["--address", two.as_str()], "--address")] {
        let output = run(&[["simulate", "Aneros Vivi", "--server", &url].as_slice(), &args].concat());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && text.contains("another program plays"), "{text}");
        assert!(text.contains(hint), "{text}");
    }
    let text = printed(&["Aneros Vivi", "--number", "3", "--server", &url], "waiting").await;
    assert!(text.starts_with("Aneros Vivi (aneros), number 3, at C0:FF:EE:"), "{text}");
    first.end().await;
    let mut again = Toy::start(&server, "Aneros Vivi");
    assert_eq!(again.address().await, one, "the first that is free");
    let mut client = Raw::scanning(&server).await;
    client.devices(2).await;
}

#[tokio::test]
async fn the_server_is_found_by_its_settings_and_by_every_form_of_its_address() {
    let server = Server::start(&[]);
    let _client = Raw::scanning(&server).await;
    let address = server.address().to_owned();
    let port = address.rsplit_once(':').unwrap().1;
    let listen = format!("server.listen={address}");
    let (ws, http, name) = (server.url(), format!("http://{address}/"), format!("localhost:{port}"));
    for given in
        [["--set", &listen], ["--server", &address], ["--server", &ws], ["--server", &http], ["--server", &name]]
    {
        let mut toy = Toy::start_with(&[["Aneros Vivi"].as_slice(), &given].concat());
        toy.event("attached").await;
        toy.end().await;
        for (command, says) in [("health", "is ok"), ("stop", "everything is stopped")] {
            let output = run(&[[command].as_slice(), &given].concat());
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && text.contains(says), "{command} {given:?}: {text}");
        }
    }
    for command in ["simulate x", "health", "stop"] {
        let command: Vec<_> = command.split(' ').collect();
        for (given, says) in [
            (["--server", "wss://localhost:1"], "encrypted"),
            (["--server", "localhost"], "allowed: IP:PORT"),
            (["--set", "server.listen=127.0.0.1:0"], "--server"),
        ] {
            let output = run(&[command.as_slice(), &given].concat());
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.code() == Some(2) && text.contains(says), "{command:?} {given:?}: {text}");
        }
    }
}

#[tokio::test]
async fn another_program_is_told_from_a_hapticd_without_its_page() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            use std::io::{Read, Write};
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let page = "<html><body>It works!</body></html>";
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{page}", page.len());
        }
    });
    for command in
        [["stop"].as_slice(), &["stop", "--hold"], &["stop", "--resume"], &["health"], &["simulate", "launch"]]
    {
        let output = run(&[command, &["--server", &address]].concat());
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(1), "{command:?}: {text}");
        assert!(text.contains("no hapticd") && text.contains(&address) && !text.contains('<'), "{command:?}: {text}");
    }
}

#[tokio::test]
async fn the_end_of_a_server_is_said_and_its_return_is_noticed() {
    let mut server = Server::start(&[]);
    let listen = format!("server.listen={}", server.address());
    let mut client = Raw::scanning(&server).await;
    let mut toy = Toy::start(&server, "Aneros Vivi");
    let address = toy.address().await;
    client.devices(1).await;
    server.signal("TERM");
    toy.event("ended").await;
    assert_eq!(server.wait(), Some(0));
    let server = Server::start(&[&listen]);
    // Nothing is said in between: that it is not there is known.
    let next = toy.until(|_| true).await;
    assert_eq!(
        (&next["event"], next["frame"]["address"].as_str()),
        (&json!("attach"), Some(address.as_str())),
        "{next}"
    );
    let mut client = Raw::scanning(&server).await;
    client.devices(1).await;
}

/// A device of nobody's that asks for much before it is ready.
const SHY: &str = r#"
name = "Shy"
connect = ['subscribe rx', 'tx: 01', 'wait rx 2s as hello when {hello[0] == 0x5A && hello[1] > 2}', 'expect {CONDITION}']
[[match]]
btle = { names = ["Shy"] }
services."fff0" = { tx = "fff1", rx = "fff2" }
[default]
name = "Shy Toy"
features = [{ vibrate = [0, 10] }, { battery = [0, 100] }]
[write]
vibrate = 'tx: 02 {v} {hello[2]}'
[input.battery]
read = ['tx: 03', 'wait rx 1s as r when {r[0] == 0x13}']
value = 'r[1]'
"#;

#[tokio::test]
async fn a_made_up_toy_answers_what_its_definition_asks_for() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("shy.toml"), SHY.replace("CONDITION", "hello[2] == 7")).unwrap();
    let definitions = format!("devices.definitions_dir={}", directory.path().display());
    let server = Server::start(&[&definitions]);
    let mut client = Raw::scanning(&server).await;
    let mut toy = Toy::start_with(&["Shy Toy", "--set", &definitions, "--server", &server.url()]);
    assert_eq!(toy.event("attached").await["protocol"], "shy");
    client.devices(1).await;
    client.output(0, 0, "Vibrate", 4).await;
    let level = toy.event("level").await;
    assert_eq!((&level["value"], &level["max"]), (&json!(4), &json!(10)), "{level}");
    let reply = client.ask("InputCmd", battery(0, 1)).await;
    assert_eq!(reply["InputReading"]["Reading"]["Battery"]["Value"], 85, "{reply}");
}

#[tokio::test]
async fn a_toy_that_cannot_be_opened_says_why() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("shy.toml"), SHY.replace("CONDITION", "hello[2] == 256")).unwrap();
    let definitions = format!("devices.definitions_dir={}", directory.path().display());
    let server = Server::start(&[&definitions]);
    let mut client = Raw::scanning(&server).await;
    let args = ["Shy Toy", "--set", &definitions, "--server", &server.url()];
    let mut toy = Toy::start_with(&args);
    let hint = toy.event("error").await["reason"].as_str().unwrap().to_owned();
    assert!(hint.contains("{hello[2] == 256}") && hint.contains("[[example]]"), "{hint}");
    let failed = toy.event("failed").await;
    let why = failed["reason"].as_str().unwrap();
    assert!(why.contains("initialising failed") && why.contains("hello[2] == 256"), "{failed}");
    // It stays, and is tried again at the next scan.
    client.ok("StopScanning", json!({})).await;
    client.ok("StartScanning", json!({})).await;
    toy.event("failed").await;
    toy.end().await;
    let text = printed(&args, "as expected: hello[2] == 256").await;
    assert!(text.contains("the server could not make it ready"), "{text}");
}

#[tokio::test]
async fn a_toy_that_is_denied_says_so_and_limits_for_its_address_hold() {
    let server = Server::start(&[]);
    let mut toys = Vec::new();
    for model in ["Aneros Vivi", "Youcups Warrior II"] {
        toys.push(Toy::start(&server, model).address().await);
    }
    drop(server);
    let state = Arc::new(tempfile::tempdir().unwrap());
    let entry = |index: usize, protocol: &str, identifier: &str, user: Value| {
        json!({"bus": "btle", "address": toys[index], "protocol": protocol, "identifier": identifier, "index": index,
            "user": user})
    };
    let devices = [
        entry(0, "aneros", "Massage Demo", json!({"outputs": {"0.vibrate": {"range": [0, 9]}}})),
        entry(1, "youcups", "Youcups", json!({"deny": true})),
    ];
    let file = json!({"version": 1, "devices": devices}).to_string();
    std::fs::write(state.path().join("devices.json"), file).unwrap();
    let server = Server::start_in(state, &[]);
    let mut client = Raw::scanning(&server).await;
    let _toy = Toy::start(&server, "Aneros Vivi");
    let devices = client.devices(1).await;
    assert_eq!(devices["0"]["DeviceFeatures"]["0"]["Output"]["Vibrate"]["Value"], json!([0, 9]), "{devices}");
    let output = run(&["simulate", "Youcups Warrior II", "--server", &server.url()]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && text.contains("deny this address"), "{text}");
}

#[tokio::test]
async fn a_server_that_has_not_read_the_definition_is_told_of() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("shy.toml"), SHY.replace("CONDITION", "1")).unwrap();
    let definitions = format!("devices.definitions_dir={}", directory.path().display());
    let server = Server::start(&[]);
    let output = run(&["simulate", "Shy Toy", "--set", &definitions, "--server", &server.url()]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && text.contains("each read the definitions when they start"), "{text}");
}

#[test]
fn what_cannot_be_simulated_is_said_in_a_sentence() {
    let output = run(&["simulate", "no such toy"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no such toy"));
    let output = run(&["simulate", "Aneros Vivi", "--server", "ws://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("hapticd --virtual"));
    for number in ["0", "100", "x"] {
        let output = run(&["simulate", "Aneros Vivi", "--number", number]);
        assert_eq!(output.status.code(), Some(2));
    }
}
