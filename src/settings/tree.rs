//! The validated settings, as the program uses them.
//!
//! The fields mirror the keys of `config/default.toml`, which says at length what each is for. A
//! key ending in `_ms` becomes a [`Duration`] without that ending, a zero that means "off" or
//! "automatic" becomes [`None`], and an empty directory becomes the directory it stands for.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use uuid::Uuid;

use super::report::ReportLine;

/// All settings. Obtained from [`Settings::load`] or [`Settings::builtin`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What clients connect to.
    pub server: ServerSettings,
    /// Limits on connected clients.
    pub sessions: SessionSettings,
    /// How devices are kept running.
    pub devices: DeviceSettings,
    /// The connection to each device.
    pub links: LinkSettings,
    /// What is remembered between runs.
    pub state: StateSettings,
    /// What is logged.
    pub log: LogSettings,
    /// The ways devices are reached.
    pub buses: BusSettings,
    /// How the server is announced.
    pub mdns: MdnsSettings,
    pub(super) report: Vec<ReportLine>,
    pub(super) warnings: Vec<String>,
}

impl Settings {
    /// What is allowed but was probably not meant, such as an environment variable that sets nothing because its name has
    /// one underscore too few.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// `[server]`: what clients connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// Where clients connect: 1 to 16 loopback addresses, each once; port 0 = any free port.
    pub listen: Vec<SocketAddr>,
    /// The name clients are told, 0 to 200 bytes.
    pub name: String,
    /// A client must ping at least this often, 100 ms to 1 h; `None` = it need not.
    pub max_ping_time: Option<Duration>,
    /// HTTP workers, 1 to 64; `None` = one per processor core.
    pub threads: Option<usize>,
    /// How long an orderly shutdown may take, 100 ms to 1 min.
    pub shutdown_deadline: Duration,
}

/// `[sessions]`: limits on connected clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSettings {
    /// Clients at the same time, 1 to 100 000.
    pub max: usize,
    /// Network connections at the same time, 1 to 1 000 000.
    pub max_connections: usize,
    /// The largest message from a client, 1024 to 16 777 216 bytes.
    pub max_frame_bytes: usize,
    /// A client with more than this unsent is cut off, 65 536 to 268 435 456 bytes.
    pub max_unsent_bytes: usize,
    /// How long a connection may take to become a client, 100 ms to 10 min.
    pub handshake_timeout: Duration,
    /// How often a client is sent a WebSocket ping, 100 ms to 10 min.
    pub websocket_ping: Duration,
    /// A client silent for this long is disconnected, 100 ms to 10 min; greater than
    /// `websocket_ping`.
    pub websocket_pong_deadline: Duration,
    /// An output not renewed for this long stops, 500 ms to 1 day; `None` = it runs on.
    pub dead_man: Option<Duration>,
}

/// `[devices]`: how devices are kept running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSettings {
    /// How long a device may be away before clients are told, 0 to 10 min.
    pub reconnect_grace: Duration,
    /// Restarts of a device's driver within `restart_window`, 0 to 100.
    pub restart_budget: u32,
    /// The time over which `restart_budget` counts, 1 s to 1 h.
    pub restart_window: Duration,
    /// The wait before the first restart, doubled with each further one, 1 ms to 1 min.
    pub restart_delay: Duration,
    /// The user's own definitions. May not exist. `None` = none set, and this user has no
    /// configuration directory.
    pub definitions_dir: Option<PathBuf>,
}

/// `[links]`: the connection to each device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSettings {
    /// How long connecting may take, 10 ms to 10 min.
    pub connect_timeout: Duration,
    /// How long a connected device may take to become ready, 10 ms to 10 min.
    pub init_timeout: Duration,
    /// How long one command may take, 10 ms to 10 min.
    pub write_timeout: Duration,
    /// How long one answer may take, 10 ms to 10 min.
    pub read_timeout: Duration,
    /// Failed writes in a row after which the link is closed and opened again, 1 to 1000.
    pub max_failures: u32,
}

/// `[state]`: what is remembered between runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateSettings {
    /// The directory where it is kept. May not exist yet.
    pub dir: PathBuf,
    /// Whether anything is saved there. What the user set for devices is read and holds in any case.
    pub remember: bool,
}

/// `[log]`: what is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// A level or a `tracing` filter, 1 to 500 bytes.
    pub level: String,
}

/// `[mdns]`: how the server is announced in the local network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MdnsSettings {
    /// Whether it is.
    pub enabled: bool,
    /// Under which name, 1 to 63 bytes.
    pub name: String,
}

/// `[buses]`: the ways devices are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusSettings {
    /// Bluetooth Low Energy.
    pub btle: BtleBusSettings,
    /// Serial ports.
    pub serial: SwitchSettings,
    /// HID devices.
    pub hid: SwitchSettings,
    /// The Lovense USB dongle.
    pub lovense_dongle: DongleBusSettings,
    /// Gamepads; has no effect on other systems than Linux.
    pub gamepad: SwitchSettings,
    /// Devices that connect to the server over WebSocket.
    pub websocket: WebsocketBusSettings,
    /// `buses.virtual`: devices that exist only inside the server (`virtual` is a Rust keyword).
    pub virtual_bus: VirtualBusSettings,
}

/// `[buses.lovense_dongle]`: the Lovense USB dongle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DongleBusSettings {
    /// Whether the bus is used.
    pub enabled: bool,
    /// Serial port of a dongle of the older form, at most 200 bytes.
    pub port: Option<String>,
}

/// `[buses.btle]`: Bluetooth Low Energy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BtleBusSettings {
    /// Whether the bus is used.
    pub enabled: bool,
    /// Name or address of the adapter, at most 100 bytes; empty = the first.
    pub adapter: String,
    /// Only hardware that advertises one of these is looked for; empty = all hardware.
    pub services: Vec<Uuid>,
    /// Time from one look for known hardware to the next, 5 s to 1 h; `None` = no looks.
    pub look_every: Option<Duration>,
}

/// A bus that can only be switched on and off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchSettings {
    /// Whether the bus is used.
    pub enabled: bool,
}

/// `[buses.websocket]`: devices that connect to the server over WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebsocketBusSettings {
    /// Whether the bus is used.
    pub enabled: bool,
    /// Where devices connect: 1 to 16 loopback addresses, each once; port 0 = any free port.
    pub listen: Vec<SocketAddr>,
    /// Devices at the same time, 1 to 10 000.
    pub max_devices: usize,
    /// How long a connection may take to say which device it is, 100 ms to 10 min.
    pub first_frame_timeout: Duration,
    /// How often a device is sent a WebSocket ping, 100 ms to 10 min.
    pub ping: Duration,
    /// A device silent for this long is disconnected, 100 ms to 10 min; greater than `ping`.
    pub pong_deadline: Duration,
}

/// `[buses.virtual]`: devices that exist only inside the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualBusSettings {
    /// Whether the bus is used.
    pub enabled: bool,
    /// Devices at the same time, 1 to 100 000.
    pub max_devices: usize,
}
