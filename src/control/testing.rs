//! For tests: a server with one virtual device, and no socket.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::{Value, json};

use super::{Control, Operator};
use crate::events::Metrics;
use crate::hub::{HubHandle, HubOptions, known_devices::KnownDevices};
use crate::library::Library;
use crate::manager::{BusKind, BusSetup, virtual_bus::Port, virtual_bus::Virtual};
use crate::settings::Settings;
use crate::transport::{self, Outbound, Remote};
use crate::types::OperatorKind;

const DEFINITION: &str = r#"
name = "Test"
[[match]]
btle = { names = ["Test"] }
services.ff00 = { tx = "ff01" }
[default]
name = "Test"
features = [{ vibrate = [0, 100] }]
[write]
vibrate = 'tx: {v}'
"#;

/// A server whose device 0 has one vibrator.
pub(crate) struct TestServer {
    pub control: Control,
    /// The device's end of its connection.
    pub hardware: Remote,
    /// Scans, and holds nothing.
    pub operator: Operator,
}

impl TestServer {
    pub async fn start() -> Self {
        let options = HubOptions { max_sessions: 2, ..HubOptions::for_tests() };
        let library = Library::from_texts([("test", DEFINITION)], &crate::driver::names());
        assert!(library.problems().is_empty(), "{:?}", library.problems());
        let port = Port::default();
        let library = Arc::new(ArcSwap::from_pointee(library));
        let settings = Settings::builtin().unwrap();
        let buses = vec![Virtual.spec(&BusSetup { settings: &settings, library: &library, port: &port })];
        let metrics = Metrics::new().unwrap();
        let hub = HubHandle::start(options, library.load_full(), KnownDevices::empty(), buses, Vec::new(), metrics);
        let control = Control::new(hub);
        // A hub that answers has started its buses.
        control.status().await;
        let operator = control.attach(OperatorKind::Application, "test", "").unwrap();
        operator.scan(true);
        let (near, hardware) = transport::pair("the hardware".to_owned(), 1 << 16);
        port.plug(near);
        let attach = json!({"type": "attach", "bus": "btle", "name": "Test", "address": "a"});
        assert!(hardware.send(attach.to_string()).await);
        assert_eq!(received(&hardware).await, json!({"type": "attached", "protocol": "test"}));
        control.watch_devices().wait_for(|devices| devices.contains_key(&0)).await.unwrap();
        Self { control, hardware, operator }
    }

    /// Waits until this level is written. A stop is written more than once where nothing confirms it, so that zeros may
    /// come before it, and nothing else.
    pub async fn written(&self, level: u8) {
        loop {
            let frame = received(&self.hardware).await;
            assert_eq!(frame["type"], "write", "{frame}");
            match u8::from_str_radix(frame["data"].as_str().unwrap(), 16).unwrap() {
                written if written == level => return,
                written => assert_eq!(written, 0, "before {level}"),
            }
        }
    }
}

/// The next frame, as JSON.
pub(crate) async fn received(remote: &Remote) -> Value {
    let frame = tokio::time::timeout(Duration::from_secs(30), remote.recv()).await.expect("nothing comes");
    let Some(Outbound::Text(text)) = frame else { panic!("{frame:?}") };
    serde_json::from_str(&text).unwrap()
}

/// Runs a test in paused time.
pub(crate) fn test(body: impl Future<Output = ()>) {
    actix::System::new().block_on(async {
        tokio::time::pause();
        body.await;
    });
}
