//! A simulated OSSM (facts: protocols/ossm.md).

use crate::driver::{simulated::Level, simulated::SimulatedDevice, simulated::levels_of};
use crate::library::Model;
use crate::link::Notification;
use crate::types::{Endpoint, OutputKind};

/// See the module.
#[derive(Debug)]
pub(super) struct SimulatedOssm {
    model: Model,
    state: String,
    /// 0 to 100.
    speed: i32,
    /// 0 to 100.
    position: i32,
    duration_ms: Option<u32>,
    not_understood: u64,
}

impl SimulatedOssm {
    pub(super) fn new(model: &Model) -> Self {
        let state = "menu".to_owned();
        Self { model: model.clone(), state, speed: 0, position: 0, duration_ms: None, not_understood: 0 }
    }

    /// Carries out a command; the answer, if there is one.
    fn command(&mut self, command: &str) -> Option<Option<Notification>> {
        let percent = |text: &str| text.parse().ok().filter(|value| (0..=100).contains(value));
        let mut parts = command.split(':');
        match (parts.next()?, parts.next()?, parts.next()) {
            ("go", state @ ("menu" | "strokeEngine" | "streaming"), None) => {
                state.clone_into(&mut self.state);
                // It stands until it gets a speed.
                self.speed = 0;
                return Some(Some(self.report()));
            }
            ("set", "speed", Some(speed)) => self.speed = percent(speed)?,
            ("set", "depth" | "stroke", Some(value)) => {
                percent(value)?;
            }
            ("stream", position, Some(duration)) if self.state == "streaming" => {
                self.position = percent(position)?;
                self.duration_ms = Some(duration.parse().ok()?);
            }
            _ => return None,
        }
        Some(None)
    }

    fn report(&self) -> Notification {
        let data = serde_json::json!({ "state": self.state }).to_string().into_bytes();
        Notification { endpoint: Endpoint::RX, data }
    }
}

impl SimulatedDevice for SimulatedOssm {
    fn written(&mut self, endpoint: Endpoint, data: &[u8]) -> Vec<Notification> {
        let answer = match (endpoint, std::str::from_utf8(data)) {
            (Endpoint::TXMODE, Ok("false")) => Some(None),
            (Endpoint::TX, Ok(command)) => self.command(command),
            _ => None,
        };
        answer
            .unwrap_or_else(|| {
                self.not_understood += 1;
                None
            })
            .into_iter()
            .collect()
    }

    fn subscribed(&mut self, endpoint: Endpoint) -> Vec<Notification> {
        if endpoint == Endpoint::RX { vec![self.report()] } else { Vec::new() }
    }

    fn read(&mut self, endpoint: Endpoint) -> Result<Vec<u8>, String> {
        Err(format!("{endpoint} cannot be read"))
    }

    fn levels(&self) -> Vec<Level> {
        levels_of(&self.model, |_, kind| match kind {
            OutputKind::Oscillate if self.state == "strokeEngine" => (self.speed, None),
            OutputKind::Oscillate => (0, None),
            _ => (self.position, self.duration_ms),
        })
    }

    fn not_understood(&self) -> u64 {
        self.not_understood
    }
}
