//! What a value may be, and how the values are read that are more than a number or text.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use config::{Value, ValueKind};
use tracing_subscriber::EnvFilter;
use uuid::Uuid;

use crate::library::bluetooth_uuid;

/// What a value has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rule {
    /// No value: the keys of a section.
    Section,
    /// true or false.
    Flag,
    /// A number from the first to the second, both included.
    Integer(i64, i64),
    /// As `Integer`, or 0, which means what the text says.
    ZeroOr(&'static str, i64, i64),
    /// As `Integer`, and greater than the number of another key of the same section.
    GreaterThan(&'static str, i64, i64),
    /// Text of as many bytes as the range says; text of white space only counts as empty.
    Text(usize, usize),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Numeric loopback addresses with ports, each once.
    Listen,
    /// A directory; empty means a default.
    Directory,
    /// Bluetooth service UUIDs, separated by commas; may be empty.
    Services,
    /// A level of the log, or a filter, of at most so many bytes.
    LogFilter(usize),
}

use Rule::{Directory, Flag, GreaterThan, Integer, Listen, LogFilter, OneOf, Section, Services, Text, ZeroOr};

/// The levels of the log, from least to most.
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// Addresses that one server may listen on.
const MOST_LISTENS: usize = 16;

impl Rule {
    /// Whether a value may be used.
    pub(super) fn allows(self, value: &ValueKind) -> bool {
        match (self, value) {
            (Flag, ValueKind::Boolean(_)) => true,
            (Integer(least, most) | GreaterThan(_, least, most), ValueKind::I64(number)) => {
                (least..=most).contains(number)
            }
            (ZeroOr(_, least, most), ValueKind::I64(number)) => *number == 0 || (least..=most).contains(number),
            (Text(least, most), ValueKind::String(text)) => text.trim().len() >= least && text.len() <= most,
            (OneOf(words), ValueKind::String(text)) => words.contains(&text.as_str()),
            (Listen, ValueKind::Array(items)) => loopbacks(items).is_some(),
            (Directory, ValueKind::String(text)) => !text.contains('\0') && !text.starts_with('~'),
            (Services, ValueKind::String(text)) => services(text).is_some(),
            (LogFilter(most), ValueKind::String(text)) => text.len() <= most && is_log_filter(text),
            _ => false,
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Integer(..) | ZeroOr(..) | GreaterThan(..))
    }

    /// What may be used for a key, in words that follow "allowed: ". The end of the key names the unit of a number.
    pub(super) fn allowed(self, key: &str) -> String {
        let unit = match key.rsplit('_').next() {
            Some("ms") => " (milliseconds)",
            Some("bytes") => " (bytes)",
            _ => "",
        };
        match self {
            Section => "a table".to_owned(),
            Flag => "true or false".to_owned(),
            Integer(least, most) | GreaterThan(_, least, most) => format!("an integer from {least} to {most}{unit}"),
            ZeroOr(zero, least, most) => format!("0 ({zero}), or an integer from {least} to {most}{unit}"),
            OneOf(words) => words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", "),
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
pub(super) fn loopbacks(items: &[Value]) -> Option<Vec<SocketAddr>> {
    let read = |item: &Value| item.to_string().parse().ok().filter(|address: &SocketAddr| address.ip().is_loopback());
    let addresses: Vec<_> = items.iter().map(read).collect::<Option<_>>()?;
    // Twice the same port 0 would be two ports.
    let unique = addresses.iter().collect::<BTreeSet<_>>().len() == addresses.len();
    (unique && (1..=MOST_LISTENS).contains(&addresses.len())).then_some(addresses)
}

/// Bluetooth service UUIDs, four digits standing for the middle of the standard's base UUID.
pub(super) fn services(text: &str) -> Option<Vec<Uuid>> {
    text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(bluetooth_uuid).collect()
}

#[cfg(test)]
mod tests {
    use super::super::schema::rule;
    use super::*;

    fn allows_text(key: &str, value: &str) -> bool {
        rule(key).unwrap().allows(&value.into())
    }

    #[test]
    fn only_numeric_loopback_addresses_are_allowed() {
        let listen = |items: &[&str]| rule("server.listen").unwrap().allows(&items.to_vec().into());
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
        assert!(!rule("buses.btle.enabled").unwrap().allows(&1_i64.into()));
        assert!(!rule("sessions.max").unwrap().allows(&"1".into()));
    }

    #[test]
    fn says_what_is_allowed() {
        let said = |key| rule(key).unwrap().allowed(key);
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
        assert_eq!(said("access.unknown_origins"), "\"ask\", \"allow\", \"deny\"");
        assert!(allows_text("access.unknown_origins", "deny") && !allows_text("access.unknown_origins", "Deny"));
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
