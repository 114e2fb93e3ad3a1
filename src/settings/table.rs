//! Every setting: its key, its field, its type, its rule and what it is. The only list of them in code.
//!
//! `config/default.toml` says at length what each is for, in the same order. A key that ends in `_ms` fills a [`Duration`],
//! a zero that means "off" or "automatic" becomes [`None`], and an empty directory the directory it stands for.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use uuid::Uuid;

use super::report::ReportLine;
use super::rule::Rule::{
    self, Directory, Flag, GreaterThan, Integer, Listen, LogFilter, OneOf, Section, Services, Text, ZeroOr,
};
use super::setting::{Setting, Values, join, settings};
use crate::access::{LocalAccess, UnknownOrigins};

settings! {
    /// All settings. Obtained from [`Settings::load`] or [`Settings::builtin`].
    Settings + (report: Vec<ReportLine>, warnings: Vec<String>, beside: Vec<PathBuf>) {
        "server" server: ServerSettings = Section;
        "access" access: AccessSettings = Section;
        "api" api: ApiSettings = Section;
        "sessions" sessions: SessionSettings = Section;
        "devices" devices: DeviceSettings = Section;
        "links" links: LinkSettings = Section;
        "state" state: StateSettings = Section;
        "log" log: LogSettings = Section;
        "buses" buses: BusSettings = Section;
        "mdns" mdns: MdnsSettings = Section;
    }
    /// `[server]`: what clients connect to.
    ServerSettings {
        /// Where clients connect: loopback addresses, each once; port 0 = any free port.
        "listen" listen: Vec<SocketAddr> = Listen;
        /// The name that clients are told.
        "name" name: String = Text(0, 200);
        /// A client must ping at least this often; `None` = it need not.
        "max_ping_time_ms" max_ping_time: Option<Duration> = ZeroOr("off", 100, 3_600_000);
        /// HTTP workers; `None` = one per processor core.
        "threads" threads: Option<usize> = ZeroOr("one per core", 1, 64);
        /// How long an orderly shutdown may take.
        "shutdown_deadline_ms" shutdown_deadline: Duration = Integer(100, 60_000);
    }
    /// `[access]`: who may connect.
    AccessSettings {
        /// Whether programs of this computer need a token.
        "local" local: LocalAccess = OneOf(&["open", "token"]);
        /// What becomes of a web page of which the user has not said whether it may connect.
        "unknown_origins" unknown_origins: UnknownOrigins = OneOf(&["ask", "allow", "deny"]);
    }
    /// `[api]`: programs that do not speak Buttplug.
    ApiSettings {
        /// How long an output lasts that such a program sets without saying how long.
        "lease_ms" lease: Duration = Integer(1000, 600_000);
    }
    /// `[sessions]`: limits on connected clients.
    SessionSettings {
        /// Clients at the same time.
        "max" max: usize = Integer(1, 100_000);
        /// Network connections at the same time.
        "max_connections" max_connections: usize = Integer(1, 1_000_000);
        /// The largest message from a client.
        "max_frame_bytes" max_frame_bytes: usize = Integer(1024, 16_777_216);
        /// A client with more than this unsent is cut off.
        "max_unsent_bytes" max_unsent_bytes: usize = Integer(65_536, 268_435_456);
        /// How long a connection may take to become a client.
        "handshake_timeout_ms" handshake_timeout: Duration = Integer(100, 600_000);
        /// How often the server sends a client a WebSocket ping.
        "websocket_ping_ms" websocket_ping: Duration = Integer(100, 600_000);
        /// A client silent for this long is disconnected.
        "websocket_pong_deadline_ms" websocket_pong_deadline: Duration = GreaterThan("websocket_ping_ms", 100, 600_000);
        /// An output that no client renews for this long stops; `None` = it runs on.
        "dead_man_ms" dead_man: Option<Duration> = ZeroOr("off", 500, 86_400_000);
    }
    /// `[devices]`: how devices are kept running.
    DeviceSettings {
        /// How long a device may be away before clients are told.
        "reconnect_grace_ms" reconnect_grace: Duration = Integer(0, 600_000);
        /// Restarts of a device's driver within `restart_window`.
        "restart_budget" restart_budget: u32 = Integer(0, 100);
        /// The time over which `restart_budget` counts.
        "restart_window_ms" restart_window: Duration = Integer(1000, 3_600_000);
        /// The wait before the first restart, doubled with each further one.
        "restart_delay_ms" restart_delay: Duration = Integer(1, 60_000);
        /// The user's own definitions. May not exist. `None` = none set, and this user has no configuration directory.
        "definitions_dir" definitions_dir: Option<PathBuf> = Directory;
        /// Where `devices.toml` is. `None` = the first of the usual places, see [`Settings::devices_files`].
        "settings_dir" settings_dir: Option<PathBuf> = Directory;
    }
    /// `[links]`: the connection to each device.
    LinkSettings {
        /// How long connecting may take.
        "connect_timeout_ms" connect_timeout: Duration = Integer(10, 600_000);
        /// How long a connected device may take to become ready.
        "init_timeout_ms" init_timeout: Duration = Integer(10, 600_000);
        /// How long one command may take.
        "write_timeout_ms" write_timeout: Duration = Integer(10, 600_000);
        /// How long one answer may take.
        "read_timeout_ms" read_timeout: Duration = Integer(10, 600_000);
        /// Failed writes in a row after which the link is closed and opened again.
        "max_failures" max_failures: u32 = Integer(1, 1000);
    }
    /// `[state]`: what is remembered between runs.
    StateSettings {
        /// The directory where it is kept. May not exist yet.
        "dir" dir: PathBuf = Directory;
        /// Whether anything is saved there. What the user set for devices is read and holds in any case.
        "remember" remember: bool = Flag;
    }
    /// `[log]`: what is logged.
    LogSettings {
        /// A level or a `tracing` filter.
        "level" level: String = LogFilter(500);
    }
    /// `[buses]`: the buses on which devices are found.
    BusSettings {
        "btle" btle: BtleBusSettings = Section;
        /// Serial ports.
        "serial" serial: SwitchSettings = Section;
        /// HID devices.
        "hid" hid: SwitchSettings = Section;
        "lovense_dongle" lovense_dongle: DongleBusSettings = Section;
        /// Gamepads; has no effect on other systems than Linux.
        "gamepad" gamepad: SwitchSettings = Section;
        "websocket" websocket: WebsocketBusSettings = Section;
        /// Devices that exist only inside the server (`virtual` is a Rust keyword).
        "virtual" virtual_bus: VirtualBusSettings = Section;
    }
    /// `[buses.btle]`: Bluetooth Low Energy.
    BtleBusSettings {
        "enabled" enabled: bool = Flag;
        /// Name or address of the adapter; empty = the first.
        "adapter" adapter: String = Text(0, 100);
        /// Only hardware that advertises one of these is looked for; empty = all hardware.
        "services" services: Vec<Uuid> = Services;
        /// Time from one look for known hardware to the next; `None` = no looks.
        "look_every_ms" look_every: Option<Duration> = ZeroOr("never", 5_000, 3_600_000);
    }
    /// A bus that can only be switched on and off.
    SwitchSettings {
        "enabled" enabled: bool = Flag;
    }
    /// `[buses.lovense_dongle]`: the Lovense USB dongle.
    DongleBusSettings {
        "enabled" enabled: bool = Flag;
        /// Serial port of a dongle of the older form.
        "port" port: Option<String> = Text(0, 200);
    }
    /// `[buses.websocket]`: devices that connect to the server over WebSocket.
    WebsocketBusSettings {
        "enabled" enabled: bool = Flag;
        /// Where devices connect: loopback addresses, each once; port 0 = any free port.
        "listen" listen: Vec<SocketAddr> = Listen;
        /// Devices at the same time.
        "max_devices" max_devices: usize = Integer(1, 10_000);
        /// How long a connection may take to say which device it is.
        "first_frame_timeout_ms" first_frame_timeout: Duration = Integer(100, 600_000);
        /// How often the server sends a device a WebSocket ping.
        "ping_ms" ping: Duration = Integer(100, 600_000);
        /// A device silent for this long is disconnected.
        "pong_deadline_ms" pong_deadline: Duration = GreaterThan("ping_ms", 100, 600_000);
    }
    /// `[buses.virtual]`: devices that exist only inside the server.
    VirtualBusSettings {
        "enabled" enabled: bool = Flag;
        /// Devices at the same time.
        "max_devices" max_devices: usize = Integer(1, 100_000);
    }
    /// `[mdns]`: how the server is announced in the local network.
    MdnsSettings {
        "enabled" enabled: bool = Flag;
        /// The name under which it is announced.
        "name" name: String = Text(1, 63);
    }
}

/// The manual says of each key what the table says.
#[cfg(test)]
mod tests {
    use config::ValueKind;
    use toml::de::{DeTable, DeValue};

    use super::super::schema::{keys, rule};
    use super::super::{MANUAL, Sources};
    use super::*;

    fn allows(key: &str, value: i64) -> bool {
        rule(key).unwrap().allows(&value.into())
    }

    fn allows_text(key: &str, value: &str) -> bool {
        rule(key).unwrap().allows(&value.into())
    }

    /// Every key of the manual with the type of its default, from top to bottom.
    fn manual() -> Vec<(String, &'static str)> {
        fn add(table: &DeTable<'_>, prefix: &str, found: &mut Vec<(usize, String, &'static str)>) {
            for (name, value) in table {
                let key = join(prefix, name.get_ref());
                let kind = match value.get_ref() {
                    DeValue::Table(inner) => {
                        add(inner, &key, found);
                        continue;
                    }
                    DeValue::Boolean(_) => "flag",
                    DeValue::Integer(_) => "integer",
                    DeValue::String(_) => "text",
                    DeValue::Array(_) => "list",
                    _ => panic!("{key} has a type that no setting has"),
                };
                found.push((name.span().start, key, kind));
            }
        }
        let mut found = Vec::new();
        add(DeTable::parse(MANUAL).unwrap().get_ref(), "", &mut found);
        found.sort();
        found.into_iter().map(|(_, key, kind)| (key, kind)).collect()
    }

    #[test]
    fn the_manual_has_the_same_keys_in_the_same_order_with_defaults_of_their_type() {
        let kind = |rule: Rule| match rule {
            Section => panic!("a section is no key"),
            Flag => "flag",
            Integer(..) | ZeroOr(..) | GreaterThan(..) => "integer",
            Text(..) | Directory | Services | LogFilter(_) | OneOf(_) => "text",
            Listen => "list",
        };
        let table: Vec<_> = keys().map(|(key, rule)| (key.to_owned(), kind(rule))).collect();
        assert_eq!(table, manual());
        for (key, rule) in keys() {
            if let GreaterThan(other, ..) = rule {
                let other = join(key.rsplit_once('.').unwrap().0, other);
                assert!(super::super::schema::rule(&other).is_some_and(Rule::is_number), "{other}");
            }
        }
    }

    #[test]
    fn every_range_is_enforced_at_both_ends_and_is_in_the_manual() {
        let words = |text: &str| text.replace('\n', " ").replace("# ", "").replace("  ", " ");
        for (key, rule) in keys() {
            let name = key.rsplit('.').next().unwrap();
            let (section, _) = key.rsplit_once('.').unwrap();
            let section = MANUAL.split(&format!("\n[{section}]\n")).nth(1).unwrap();
            let comment = words(section.split(&format!("\n{name} = ")).next().unwrap().rsplit("\n\n").next().unwrap());
            if let Integer(least, most) | ZeroOr(_, least, most) | GreaterThan(_, least, most) = rule {
                assert!(allows(key, least) && allows(key, most), "{key}");
                assert!(!allows(key, most + 1) && !allows(key, -1), "{key}");
                assert_eq!(allows(key, least - 1), least == 1 && matches!(rule, ZeroOr(..)), "{key}");
                assert_eq!(allows(key, 0), least == 0 || matches!(rule, ZeroOr(..)), "{key}");
                assert!(comment.contains(&format!("{least} to {most}")), "{key}: {comment}");
                assert_eq!(comment.contains("0 = "), allows(key, 0), "{key}: {comment}");
            }
            if let GreaterThan(other, ..) = rule {
                assert!(comment.contains(&format!("greater than {other}")), "{key}: {comment}");
            }
            if let LogFilter(most) = rule {
                let long = format!("info,{}=info", "x".repeat(most));
                assert!(!allows_text(key, &long) && allows_text(key, &long.replacen(&"x".repeat(10), "", 1)), "{key}");
                assert!(comment.contains(&format!("1 to {most} bytes")), "{key}: {comment}");
                let levels = ["error", "warn", "info", "debug", "trace"];
                assert!(levels.iter().all(|level| comment.contains(&format!("{level:?}"))), "{key}: {comment}");
            }
            if let OneOf(words) = rule {
                assert!(
                    words.iter().all(|word| allows_text(key, word) && comment.contains(&format!("{word:?}"))),
                    "{key}"
                );
                assert!(!allows_text(key, "x") && !allows_text(key, ""), "{key}");
            }
            if let Text(least, most) = rule {
                assert!(allows_text(key, &"x".repeat(most)) && !allows_text(key, &"x".repeat(most + 1)), "{key}");
                assert_eq!(allows_text(key, ""), least == 0, "{key}");
                assert_eq!(allows_text(key, "  "), least == 0, "{key}");
                assert!(comment.contains(&format!("{least} to {most} bytes")), "{key}: {comment}");
            }
        }
    }

    /// A field whose type cannot hold what its rule allows would be a bug that only some users meet.
    #[test]
    fn every_field_holds_both_ends_of_its_range() {
        let ends = |end: fn(i64, i64) -> i64| {
            let number = |(key, rule): (&str, Rule)| match rule {
                Integer(least, most) | ZeroOr(_, least, most) => Some(format!("{key}={}", end(least, most))),
                GreaterThan(_, least, most) => Some(format!("{key}={}", end(least + 1, most))),
                _ => None,
            };
            let mut set: Vec<_> = keys().filter_map(number).collect();
            if end(0, 1) == 1 {
                // The greatest ping would leave no room for its deadline.
                set.extend(["sessions.websocket_ping_ms=100".to_owned(), "buses.websocket.ping_ms=100".to_owned()]);
            }
            Settings::load(&Sources { set, ..Sources::default() }).unwrap()
        };
        let (least, most) = (ends(|least, _| least), ends(|_, most| most));
        assert_eq!((least.sessions.max_frame_bytes, most.sessions.max_frame_bytes), (1024, 16_777_216));
        assert_eq!((least.links.max_failures, most.links.max_failures), (1, 1000));
        assert_eq!(most.sessions.dead_man, Some(Duration::from_millis(86_400_000)));
        assert_eq!(least.buses.websocket.pong_deadline, Duration::from_millis(101));
    }

    #[test]
    fn a_field_of_another_type_than_its_rule_is_an_error() {
        let mut values = Values::new();
        assert_eq!(bool::read("a.b", &values), Err("`a.b` has no default".to_owned()));
        values.insert("a.b".to_owned(), config::Value::new(None, ValueKind::from("x")));
        assert_eq!(usize::read("a.b", &values), Err("`a.b` is not of the type of its field".to_owned()));
    }
}
