//! The named channels of a link.

use std::fmt;

/// Every endpoint name that definitions, drivers and the raw messages of protocol versions 2 and 3 may use
/// (facts: messages.md section 3).
const NAMES: [&str; 46] = [
    "command",
    "firmware",
    "rx",
    "rxaccel",
    "rxblebattery",
    "rxblemodel",
    "rxpressure",
    "rxtouch",
    "tx",
    "txmode",
    "txshock",
    "txvibrate",
    "txvendorcontrol",
    "whitelist",
    "generic0",
    "generic1",
    "generic2",
    "generic3",
    "generic4",
    "generic5",
    "generic6",
    "generic7",
    "generic8",
    "generic9",
    "generic10",
    "generic11",
    "generic12",
    "generic13",
    "generic14",
    "generic15",
    "generic16",
    "generic17",
    "generic18",
    "generic19",
    "generic20",
    "generic21",
    "generic22",
    "generic23",
    "generic24",
    "generic25",
    "generic26",
    "generic27",
    "generic28",
    "generic29",
    "generic30",
    "generic31",
];

/// A named channel of a link, such as `tx` (towards the hardware) or `rx` (from it).
///
/// Copies are free: the name is one of a fixed table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint(&'static str);

impl Endpoint {
    /// Main channel towards the hardware.
    pub const TX: Endpoint = Endpoint("tx");
    /// Main channel from the hardware.
    pub const RX: Endpoint = Endpoint("rx");
    /// Commands that are no outputs.
    pub const COMMAND: Endpoint = Endpoint("command");
    /// Modes of the hardware.
    pub const TXMODE: Endpoint = Endpoint("txmode");
    /// Standard Bluetooth battery level, one byte of percent.
    pub const BATTERY: Endpoint = Endpoint("rxblebattery");

    /// Finds an endpoint by its lower-case name; `None` when no endpoint is called so.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|known| **known == name).map(|known| Self(known))
    }

    /// The lower-case name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_parse_and_others_do_not() {
        assert_eq!(Endpoint::parse("tx"), Some(Endpoint::TX));
        assert_eq!(Endpoint::parse("generic31").map(Endpoint::name), Some("generic31"));
        assert_eq!(Endpoint::parse("TX"), None);
        assert_eq!(Endpoint::parse(""), None);
    }
}
