//! The merged settings with the names and types they have in a file.
//!
//! No field has a default and unknown fields are refused, so that these structures and
//! `config/default.toml` cannot drift apart: the tests read the one as the other.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSettings {
    pub(super) server: RawServer,
    pub(super) sessions: RawSessions,
    pub(super) devices: RawDevices,
    pub(super) links: RawLinks,
    pub(super) state: RawState,
    pub(super) log: RawLog,
    pub(super) buses: RawBuses,
    pub(super) mdns: RawMdns,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawServer {
    pub(super) listen: Vec<String>,
    pub(super) name: String,
    pub(super) max_ping_time_ms: u64,
    pub(super) threads: usize,
    pub(super) shutdown_deadline_ms: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSessions {
    pub(super) max: usize,
    pub(super) max_connections: usize,
    pub(super) max_frame_bytes: usize,
    pub(super) max_unsent_bytes: usize,
    pub(super) handshake_timeout_ms: u64,
    pub(super) websocket_ping_ms: u64,
    pub(super) websocket_pong_deadline_ms: u64,
    pub(super) dead_man_ms: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDevices {
    pub(super) reconnect_grace_ms: u64,
    pub(super) restart_budget: u32,
    pub(super) restart_window_ms: u64,
    pub(super) restart_delay_ms: u64,
    pub(super) definitions_dir: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLinks {
    pub(super) connect_timeout_ms: u64,
    pub(super) init_timeout_ms: u64,
    pub(super) write_timeout_ms: u64,
    pub(super) read_timeout_ms: u64,
    pub(super) max_failures: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawState {
    pub(super) dir: String,
    pub(super) remember: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLog {
    pub(super) level: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBuses {
    pub(super) btle: RawBtleBus,
    pub(super) serial: RawSwitch,
    pub(super) hid: RawSwitch,
    pub(super) lovense_dongle: RawDongleBus,
    pub(super) gamepad: RawSwitch,
    pub(super) websocket: RawWebsocketBus,
    #[serde(rename = "virtual")]
    pub(super) virtual_bus: RawVirtualBus,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSwitch {
    pub(super) enabled: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDongleBus {
    pub(super) enabled: bool,
    pub(super) port: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBtleBus {
    pub(super) enabled: bool,
    pub(super) adapter: String,
    pub(super) services: String,
    pub(super) look_every_ms: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWebsocketBus {
    pub(super) enabled: bool,
    pub(super) listen: Vec<String>,
    pub(super) max_devices: usize,
    pub(super) first_frame_timeout_ms: u64,
    pub(super) ping_ms: u64,
    pub(super) pong_deadline_ms: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawVirtualBus {
    pub(super) enabled: bool,
    pub(super) max_devices: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMdns {
    pub(super) enabled: bool,
    pub(super) name: String,
}

#[cfg(test)]
mod tests {
    use super::super::MANUAL;
    use super::*;

    #[test]
    fn the_defaults_and_these_structures_have_the_same_keys() {
        toml::from_str::<RawSettings>(MANUAL).unwrap();
    }

    #[test]
    fn a_key_more_or_less_in_the_defaults_would_be_noticed() {
        let more = MANUAL.replace("\nthreads = 0", "\nthreads = 0\ncolour = 1");
        assert!(toml::from_str::<RawSettings>(&more).unwrap_err().message().contains("unknown field `colour`"));
        let less = MANUAL.replace("\nthreads = 0", "");
        assert!(toml::from_str::<RawSettings>(&less).unwrap_err().message().contains("missing field `threads`"));
    }
}
