//! What the system has to grant, so that a bus may use its hardware.

use std::collections::BTreeMap;

/// Something that the system has to grant, with the name of the hardware that needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// The HID device of this vendor and product.
    Hidraw((u16, u16), String),
    /// The serial port of this path.
    Tty(String, String),
    /// Whatever this udev rule matches.
    Rule(&'static str),
}

/// The HID devices among these, by vendor and product, with the names of all that is known by them.
#[must_use]
pub fn hid_devices(access: &[Access]) -> BTreeMap<(u16, u16), Vec<&str>> {
    by_key(access.iter().filter_map(|access| match access {
        Access::Hidraw(ids, name) => Some((*ids, name.as_str())),
        _ => None,
    }))
}

/// The serial ports among these, by path, with the names of all that is known by them.
#[must_use]
pub fn ports(access: &[Access]) -> BTreeMap<&str, Vec<&str>> {
    by_key(access.iter().filter_map(|access| match access {
        Access::Tty(port, name) => Some((port.as_str(), name.as_str())),
        _ => None,
    }))
}

/// Groups names by what they need; each is there once.
#[must_use]
pub fn by_key<'a, K: Ord>(pairs: impl Iterator<Item = (K, &'a str)>) -> BTreeMap<K, Vec<&'a str>> {
    let mut all: BTreeMap<K, Vec<&str>> = BTreeMap::new();
    for (key, name) in pairs {
        let names = all.entry(key).or_default();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    all
}
