//! What a bus says of hardware that it found.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use uuid::Uuid;

use crate::text::shown;
use crate::types::Bus;

/// A name without the NULs, control characters and blanks at its end. Firmware fills a field of fixed length with them,
/// or sends the end of a line; they tell no hardware from another.
#[must_use]
pub fn trimmed(name: &str) -> &str {
    name.trim_end_matches(|last: char| last.is_control() || last.is_whitespace())
}

/// Hardware as its bus sees it, before anybody connects to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hardware {
    /// Where it was found.
    pub bus: Bus,
    /// Advertised name, port name, or identifier, without what [`trimmed`] cuts off; may be empty.
    pub name: String,
    /// What tells it from others of its kind on this bus.
    pub address: String,
    /// Advertised services.
    pub advertised: BTreeSet<Uuid>,
    /// Manufacturer data by company id.
    pub manufacturer: BTreeMap<u16, Vec<u8>>,
    /// USB vendor and product id.
    pub usb: Option<(u16, u16)>,
    /// Strength of its signal when it was last heard, in dBm.
    pub signal_dbm: Option<i16>,
    /// The protocol that hardware which a program plays says it speaks, whatever it looks like; real hardware says
    /// nothing.
    pub protocol: Option<String>,
    /// Whether the file of known devices keeps it. Only hardware that a program plays may want otherwise.
    pub remembered: bool,
}

impl Hardware {
    /// Hardware of which only bus, name and address are known.
    #[must_use]
    pub fn new(bus: Bus, name: impl AsRef<str>, address: impl Into<String>) -> Self {
        Self {
            bus,
            name: trimmed(name.as_ref()).to_owned(),
            address: address.into(),
            advertised: BTreeSet::new(),
            manufacturer: BTreeMap::new(),
            usb: None,
            signal_dbm: None,
            protocol: None,
            remembered: true,
        }
    }
}

/// As it is shown to people: name and address are what the hardware says, and are cut.
impl fmt::Display for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {} on {}", shown(&self.name), shown(&self.address), self.bus)
    }
}

/// Vendor and product as definitions write them, such as `057e:2009`.
#[must_use]
pub fn usb_id((vendor, product): (u16, u16)) -> String {
    format!("{vendor:04x}:{product:04x}")
}

/// A UUID of 36 characters, or the 4 hex digits of one on the Bluetooth base `0000xxxx-0000-1000-8000-00805f9b34fb`.
#[must_use]
pub fn bluetooth_uuid(text: &str) -> Option<Uuid> {
    const BASE: u128 = 0x1000_8000_0080_5f9b_34fb;
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match text.len() {
        4 if digits => u16::from_str_radix(text, 16).ok().map(|short| Uuid::from_u128(BASE | u128::from(short) << 96)),
        36 => Uuid::try_parse(text).ok(),
        _ => None,
    }
}
