//! What each key may be: the only list of ranges.

use std::net::SocketAddr;

use tracing_subscriber::EnvFilter;
use uuid::Uuid;

use super::value::Plain;
use crate::library::bluetooth_uuid;

const MS: &str = " (milliseconds)";
const BYTES: &str = " (bytes)";

/// What a value has to satisfy beyond its type.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// true or false.
    Flag,
    /// A number from the first to the second, both included, with the unit for messages.
    Integer(i64, i64, &'static str),
    /// As `Integer`, or 0, which means what the first text says.
    ZeroOr(&'static str, i64, i64, &'static str),
    /// Text of as many bytes as the range says; text of white space only counts as empty.
    Text(usize, usize),
    /// Numeric loopback addresses with ports, each once.
    Listen,
    /// A directory; empty means a default.
    Directory,
    /// Bluetooth service UUIDs, separated by commas; may be empty.
    Services,
    /// A level of the log, or a filter, of at most so many bytes.
    LogFilter(usize),
}

use Rule::{Directory, Flag, Integer, Listen, LogFilter, Services, Text, ZeroOr};

/// The levels of the log, from least to most.
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// Addresses that one server may listen on.
const MOST_LISTENS: usize = 16;

/// Every key and its rule, in the order of the manual.
pub(super) const RULES: &[(&str, Rule)] = &[
    ("server.listen", Listen),
    ("server.name", Text(0, 200)),
    ("server.max_ping_time_ms", ZeroOr("off", 100, 3_600_000, MS)),
    ("server.threads", ZeroOr("one per core", 1, 64, "")),
    ("server.shutdown_deadline_ms", Integer(100, 60_000, MS)),
    ("sessions.max", Integer(1, 100_000, "")),
    ("sessions.max_connections", Integer(1, 1_000_000, "")),
    ("sessions.max_frame_bytes", Integer(1024, 16_777_216, BYTES)),
    ("sessions.max_unsent_bytes", Integer(65_536, 268_435_456, BYTES)),
    ("sessions.handshake_timeout_ms", Integer(100, 600_000, MS)),
    ("sessions.websocket_ping_ms", Integer(100, 600_000, MS)),
    ("sessions.websocket_pong_deadline_ms", Integer(100, 600_000, MS)),
    ("sessions.dead_man_ms", ZeroOr("off", 500, 86_400_000, MS)),
    ("devices.reconnect_grace_ms", Integer(0, 600_000, MS)),
    ("devices.restart_budget", Integer(0, 100, "")),
    ("devices.restart_window_ms", Integer(1000, 3_600_000, MS)),
    ("devices.restart_delay_ms", Integer(1, 60_000, MS)),
    ("devices.definitions_dir", Directory),
    ("links.connect_timeout_ms", Integer(10, 600_000, MS)),
    ("links.init_timeout_ms", Integer(10, 600_000, MS)),
    ("links.write_timeout_ms", Integer(10, 600_000, MS)),
    ("links.read_timeout_ms", Integer(10, 600_000, MS)),
    ("links.max_failures", Integer(1, 1000, "")),
    ("state.dir", Directory),
    ("state.remember", Flag),
    ("log.level", LogFilter(500)),
    ("buses.btle.enabled", Flag),
    ("buses.btle.adapter", Text(0, 100)),
    ("buses.btle.services", Services),
    ("buses.btle.look_every_ms", ZeroOr("never", 5_000, 3_600_000, MS)),
    ("buses.serial.enabled", Flag),
    ("buses.hid.enabled", Flag),
    ("buses.lovense_dongle.enabled", Flag),
    ("buses.lovense_dongle.port", Text(0, 200)),
    ("buses.gamepad.enabled", Flag),
    ("buses.websocket.enabled", Flag),
    ("buses.websocket.listen", Listen),
    ("buses.websocket.max_devices", Integer(1, 10_000, "")),
    ("buses.websocket.first_frame_timeout_ms", Integer(100, 600_000, MS)),
    ("buses.websocket.ping_ms", Integer(100, 600_000, MS)),
    ("buses.websocket.pong_deadline_ms", Integer(100, 600_000, MS)),
    ("buses.virtual.enabled", Flag),
    ("buses.virtual.max_devices", Integer(1, 100_000, "")),
    ("mdns.enabled", Flag),
    ("mdns.name", Text(1, 63)),
];

/// The keys of which the first has to be greater than the second.
pub(super) const GREATER: &[(&str, &str)] = &[
    ("sessions.websocket_pong_deadline_ms", "sessions.websocket_ping_ms"),
    ("buses.websocket.pong_deadline_ms", "buses.websocket.ping_ms"),
];

/// The rule of a key.
pub(super) fn rule(key: &str) -> Option<Rule> {
    RULES.iter().find(|(name, _)| *name == key).map(|(_, rule)| *rule)
}

impl Rule {
    /// Whether a value may be used.
    pub(super) fn allows(self, value: &Plain) -> bool {
        match (self, value) {
            (Flag, Plain::Flag(_)) => true,
            (Integer(least, most, _), Plain::Integer(number)) => (least..=most).contains(number),
            (ZeroOr(_, least, most, _), Plain::Integer(number)) => *number == 0 || (least..=most).contains(number),
            (Text(least, most), Plain::Text(text)) => text.trim().len() >= least && text.len() <= most,
            (Listen, Plain::List(items)) => loopbacks(items).is_some(),
            (Directory, Plain::Text(text)) => !text.contains('\0') && !text.starts_with('~'),
            (Services, Plain::Text(text)) => services(text).is_some(),
            (LogFilter(most), Plain::Text(text)) => text.len() <= most && is_log_filter(text),
            _ => false,
        }
    }

    /// What may be used, in words that follow "allowed: ".
    pub(super) fn allowed(self) -> String {
        match self {
            Flag => "true or false".to_owned(),
            Integer(least, most, unit) => format!("an integer from {least} to {most}{unit}"),
            ZeroOr(zero, least, most, unit) => format!("0 ({zero}), or an integer from {least} to {most}{unit}"),
            Text(0, most) => format!("text of at most {most} bytes"),
            Text(least, most) => format!("text of {least} to {most} bytes"),
            Listen => format!(
                "a numeric loopback address and a port, such as \"127.0.0.1:12345\" or \"[::1]:12345\", or a list of up to \
                 {MOST_LISTENS} of them, each once; access rules for other addresses do not exist yet"
            ),
            Services => {
                "text with Bluetooth service UUIDs of 4 or 36 characters, separated by commas, or \"\" for all \
                         hardware"
                    .to_owned()
            }
            LogFilter(most) => format!(
                "{}, or a filter such as \"info,hapticd::device=debug\", in 1 to {most} bytes",
                LEVELS.map(|level| format!("{level:?}")).join(", ")
            ),
            Directory => "text with the path of a directory, without `~`, or \"\" for the default".to_owned(),
        }
    }
}

/// Reads an address this server may listen on.
fn loopback(text: &str) -> Option<SocketAddr> {
    text.parse().ok().filter(|address: &SocketAddr| address.ip().is_loopback())
}

/// Whether the log can be filtered so. The library that filters takes every word that is no level for the name of a part
/// of the program, all of which is then logged, so that a misspelt level would go unnoticed: a word alone must be a level.
fn is_log_filter(text: &str) -> bool {
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word.trim()));
    let mut directives = text.split(',').filter(|directive| !directive.trim().is_empty()).peekable();
    directives.peek().is_some()
        && directives.all(|directive| directive.contains(['=', '[', ']']) || is_level(directive))
        && EnvFilter::try_new(text).is_ok()
}

/// Reads the addresses this server may listen on.
pub(super) fn loopbacks(items: &[String]) -> Option<Vec<SocketAddr>> {
    let addresses: Vec<_> = items.iter().map(|item| loopback(item)).collect::<Option<_>>()?;
    // Twice the same port 0 would be two ports.
    let unique =
        addresses.iter().enumerate().all(|(at, address)| !addresses.iter().skip(at + 1).any(|it| it == address));
    (unique && (1..=MOST_LISTENS).contains(&addresses.len())).then_some(addresses)
}

/// Bluetooth service UUIDs, four digits standing for the middle of the standard's base UUID.
pub(super) fn services(text: &str) -> Option<Vec<Uuid>> {
    text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(bluetooth_uuid).collect()
}

#[cfg(test)]
mod tests {
    use super::super::MANUAL;
    use super::super::schema::Schema;
    use super::super::value::Kind;
    use super::*;

    fn allows(key: &str, value: i64) -> bool {
        rule(key).unwrap().allows(&Plain::Integer(value))
    }

    fn allows_text(key: &str, value: &str) -> bool {
        rule(key).unwrap().allows(&Plain::Text(value.to_owned()))
    }

    #[test]
    fn every_key_has_one_rule_of_its_type() {
        let schema = Schema::of(MANUAL).unwrap();
        for (key, kind) in schema.keys() {
            let expected = match rule(key).unwrap_or_else(|| panic!("no rule for {key}")) {
                Flag => Kind::Flag,
                Integer(..) | ZeroOr(..) => Kind::Integer,
                Text(..) | Directory | Services | LogFilter(_) => Kind::Text,
                Listen => Kind::List,
            };
            assert_eq!(kind, expected, "{key}");
        }
        // As many rules as keys, and one for each key: so none is left over and none is double.
        assert_eq!(RULES.len(), schema.keys().count());
        for (greater, lesser) in GREATER {
            assert!(rule(greater).is_some() && rule(lesser).is_some());
        }
    }

    #[test]
    fn every_range_is_enforced_at_both_ends_and_is_in_the_manual() {
        let words = |text: &str| text.replace('\n', " ").replace("# ", "").replace("  ", " ");
        for (key, rule) in RULES {
            let name = key.rsplit('.').next().unwrap();
            let (section, _) = key.rsplit_once('.').unwrap();
            let section = MANUAL.split(&format!("\n[{section}]\n")).nth(1).unwrap();
            let comment = words(section.split(&format!("\n{name} = ")).next().unwrap().rsplit("\n\n").next().unwrap());
            if let Integer(least, most, _) | ZeroOr(_, least, most, _) = *rule {
                assert!(allows(key, least) && allows(key, most), "{key}");
                assert!(!allows(key, most + 1) && !allows(key, -1), "{key}");
                assert_eq!(allows(key, least - 1), least == 1 && matches!(rule, ZeroOr(..)), "{key}");
                assert_eq!(allows(key, 0), least == 0 || matches!(rule, ZeroOr(..)), "{key}");
                assert!(comment.contains(&format!("{least} to {most}")), "{key}: {comment}");
                assert_eq!(comment.contains("0 = "), allows(key, 0), "{key}: {comment}");
            }
            if let LogFilter(most) = *rule {
                let long = format!("info,{}=info", "x".repeat(most));
                assert!(!allows_text(key, &long) && allows_text(key, &long.replacen(&"x".repeat(10), "", 1)), "{key}");
                assert!(comment.contains(&format!("1 to {most} bytes")), "{key}: {comment}");
                assert!(LEVELS.iter().all(|level| comment.contains(&format!("{level:?}"))), "{key}: {comment}");
            }
            if let Text(least, most) = *rule {
                assert!(allows_text(key, &"x".repeat(most)) && !allows_text(key, &"x".repeat(most + 1)), "{key}");
                assert_eq!(allows_text(key, ""), least == 0, "{key}");
                assert_eq!(allows_text(key, "  "), least == 0, "{key}");
                assert!(comment.contains(&format!("{least} to {most} bytes")), "{key}: {comment}");
            }
        }
    }

    #[test]
    fn only_numeric_loopback_addresses_are_allowed() {
        let listen = |items: &[&str]| {
            let items = items.iter().map(|item| (*item).to_owned()).collect();
            rule("server.listen").unwrap().allows(&Plain::List(items))
        };
        for good in ["127.0.0.1:12345", "127.9.9.9:0", "[::1]:12345"] {
            assert!(listen(&[good]), "{good}");
        }
        assert!(listen(&["127.0.0.1:0", "[::1]:0"]) && listen(&["127.0.0.1:1", "127.0.0.1:2"]));
        assert!(!listen(&[]) && !listen(&["127.0.0.1:0", "127.0.0.1:0"]) && !listen(&["127.0.0.1:1", "192.168.1.2:1"]));
        let many: Vec<_> = (1..=17).map(|port| format!("127.0.0.1:{port}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert!(listen(&many[..16]) && !listen(&many));
        let bad = ["0.0.0.0:1", "192.168.1.2:1", "[::]:1", "localhost:1", "::1:1", "127.0.0.1", "127.0.0.1:65536", ""];
        for bad in bad {
            assert!(!listen(&[bad]), "{bad}");
        }
    }

    #[test]
    fn directories_are_not_expanded() {
        assert!(allows_text("state.dir", "") && allows_text("state.dir", "/var/lib/hapticd"));
        assert!(!allows_text("state.dir", "~/x") && !allows_text("devices.definitions_dir", "a\0b"));
    }

    #[test]
    fn a_level_is_one_that_exists() {
        for good in ["info", "TRACE", "warn,hapticd::device=debug", "hapticd[session{id=3}]=trace", "info,"] {
            assert!(allows_text("log.level", good), "{good}");
        }
        for bad in ["loud", "inf", "info,loud", "hapticd::device", "hapticd=loud", "", " ", ",", "3"] {
            assert!(!allows_text("log.level", bad), "{bad}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_never_allowed() {
        assert!(!rule("buses.btle.enabled").unwrap().allows(&Plain::Integer(1)));
        assert!(!rule("sessions.max").unwrap().allows(&Plain::Text("1".to_owned())));
    }

    #[test]
    fn says_what_is_allowed() {
        let said = |key| rule(key).unwrap().allowed();
        assert_eq!(said("buses.btle.enabled"), "true or false");
        assert_eq!(said("sessions.max"), "an integer from 1 to 100000");
        assert_eq!(said("server.threads"), "0 (one per core), or an integer from 1 to 64");
        assert_eq!(said("server.max_ping_time_ms"), "0 (off), or an integer from 100 to 3600000 (milliseconds)");
        assert_eq!(said("server.name"), "text of at most 200 bytes");
        assert_eq!(
            said("log.level"),
            "\"error\", \"warn\", \"info\", \"debug\", \"trace\", or a filter such as \"info,hapticd::device=debug\", in 1 to \
             500 bytes"
        );
        assert!(said("server.listen").ends_with("access rules for other addresses do not exist yet"));
    }

    #[test]
    fn services_are_short_or_long() {
        let long = Uuid::try_parse("0000180f-0000-1000-8000-00805f9b34fb").unwrap();
        assert_eq!(services(" 180F, 0000180f-0000-1000-8000-00805f9b34fb,"), Some(vec![long, long]));
        assert_eq!(services(""), Some(vec![]));
        for bad in ["180", "+80f", "180g", "180f 180f", "0000180f00001000800000805f9b34fb0000"] {
            assert_eq!(services(bad), None, "{bad}");
        }
    }
}
