//! The README of the definitions' format tells the truth: its full example is right, its commands do what it says.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use serde_json::json;

use crate::simulate::Toy;
use crate::support::{PATIENCE, Raw, Server};

const README: &str = include_str!("../../device-config/README.md");

/// What stands between the fences of every block of this kind.
fn blocks(kind: &str) -> Vec<&'static str> {
    let fence = format!("```{kind}\n");
    let starts = README.split(fence.as_str()).skip(1);
    starts.map(|rest| rest.split("```").next().unwrap()).collect()
}

/// A home with the full example beside it, as somebody has it who has just written it.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let example = blocks("toml").into_iter().find(|text| text.starts_with("# example-duo.toml")).unwrap();
    std::fs::write(home.path().join("example-duo.toml"), example).unwrap();
    home
}

#[tokio::test]
async fn its_full_example_is_played_and_driven() {
    let home = home();
    let definitions = format!("devices.definitions_dir={}", home.path().display());
    let server = Server::start(&[&definitions]);
    let mut client = Raw::scanning(&server).await;
    let mut toys = Vec::new();
    for (count, (model, feature, kind, value)) in
        [("Example Duo", 1, "Vibrate", 7), ("example-duo/Duo Turn", 1, "Rotate", -20)].into_iter().enumerate()
    {
        let mut toy = Toy::start_with(&[model, "--set", &definitions, "--server", &server.url()]);
        toy.event("attached").await;
        client.devices(count + 1).await;
        client.output(count.try_into().unwrap(), feature, kind, value).await;
        let level = toy.event("level").await;
        assert_eq!((&level["output"], &level["value"]), (&json!(kind.to_lowercase()), &json!(value)), "{level}");
        toys.push(toy);
    }
    let read = json!({"DeviceIndex": 0, "FeatureIndex": 2, "Type": "Battery", "Command": "Read"});
    let reply = client.ask("InputCmd", read).await;
    assert_eq!(reply["InputReading"]["Reading"]["Battery"]["Value"], 85, "{reply}");
}

/// A program that goes on; it and what it has started end with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", "--", &format!("-{}", self.0.id())]).status();
        let _ = self.0.wait();
    }
}

#[test]
fn its_commands_do_what_it_says() {
    let home = home();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let programs = std::path::Path::new(env!("CARGO_BIN_EXE_hapticd")).parent().unwrap().display().to_string();
    let shell = |command: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(home.path()).process_group(0);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HAPTICD")) {
            shell.env_remove(name);
        }
        for name in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "STATE_DIRECTORY", "NOTIFY_SOCKET"] {
            shell.env_remove(name);
        }
        shell.env("HOME", home.path()).env("PATH", format!("{programs}:{}", std::env::var("PATH").unwrap()));
        for bus in ["BTLE", "HID", "LOVENSE_DONGLE", "GAMEPAD"] {
            shell.env(format!("HAPTICD__BUSES__{bus}__ENABLED"), "false");
        }
        shell.env("HAPTICD__SERVER__LISTEN", &free);
        shell
    };
    let mut running = Vec::new();
    let mut commands = 0;
    for block in blocks("console") {
        let mut lines = block.lines().peekable();
        while let Some(line) = lines.next() {
            let command = line.strip_prefix("$ ").unwrap_or_else(|| panic!("{line:?} follows no command"));
            let mut output = Vec::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
                output.push(line.replace("127.0.0.1:12345", &free));
            }
            commands += 1;
            let goes_on = ["hapticd --virtual", "hapticd simulate"].iter().any(|start| command.starts_with(start));
            if !goes_on {
                let done = shell(command).output().unwrap();
                let text = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
                assert!(done.status.success(), "{command}: {text}");
                assert!(output.iter().all(|line| text.lines().any(|shown| shown == line)), "{command}: {text}");
                continue;
            }
            let mut child = shell(command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let (to, from) = mpsc::channel();
            let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
            let copy = to.clone();
            std::thread::spawn(move || {
                BufReader::new(stdout).lines().map_while(Result::ok).all(|line| to.send(line).is_ok())
            });
            std::thread::spawn(move || {
                BufReader::new(stderr).lines().map_while(Result::ok).all(|line| copy.send(line).is_ok())
            });
            running.push(Running(child));
            if command.starts_with("hapticd --virtual") {
                // What it says when it can be used.
                output.push("Ctrl-C stops every device and ends the server.".to_owned());
            }
            for wanted in output {
                let mut seen = Vec::new();
                while seen.last() != Some(&wanted) {
                    match from.recv_timeout(PATIENCE) {
                        Ok(line) => seen.push(line),
                        Err(_) => panic!("{command}: {wanted:?} is not in {seen:?}"),
                    }
                }
            }
        }
    }
    assert!(commands >= 5, "{commands}");
    // The other way round, or the toy would see its server end.
    while running.pop().is_some() {}
}
