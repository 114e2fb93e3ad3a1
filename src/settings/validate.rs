//! What concerns several keys, and the last step from checked values to [`Settings`].

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::merge::Merged;
use super::problem::{SettingsError, SettingsProblem};
use super::raw::{
    RawBtleBus, RawBuses, RawDevices, RawDongleBus, RawLinks, RawLog, RawMdns, RawServer, RawSessions, RawSettings,
    RawState, RawSwitch, RawVirtualBus, RawWebsocketBus,
};
use super::report::ReportLine;
use super::rule::{GREATER, loopbacks, services};
use super::tree::{
    BtleBusSettings, BusSettings, DeviceSettings, DongleBusSettings, LinkSettings, LogSettings, MdnsSettings,
    ServerSettings, SessionSettings, Settings, StateSettings, SwitchSettings, VirtualBusSettings, WebsocketBusSettings,
};

/// The rules between keys that are broken.
///
/// Keys with a problem of their own are left out: their value here is not the one that was meant,
/// and a second message about it would mislead.
pub(super) fn between_keys(merged: &Merged, known: &[SettingsProblem]) -> Vec<SettingsProblem> {
    let sound = |key: &str| known.iter().all(|problem| problem.key() != Some(key));
    let broken = |(greater, lesser): &(&str, &str)| {
        let (high, low) = (merged.leaf(greater)?, merged.leaf(lesser)?);
        let (value, other_value) = (high.value.as_integer()?, low.value.as_integer()?);
        (value <= other_value && sound(greater) && sound(lesser)).then(|| SettingsProblem::NotGreater {
            key: (*greater).to_owned(),
            origin: high.origin.clone(),
            value,
            other: (*lesser).to_owned(),
            other_value,
            other_origin: low.origin.clone(),
        })
    };
    GREATER.iter().filter_map(broken).collect()
}

/// What empty directories stand for, if the platform has something to offer.
#[derive(Debug)]
pub(super) struct Directories {
    pub(super) state: Option<PathBuf>,
    pub(super) definitions: Option<PathBuf>,
}

/// Builds the settings. Each structure is taken apart field by field, so that a key nobody uses
/// does not compile.
pub(super) fn build(
    raw: RawSettings,
    directories: Directories,
    report: Vec<ReportLine>,
) -> Result<Settings, SettingsError> {
    let RawSettings {
        server,
        sessions,
        devices,
        links,
        state: RawState { dir, remember },
        log: RawLog { level },
        buses,
        mdns,
    } = raw;
    let RawMdns { enabled, name } = mdns;
    Ok(Settings {
        server: build_server(server)?,
        sessions: build_sessions(&sessions),
        devices: build_devices(devices, directories.definitions),
        links: build_links(&links),
        state: StateSettings {
            dir: unless_empty(dir)
                .or(directories.state)
                .ok_or_else(|| SettingsError::new(vec![SettingsProblem::NoStateDirectory]))?,
            remember,
        },
        log: LogSettings { level },
        buses: build_buses(buses)?,
        mdns: MdnsSettings { enabled, name },
        report,
        warnings: Vec::new(),
    })
}

fn build_server(raw: RawServer) -> Result<ServerSettings, SettingsError> {
    let RawServer { listen, name, max_ping_time_ms, threads, shutdown_deadline_ms } = raw;
    Ok(ServerSettings {
        listen: addresses(&listen)?,
        name,
        max_ping_time: unless_zero(max_ping_time_ms),
        threads: (threads != 0).then_some(threads),
        shutdown_deadline: Duration::from_millis(shutdown_deadline_ms),
    })
}

fn build_sessions(raw: &RawSessions) -> SessionSettings {
    let &RawSessions {
        max,
        max_connections,
        max_frame_bytes,
        max_unsent_bytes,
        handshake_timeout_ms,
        websocket_ping_ms,
        websocket_pong_deadline_ms,
        dead_man_ms,
    } = raw;
    SessionSettings {
        max,
        max_connections,
        max_frame_bytes,
        max_unsent_bytes,
        handshake_timeout: Duration::from_millis(handshake_timeout_ms),
        websocket_ping: Duration::from_millis(websocket_ping_ms),
        websocket_pong_deadline: Duration::from_millis(websocket_pong_deadline_ms),
        dead_man: unless_zero(dead_man_ms),
    }
}

fn build_devices(raw: RawDevices, definitions: Option<PathBuf>) -> DeviceSettings {
    let RawDevices { reconnect_grace_ms, restart_budget, restart_window_ms, restart_delay_ms, definitions_dir } = raw;
    DeviceSettings {
        reconnect_grace: Duration::from_millis(reconnect_grace_ms),
        restart_budget,
        restart_window: Duration::from_millis(restart_window_ms),
        restart_delay: Duration::from_millis(restart_delay_ms),
        definitions_dir: unless_empty(definitions_dir).or(definitions),
    }
}

fn build_links(raw: &RawLinks) -> LinkSettings {
    let &RawLinks { connect_timeout_ms, init_timeout_ms, write_timeout_ms, read_timeout_ms, max_failures } = raw;
    LinkSettings {
        connect_timeout: Duration::from_millis(connect_timeout_ms),
        init_timeout: Duration::from_millis(init_timeout_ms),
        write_timeout: Duration::from_millis(write_timeout_ms),
        read_timeout: Duration::from_millis(read_timeout_ms),
        max_failures,
    }
}

fn build_buses(raw: RawBuses) -> Result<BusSettings, SettingsError> {
    let RawBuses {
        btle: RawBtleBus { enabled: btle, adapter, services: uuids, look_every_ms },
        serial,
        hid,
        lovense_dongle: RawDongleBus { enabled: dongle, port },
        gamepad,
        websocket,
        virtual_bus,
    } = raw;
    let switch = |RawSwitch { enabled }: RawSwitch| SwitchSettings { enabled };
    let RawVirtualBus { enabled, max_devices } = virtual_bus;
    Ok(BusSettings {
        btle: BtleBusSettings {
            enabled: btle,
            adapter,
            services: services(&uuids)
                .ok_or_else(|| SettingsError::builtin(format!("the services {uuids:?} were not checked")))?,
            look_every: unless_zero(look_every_ms),
        },
        serial: switch(serial),
        hid: switch(hid),
        lovense_dongle: DongleBusSettings { enabled: dongle, port: (!port.is_empty()).then_some(port) },
        gamepad: switch(gamepad),
        websocket: build_websocket(&websocket)?,
        virtual_bus: VirtualBusSettings { enabled, max_devices },
    })
}

fn build_websocket(raw: &RawWebsocketBus) -> Result<WebsocketBusSettings, SettingsError> {
    let &RawWebsocketBus { enabled, ref listen, max_devices, first_frame_timeout_ms, ping_ms, pong_deadline_ms } = raw;
    Ok(WebsocketBusSettings {
        enabled,
        listen: addresses(listen)?,
        max_devices,
        first_frame_timeout: Duration::from_millis(first_frame_timeout_ms),
        ping: Duration::from_millis(ping_ms),
        pong_deadline: Duration::from_millis(pong_deadline_ms),
    })
}

fn unless_zero(ms: u64) -> Option<Duration> {
    (ms != 0).then(|| Duration::from_millis(ms))
}

fn unless_empty(path: String) -> Option<PathBuf> {
    (!path.is_empty()).then(|| path.into())
}

/// Every value has passed its rule by now, so a failure here is a mistake in this program.
fn addresses(texts: &[String]) -> Result<Vec<SocketAddr>, SettingsError> {
    loopbacks(texts).ok_or_else(|| SettingsError::builtin(format!("the addresses {texts:?} were not checked")))
}
