//! `devices.toml` while a server runs: what people and `hapticd device` write holds at once, and absence never loosens.

mod damage;
mod definitions;
mod import;
mod kills;
mod live;

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Done, Peripheral, Raw, Server, run};
use crate::versions::Bench;

const ADDRESS: &str = "C0:FF:EE:00:00:01";

/// A server with the worked example running at its greatest level, and a client that drives it.
struct Running {
    bench: Bench,
    client: Raw,
    hardware: Peripheral,
    /// The level, 2 or 3, that was allowed and asked for last.
    last: i32,
}

impl Running {
    async fn start(settings: &[&str]) -> Self {
        let bench = Bench::start(settings);
        let mut client = Raw::scanning(&bench.server).await;
        let mut hardware = bench.attach("Worked Example", ADDRESS).await;
        client.devices(1).await;
        client.output(0, 0, "Vibrate", 20).await;
        assert_eq!(hardware.done().await, Done::tx([1, 0, 20]));
        // `hapticd device` knows a device from when the server has saved it.
        let known = bench.server.state.path().join("devices.json");
        while !std::fs::read_to_string(&known).is_ok_and(|text| text.contains(ADDRESS)) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        Self { bench, client, hardware, last: 2 }
    }

    fn file(&self) -> PathBuf {
        self.bench.server.state.path().join("devices.toml")
    }

    /// Runs `hapticd device` with these words for the server's directory.
    fn device(&self, words: &[&str]) -> std::process::Output {
        device(&self.bench.server, words)
    }

    /// The device in the next list that is sent by itself in which it is so.
    async fn changed(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        let device = |message: &Value| message["DeviceList"]["Devices"]["0"].clone();
        device(&self.client.until(|message| fits(&device(message))).await)
    }
}

/// Runs `hapticd device` with these words for a server's directory.
fn device(server: &Server, words: &[&str]) -> std::process::Output {
    let state = format!("state.dir={}", server.state.path().display());
    let words: Vec<_> = ["device", "--set", &state].iter().chain(words).copied().collect();
    let output = run(&words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The entry for the worked example with these lines.
fn entry(lines: &str) -> String {
    format!("version = 1\n\n[[device]]\naddress = \"{ADDRESS}\"\n{lines}\n")
}

/// The greatest level of the first motor.
fn greatest(device: &Value) -> &Value {
    &device["DeviceFeatures"]["0"]["Output"]["Vibrate"]["Value"][1]
}

/// Waits until the server says that something is wrong with what is set for devices, or that nothing is.
async fn problems(server: &Server, any: bool) -> String {
    loop {
        let problems = server.health().await["state"]["problems"].to_string();
        if (problems != "[]") == any {
            return problems;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
