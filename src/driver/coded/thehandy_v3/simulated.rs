//! A simulated Handy with firmware 4 (facts: protocols/thehandy-v3.md).

use prost::Message as _;

use crate::driver::{simulated::Level, simulated::SimulatedDevice, simulated::levels_of};
use crate::library::Model;
use crate::link::Notification;
use crate::types::{Endpoint, OutputKind};

use super::messages::{Call, Request, Response, RpcMessage};

/// See the module.
#[derive(Debug)]
pub(super) struct SimulatedHandy {
    model: Model,
    /// 0 to 100, as the next.
    position: i32,
    duration_ms: Option<u32>,
    vibration: i32,
    not_understood: u64,
}

impl SimulatedHandy {
    pub(super) fn new(model: &Model) -> Self {
        Self { model: model.clone(), position: 0, duration_ms: None, vibration: 0, not_understood: 0 }
    }

    fn call(&mut self, request: &Request) -> Option<()> {
        let percent = |part: f32| (0.0..=1.0).contains(&part).then(|| (part * 100.0).round() as i32);
        if let Some(to) = request.hdsp_set {
            self.position = percent(to.position)?;
            self.duration_ms = Some(to.duration_ms);
        } else if let Some(set) = request.hvp_set {
            self.vibration = percent(set.amplitude)?;
        } else if request.hvp_stop.is_some() {
            self.vibration = 0;
        } else if request.battery_get.is_none() && request.capabilities_get.is_none() {
            return None;
        }
        Some(())
    }
}

impl SimulatedDevice for SimulatedHandy {
    fn written(&mut self, endpoint: Endpoint, data: &[u8]) -> Vec<Notification> {
        let message = RpcMessage::decode(data).ok().filter(|_| endpoint == Endpoint::TX);
        let request = message.filter(|message| message.kind() == Call::Request).and_then(|message| message.request);
        match request {
            Some(request) if self.call(&request).is_some() => {
                let response = Some(Response { id: request.id });
                let answer = RpcMessage { kind: Call::Response.into(), request: None, response };
                vec![Notification { endpoint: Endpoint::RX, data: answer.encode_to_vec() }]
            }
            _ => {
                self.not_understood += 1;
                Vec::new()
            }
        }
    }

    fn read(&mut self, endpoint: Endpoint) -> Result<Vec<u8>, String> {
        Err(format!("{endpoint} cannot be read"))
    }

    fn levels(&self) -> Vec<Level> {
        levels_of(&self.model, |_, kind| match kind {
            OutputKind::Vibrate => (self.vibration, None),
            _ => (self.position, self.duration_ms),
        })
    }

    fn not_understood(&self) -> u64 {
        self.not_understood
    }
}
