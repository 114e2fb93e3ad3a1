//! What the settings say to each part of the server.

use std::time::Duration;

use crate::device::WritePolicy;
use crate::hub::HubOptions;
use crate::session::{DeviceLists, SessionOptions};
use crate::settings::Settings;
use crate::web::SocketLimits;

/// What the end takes beside the stopping of devices: closing links and sessions.
pub(super) const CLOSING: Duration = Duration::from_secs(10);

pub(super) fn sockets(settings: &Settings) -> SocketLimits {
    SocketLimits {
        max_frame: settings.sessions.max_frame_bytes,
        max_unsent: settings.sessions.max_unsent_bytes,
        ping: settings.sessions.websocket_ping,
        deadline: settings.sessions.websocket_pong_deadline,
    }
}

pub(super) fn sessions(settings: &Settings) -> SessionOptions {
    SessionOptions {
        may_drive: true,
        server_name: settings.server.name.clone(),
        max_ping: settings.server.max_ping_time,
        handshake: settings.sessions.handshake_timeout,
        max_frame: settings.sessions.max_frame_bytes,
        lists: DeviceLists::default(),
    }
}

/// `page` is the address of the server's page.
pub(super) fn hub(settings: &Settings, page: &str) -> HubOptions {
    HubOptions {
        grace: settings.devices.reconnect_grace,
        restart_budget: settings.devices.restart_budget,
        restart_window: settings.devices.restart_window,
        restart_delay: settings.devices.restart_delay,
        connect_timeout: settings.links.connect_timeout,
        init_timeout: settings.links.init_timeout,
        pace: WritePolicy { max_failures: settings.links.max_failures, dead_man: settings.sessions.dead_man },
        max_sessions: settings.sessions.max,
        page: format!("http://{page}"),
    }
}
