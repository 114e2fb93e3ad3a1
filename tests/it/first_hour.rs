//! The first hour of somebody without hardware: what README and the README of the definitions show is done in the order in
//! which it stands there, and what they say comes.
//!
//! Commands are taken out of the documents and given to a shell as they are. What a reader has on the usual port is here on
//! a free one, by an environment variable; `cargo` is a stand-in for what was built already. Commands of npm and node are
//! followed by `tests/node`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use buttplug_client::device::{ButtplugClientDevice, ClientDeviceOutputCommand as Output};
use buttplug_client::{ButtplugClient, connector::ButtplugRemoteClientConnector};
use buttplug_core::message::OutputType;
use buttplug_transport_websocket_tungstenite::ButtplugWebsocketClientTransport as Transport;

use crate::support::PATIENCE;

const README: &str = include_str!("../../README.md");
const FORMAT: &str = include_str!("../../device-config/README.md");

/// The command and what it shows, one after the other, as a document has them.
fn console(document: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for block in document.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
                (None, Some((_, shown))) => shown.push(line.to_owned()),
                (None, None) => panic!("{line:?} belongs to no command"),
            }
        }
    }
    commands
}

/// A home of its own, a shell's environment, and no hardware.
struct Desk {
    home: tempfile::TempDir,
    environment: BTreeMap<&'static str, String>,
}

impl Desk {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let bin = home.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let hapticd = env!("CARGO_BIN_EXE_hapticd");
        let server = "\"ws://$HAPTICD__SERVER__LISTEN\"";
        let run = format!("exec {hapticd} \"$@\"");
        script(&bin.join("hapticd"), &run);
        let example = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("examples/first_client");
        let cargo = format!(
            "case \"$*\" in\n'run --release') exec hapticd ;;\n'install --path . --locked') ;;\n\
             'run --example first_client') exec {} {server} ;;\n*) echo \"no stand-in for cargo $*\" >&2; exit 9 ;;\nesac",
            example.display()
        );
        script(&bin.join("cargo"), &cargo);
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let mut environment = BTreeMap::from([("PATH", path), ("HOME", home.path().display().to_string())]);
        environment.insert("HAPTICD__SERVER__LISTEN", "127.0.0.1:0".to_owned());
        for bus in ["BTLE", "HID", "LOVENSE_DONGLE", "GAMEPAD"] {
            environment.insert(Box::leak(format!("HAPTICD__BUSES__{bus}__ENABLED").into_boxed_str()), "false".into());
        }
        Self { home, environment }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.home.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Starts a command in a terminal of its own.
    fn open(&self, command: &str) -> Terminal {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).env_clear().envs(&self.environment).current_dir(self.home.path());
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = shell.spawn().unwrap();
        let (shown, complaints) = (Arc::default(), Arc::default());
        collect(child.stdout.take().unwrap(), Arc::clone(&shown));
        collect(child.stderr.take().unwrap(), Arc::clone(&complaints));
        Terminal { command: command.to_owned(), child, shown, complaints }
    }

    /// Runs a command to its end, which must be a good one, and returns what it shows.
    fn run(&self, command: &str) -> Vec<String> {
        let mut terminal = self.open(command);
        assert_eq!(terminal.end(), Some(0), "{terminal}");
        terminal.lines()
    }

    /// Starts a server; programs of this desk find it from now on.
    fn serve(&mut self, command: &str) -> Terminal {
        self.environment.insert("HAPTICD__SERVER__LISTEN", "127.0.0.1:0".to_owned());
        let server = self.open(command);
        server.until(|lines| lines.iter().any(|line| line.starts_with("Ctrl-C")));
        let address = server.lines().iter().find_map(|line| Some(line.split_once("ws://")?.1.to_owned())).unwrap();
        self.environment.insert("HAPTICD__SERVER__LISTEN", address);
        server
    }

    async fn client(&self) -> ButtplugClient {
        let client = ButtplugClient::new("first hour");
        let transport =
            Transport::new_insecure_connector(&format!("ws://{}", self.environment["HAPTICD__SERVER__LISTEN"]));
        client.connect(ButtplugRemoteClientConnector::<Transport>::new(transport)).await.unwrap();
        client.start_scanning().await.unwrap();
        client
    }
}

fn script(path: &Path, text: &str) {
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn collect(from: impl std::io::Read + Send + 'static, to: Arc<Mutex<Vec<String>>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            to.lock().unwrap().push(line);
        }
    });
}

/// A running command; it and what it started are killed when this is dropped.
struct Terminal {
    command: String,
    child: Child,
    shown: Arc<Mutex<Vec<String>>>,
    complaints: Arc<Mutex<Vec<String>>>,
}

impl Terminal {
    fn lines(&self) -> Vec<String> {
        self.shown.lock().unwrap().clone()
    }

    fn until(&self, fits: impl Fn(&[String]) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !fits(&self.lines()) {
            assert!(Instant::now() < end, "what should come does not come: {self}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until these lines were shown, one after the other.
    fn shows(&self, wanted: &[String]) {
        assert!(!wanted.is_empty());
        self.until(|lines| lines.windows(wanted.len()).any(|window| window == wanted));
    }

    fn signal(&self, name: &str) {
        // To the whole group, as a terminal does for Ctrl-C.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args([&format!("-{name}"), "--", &group]).stderr(Stdio::null()).status();
    }

    /// Presses Ctrl-C and waits for the end.
    fn interrupt(mut self) {
        self.signal("INT");
        self.end();
    }

    /// Waits for the end and returns the exit status.
    fn end(&mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                // What was shown last may still be on its way.
                std::thread::sleep(Duration::from_millis(50));
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not end: {self}");
    }
}

impl std::fmt::Display for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (shown, complaints) = (self.lines(), self.complaints.lock().unwrap());
        write!(f, "$ {}\n{}\n{}", self.command, shown.join("\n"), complaints.join("\n"))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.signal("KILL");
            let _ = self.child.wait();
        }
    }
}

/// The welcome, with what differs from computer to computer left out: the addresses, and which buses there are.
fn welcome(lines: &[String]) -> Vec<String> {
    let same = |line: &String| match line.split_once("127.0.0.1:") {
        Some((before, _)) => before.to_owned(),
        None => line.split("Buses that are on").next().unwrap().to_owned(),
    };
    let second = |line: &&String| line.trim_start().starts_with("ws://[::1]");
    lines.iter().filter(|line| !line.starts_with("  Not working") && !second(line)).map(same).collect()
}

/// Does what a document shows, in its order, and holds what comes against what it shows. Returns the commands.
fn follow(desk: &mut Desk, document: &str) -> Vec<String> {
    let (mut server, mut toy): (Option<Terminal>, Option<(Terminal, Vec<String>)>) = (None, None);
    // Who follows the words has one server and one toy at a time.
    let put_away = |toy: &mut Option<(Terminal, Vec<String>)>| {
        if let Some((before, promised)) = toy.take() {
            if !promised.is_empty() {
                before.shows(&promised);
            }
            before.interrupt();
        }
    };
    let mut done = Vec::new();
    for (command, shown) in console(document) {
        match command.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["cargo", "run", "--release"] => {
                let first = desk.serve(&command);
                assert_eq!(welcome(&first.lines()), welcome(&shown), "{first}");
                first.interrupt();
            }
            ["hapticd", "--virtual", ..] => {
                put_away(&mut toy);
                if let Some(before) = server.take() {
                    before.interrupt();
                }
                server = Some(desk.serve(&command));
            }
            ["hapticd", "simulate", ..] => {
                put_away(&mut toy);
                let next = desk.open(&command);
                // The documents show the usual port.
                let address = &desk.environment["HAPTICD__SERVER__LISTEN"];
                let shown: Vec<_> = shown.iter().map(|line| line.replace("127.0.0.1:12345", address)).collect();
                next.until(|lines| lines.iter().any(|line| line.contains("waiting for a client to scan")));
                toy = Some((next, shown));
            }
            // Ends by itself, and then the toy has shown what was promised.
            ["cargo", "run", "--example", "first_client"] => {
                assert_eq!(desk.run(&command), shown, "{command}");
                let (toy, promised) = toy.as_mut().expect("a toy is started before a client");
                if !promised.is_empty() {
                    toy.shows(&std::mem::take(promised));
                }
            }
            ["cargo", "install", ..] | ["hapticd", "check" | "devices" | "stop" | "resume" | "health", ..] => {
                assert_eq!(desk.run(&command), shown, "{command}");
            }
            ["mkdir" | "cp", ..] => assert_eq!(desk.run(&command), shown, "{command}"),
            // These run the tests that this is one of, and what needs npm.
            ["cargo", "test"] | ["npm", ..] | ["node", ..] => continue,
            _ => panic!("the first hour does not know what to do with: {command}"),
        }
        done.push(command);
    }
    put_away(&mut toy);
    if let Some(server) = server {
        server.interrupt();
    }
    done
}

#[test]
fn the_readme_word_for_word() {
    let done = follow(&mut Desk::new(), README);
    let needed = [
        "cargo run --release",
        "hapticd --virtual",
        "hapticd simulate \"Aneros Vivi\" | cat",
        "cargo run --example first_client",
        "hapticd stop --hold",
        "hapticd resume",
    ];
    for needed in needed {
        assert!(done.iter().any(|command| command == needed), "{needed} is not in {done:?}");
    }
}

/// The block of a section of the format's README.
fn toml(section: &str) -> &'static str {
    let text =
        FORMAT.split(&format!("# {section}\n")).nth(1).unwrap_or_else(|| panic!("there is no section {section}"));
    text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap()
}

async fn device(client: &ButtplugClient, name: &str) -> ButtplugClientDevice {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(device) = client.devices().into_values().find(|device| device.name() == name) {
            return device;
        }
        assert!(Instant::now() < end, "{name} does not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_format_readme_word_for_word() {
    let mut desk = Desk::new();
    let duo = toml("A full example");
    let name =
        duo.strip_prefix("# ").and_then(|text| text.split_once(':')).expect("its first line says the file's name").0;
    let file = name.to_owned();
    desk.write(&file, duo);
    // Into "a directory of your own", with the other made-up hardware; the README itself copies the first there.
    assert!(FORMAT.contains("`~/.config/hapticd/definitions`"));
    desk.write(".config/hapticd/definitions/my-machine.toml", toml("Adding to a definition"));
    let done = follow(&mut desk, FORMAT);
    assert!(done.contains(&format!("hapticd check {file}")), "{done:?}");

    desk.run("hapticd check");
    let listed = desk.run("hapticd devices duo").join("\n");
    assert!(listed.contains("Example Duo Turn") && listed.contains("Duo Turn, Duo Turn 2"), "{listed}");

    let server = desk.serve("hapticd --virtual");
    let client = desk.client().await;
    let toy = desk.open("hapticd simulate \"Example Duo\" | cat");
    let played = device(&client, "Example Duo").await;
    assert_eq!(played.outputs(OutputType::Vibrate).len(), 2);
    played.run_output(&Output::Vibrate(0.5.into())).await.unwrap();
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    // A stop would overtake a value that is still on its way.
    toy.shows(&lines(&["attached as example-duo", "vibrate 0 = 50 of 100", "vibrate 1 = 50 of 100"]));
    played.stop().await.unwrap();
    toy.shows(&lines(&["vibrate 0 = 0 of 100", "vibrate 1 = 0 of 100"]));
    assert!(FORMAT.contains("for a battery to be at 85 %"));
    assert_eq!(played.battery().await.unwrap(), 85);

    let toy = desk.open("hapticd simulate \"example-duo/Duo Turn\" | cat");
    let played = device(&client, "Example Duo Turn").await;
    played.run_output(&Output::Rotate((-20).into())).await.unwrap();
    toy.shows(&lines(&["attached as example-duo", "rotate 1 = -20 of 20"]));
    played.stop().await.unwrap();
    toy.shows(&lines(&["rotate 1 = 0 of 20"]));

    client.disconnect().await.unwrap();
    server.interrupt();

    // The other made-up hardware, from a directory that is given to both.
    let option = "--set devices.definitions_dir=DIR";
    assert!(FORMAT.contains(option));
    desk.write("elsewhere/my-machine.toml", toml("Adding to a definition"));
    let option = option.replace("DIR", "elsewhere");
    let _server = desk.serve(&format!("hapticd --virtual {option}"));
    let client = desk.client().await;
    let toy = desk.open(&format!("hapticd simulate my-machine {option} | cat"));
    let played = device(&client, "My machine").await;
    played.run_output(&Output::Vibrate(1.0.into())).await.unwrap();
    toy.shows(&lines(&["vibrate 1 = 99 of 99"]));
    client.disconnect().await.unwrap();
    toy.shows(&lines(&["vibrate 1 = 0 of 99"]));
}
