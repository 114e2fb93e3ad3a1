//! What the server knows of this bus.

use super::manager::factory;
use super::options::WebsocketOptions;
use crate::manager::{bus_kind::BusKind, bus_kind::BusSetup, contract::Factory};
use crate::settings::Settings;

/// Devices that dial in over WebSocket.
#[derive(Debug)]
pub struct Websocket;

impl BusKind for Websocket {
    fn name(&self) -> &'static str {
        "websocket"
    }

    fn is_enabled(&self, settings: &Settings) -> bool {
        settings.buses.websocket.enabled
    }

    fn factory(&self, setup: &BusSetup<'_>) -> Factory {
        let own = &setup.settings.buses.websocket;
        let options = WebsocketOptions {
            max_devices: own.max_devices,
            first_frame: own.first_frame_timeout,
            ping: own.ping,
            deadline: own.pong_deadline,
            deadlines: setup.deadlines(),
        };
        factory(own.listen.clone(), options)
    }

    fn scans(&self) -> bool {
        false
    }
}
