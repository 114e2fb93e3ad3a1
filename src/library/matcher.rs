//! How a definition recognises its hardware.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::hardware::{Hardware, trimmed};
use super::services::{RealServices, Services, UuidPattern};
use crate::types::{Bus, Endpoint};

/// How sure a recognition is, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// A name with a wildcard.
    Pattern,
    /// Manufacturer data.
    Manufacturer,
    /// An advertised service.
    Service,
    /// An exact name, port or USB id.
    Exact,
}

/// Speed and framing of a serial port.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SerialPort {
    /// Port name; see [`SerialPort::is_real`].
    pub port: String,
    /// Bits a second.
    pub baud: u32,
    /// Data bits, 5 to 8.
    #[serde(default = "eight")]
    pub data_bits: u8,
    /// Stop bits, 1 or 2.
    #[serde(default = "one")]
    pub stop_bits: u8,
    /// Parity.
    #[serde(default)]
    pub parity: Parity,
}

impl SerialPort {
    /// Whether this is a port of a machine. `default` and what begins with `default:` is none: a user's own entry must
    /// name one (facts: tcode-v03.md). Only hardware that a program plays has such a port, and by it is told what it is.
    #[must_use]
    pub fn is_real(&self) -> bool {
        self.port != "default" && !self.port.starts_with("default:")
    }
}

/// Parity of a serial port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Parity {
    /// No parity bit.
    #[default]
    None,
    /// Even.
    Even,
    /// Odd.
    Odd,
}

fn eight() -> u8 {
    8
}

fn one() -> u8 {
    1
}

/// One `[[match]]` entry of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matcher {
    /// Bluetooth LE: any of these recognises it.
    Btle {
        /// Names; a trailing `*` matches any rest.
        names: Vec<String>,
        /// Advertised services.
        advertised: Vec<UuidPattern>,
        /// Company id and bytes that its data must contain; no bytes means any data.
        manufacturer: Vec<(u16, Vec<u8>)>,
        /// Where the endpoints are.
        services: Services,
    },
    /// A serial port.
    Serial(SerialPort),
    /// HID by vendor and product.
    Hid(Vec<(u16, u16)>),
    /// Plain USB by vendor and product.
    Usb(Vec<(u16, u16)>),
    /// A device that dials in under one of these identifiers.
    Websocket(Vec<String>),
    /// Every gamepad that can rumble.
    Gamepad,
}

impl Matcher {
    /// The bus that the entry is about.
    #[must_use]
    pub fn bus(&self) -> Bus {
        match self {
            Self::Btle { .. } => Bus::Btle,
            Self::Serial(_) => Bus::Serial,
            Self::Hid(_) => Bus::Hid,
            Self::Usb(_) => Bus::Usb,
            Self::Websocket(_) => Bus::Websocket,
            Self::Gamepad => Bus::Gamepad,
        }
    }

    /// Whether this is the hardware, and how sure that is (facts: server-behaviours.md section 2).
    #[must_use]
    pub fn fits(&self, hardware: &Hardware) -> Option<Strength> {
        if self.bus() != hardware.bus.recognised_as() {
            return None;
        }
        match self {
            Self::Btle { names, advertised, manufacturer, .. } => {
                let company = |(company, wanted): &(u16, Vec<u8>)| {
                    hardware.manufacturer.get(company).is_some_and(|data| {
                        // An empty pattern is "any data of this company".
                        wanted.is_empty() || contains(data, wanted) || (!data.is_empty() && contains(wanted, data))
                    })
                };
                if named(names, hardware) {
                    Some(Strength::Exact)
                } else if advertised.iter().any(|service| hardware.advertised.iter().any(|real| service.fits(real))) {
                    Some(Strength::Service)
                } else if manufacturer.iter().any(company) {
                    Some(Strength::Manufacturer)
                } else {
                    let pattern =
                        |name: &String| name.strip_suffix('*').is_some_and(|start| hardware.name.starts_with(start));
                    names.iter().any(pattern).then_some(Strength::Pattern)
                }
            }
            Self::Serial(serial) => (trimmed(&serial.port) == hardware.name).then_some(Strength::Exact),
            Self::Hid(ids) | Self::Usb(ids) => hardware.usb.filter(|id| ids.contains(id)).map(|_| Strength::Exact),
            Self::Websocket(names) => named(names, hardware).then_some(Strength::Exact),
            // Any other entry about a gamepad says more.
            Self::Gamepad => Some(Strength::Pattern),
        }
    }

    /// Endpoints of hardware that has everything the entry speaks of. Buses without services have `tx` and `rx`.
    #[must_use]
    pub fn endpoints(&self) -> BTreeSet<Endpoint> {
        match self {
            Self::Btle { services, .. } => services.endpoints(),
            _ => BTreeSet::from([Endpoint::TX, Endpoint::RX]),
        }
    }

    /// Endpoints of hardware that has just these services, each with its characteristics.
    #[must_use]
    pub fn endpoints_of(&self, real: &RealServices) -> BTreeSet<Endpoint> {
        match self {
            Self::Btle { services, .. } => services.on(real).into_keys().collect(),
            _ => self.endpoints(),
        }
    }
}

/// Whether the hardware has one of these names. Definitions may carry the filling, too, where the hardware has it.
fn named(names: &[String], hardware: &Hardware) -> bool {
    names.iter().any(|name| trimmed(name) == hardware.name)
}

fn contains(data: &[u8], part: &[u8]) -> bool {
    data.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn btle(names: &[&str], manufacturer: &[(u16, &[u8])]) -> Matcher {
        Matcher::Btle {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            advertised: vec![UuidPattern::from(Uuid::from_u128(0x1320))],
            manufacturer: manufacturer.iter().map(|(company, data)| (*company, data.to_vec())).collect(),
            services: Services::default(),
        }
    }

    #[test]
    fn strengths() {
        let matcher = btle(&["LVS-*", "Exact"], &[(93, &[0, 0, 39])]);
        let named = |name| Hardware::new(Bus::Btle, name, "a");
        assert_eq!(matcher.fits(&named("Exact")), Some(Strength::Exact));
        assert_eq!(matcher.fits(&named("LVS-Z001")), Some(Strength::Pattern));
        assert_eq!(matcher.fits(&named("LVS-")), Some(Strength::Pattern));
        assert_eq!(matcher.fits(&named("XLVS-")), None);
        assert_eq!(matcher.fits(&Hardware::new(Bus::Serial, "Exact", "a")), None);
        let mut other = named("other");
        other.manufacturer.insert(93, vec![1, 0, 0, 39, 176]);
        assert_eq!(matcher.fits(&other), Some(Strength::Manufacturer));
        other.manufacturer.insert(93, vec![]);
        assert_eq!(matcher.fits(&other), None);
        other.advertised.insert(Uuid::from_u128(0x1320));
        assert_eq!(matcher.fits(&other), Some(Strength::Service));
    }

    #[test]
    fn what_fills_a_name_up_is_ignored_on_every_bus() {
        let library = crate::library::Library::load(&[], &crate::driver::names());
        for filling in ["", "\0", "\r\n", "  ", "\0\0\0\0", " \r\n\0 ", "\t\u{7f}\u{a0}"] {
            let hardware = Hardware::new(Bus::Btle, format!("Launch{filling}"), "a");
            assert_eq!(hardware.to_string(), "\"Launch\" at a on btle");
            let candidates = library.candidates(&hardware);
            assert_eq!(candidates.first().map(|found| found.definition.protocol.as_str()), Some("kiiroo-v2"));
            // The name is what the model is found by, too.
            assert_eq!(candidates[0].definition.model(Some(&hardware.name)).name, "Fleshlight Launch");
            let websocket = Matcher::Websocket(vec!["Machine".to_owned()]);
            let dialled = Hardware::new(Bus::Websocket, format!("Machine{filling}"), "a");
            assert_eq!(websocket.fits(&dialled), Some(Strength::Exact));
            let port = format!("/dev/ttyUSB0{filling}");
            let serial = SerialPort { port, baud: 9600, data_bits: 8, stop_bits: 1, parity: Parity::None };
            let cable = Hardware::new(Bus::Serial, "/dev/ttyUSB0", "a");
            assert_eq!(Matcher::Serial(serial).fits(&cable), Some(Strength::Exact));
        }
        // A definition that carries the filling means the same name, and so do the identifiers of its models.
        let ufo = Hardware::new(Bus::Btle, "UFO ", "a");
        let found = library.candidates(&ufo);
        let names = found.iter().map(|found| found.definition.model(Some(&ufo.name)).name.as_str());
        // The services of the hardware decide between the two.
        assert_eq!(names.collect::<Vec<_>>(), ["Foreo UFO", "Vorze UFO TW"]);
        // What stands before is part of the name.
        assert!(library.candidates(&Hardware::new(Bus::Btle, " Launch", "a")).is_empty());
        assert!(library.candidates(&Hardware::new(Bus::Btle, "Lau\0nch", "a")).is_empty());
    }

    #[test]
    fn what_is_behind_the_dongle_is_recognised_like_a_bluetooth_toy() {
        let behind = Hardware::new(Bus::LovenseDongle, "LVS-DongleDevice", "a");
        assert_eq!(btle(&["LVS-*"], &[]).fits(&behind), Some(Strength::Pattern));
        assert_eq!(Matcher::Gamepad.fits(&behind), None);
        let library = crate::library::Library::load(&[], &crate::driver::names());
        let candidates = library.candidates(&behind);
        assert_eq!(candidates.len(), 1);
        assert_eq!(candidates[0].definition.gap_on(behind.bus), std::time::Duration::from_millis(75));
    }

    #[test]
    fn every_bus_is_listed_and_has_the_name_that_files_use() {
        for (at, bus) in Bus::ALL.into_iter().enumerate() {
            assert_eq!(Bus::ALL.iter().position(|other| other.name() == bus.name()), Some(at));
            assert_eq!(serde_json::to_value(bus).unwrap(), bus.name());
        }
        // A new bus is to be added to the list.
        match Bus::ALL[0] {
            Bus::Btle | Bus::Serial | Bus::Hid | Bus::Usb | Bus::Websocket | Bus::LovenseDongle | Bus::Gamepad => {
                assert_eq!(Bus::ALL.len(), 7);
            }
        }
    }
}
