//! Protocol versions 0 to 3 at the socket, with hardware that has everything they show in their own way.

mod commands;
mod conversations;
mod events;
mod habits;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::{Peripheral, Raw, Server};

/// A server that knows the hardware of these tests.
pub struct Bench {
    pub server: Server,
    definitions: tempfile::TempDir,
}

impl Bench {
    pub fn start(settings: &[&str]) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), settings)
    }

    pub fn start_in(state: Arc<tempfile::TempDir>, settings: &[&str]) -> Self {
        let definitions = tempfile::tempdir().unwrap();
        std::fs::write(definitions.path().join("worked-example.toml"), include_str!("worked_example.toml")).unwrap();
        let directory = format!("devices.definitions_dir={}", definitions.path().display());
        let settings: Vec<_> = settings.iter().copied().chain([directory.as_str()]).collect();
        Self { server: Server::start_in(state, &settings), definitions }
    }

    /// Where the definitions are that are not built in.
    pub fn definitions(&self) -> &std::path::Path {
        self.definitions.path()
    }

    /// Attaches the hardware of this name, such as `Worked Example`.
    pub async fn attach(&self, name: &str, address: &str) -> Peripheral {
        let mut hardware = Peripheral::attach(&self.server, name, address).await;
        hardware.attached().await;
        hardware
    }
}

/// A server with one device, a client of a version that has it in its list, and the hardware.
pub async fn with_device(version: usize, name: &str) -> (Bench, Raw, Peripheral) {
    let bench = Bench::start(&[]);
    let mut client = Raw::hello_in(&bench.server, version).await;
    client.ok("StartScanning", json!({})).await;
    let hardware = bench.attach(name, "C0:FF:EE:00:00:01").await;
    event(&mut client, "DeviceAdded").await;
    (bench, client, hardware)
}

/// The next message, which must be of this name.
pub async fn event(client: &mut Raw, name: &str) -> Value {
    let message =
        tokio::time::timeout(crate::support::PATIENCE, client.message()).await.expect("nothing comes").unwrap();
    assert!(message.get(name).is_some(), "{name}: {message}");
    message[name].clone()
}
