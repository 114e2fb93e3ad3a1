//! Every kind of bus, in the order in which people are shown them. A new bus is one line here.

use super::access::Access;
use super::bus_kind::{BusKind, BusSetup};
use super::contract::BusSpec;
#[cfg(target_os = "linux")]
use super::gamepad::Gamepad;
use super::{btle::Btle, hid::Hid, lovense_dongle::LovenseDongle, serial::Serial};
use super::{virtual_bus::Virtual, websocket::Websocket};
use crate::library::Library;
use crate::settings::Settings;

/// Every kind of bus.
pub const BUSES: &[&dyn BusKind] = &[
    &Virtual,
    &Btle,
    &Serial,
    &Hid,
    &LovenseDongle,
    #[cfg(target_os = "linux")]
    &Gamepad,
    &Websocket,
];

/// The kinds of bus that the settings switch on.
pub fn enabled(settings: &Settings) -> impl Iterator<Item = &'static dyn BusKind> {
    BUSES.iter().copied().filter(|bus| bus.is_enabled(settings))
}

/// The buses that the settings switch on, as the hub takes them.
#[must_use]
pub fn all(setup: &BusSetup<'_>) -> Vec<BusSpec> {
    enabled(setup.settings).map(|bus| bus.spec(setup)).collect()
}

/// What the system has to grant for the hardware of these definitions, whichever buses are on.
#[must_use]
pub fn access(library: &Library) -> Vec<Access> {
    BUSES.iter().flat_map(|bus| bus.access(library)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_bus_has_a_name_of_its_own_and_a_switch_in_the_settings() {
        let names: BTreeSet<_> = BUSES.iter().map(|bus| bus.name()).collect();
        assert_eq!(names.len(), BUSES.len(), "{names:?}");
        let settings = Settings::builtin().unwrap();
        for bus in BUSES {
            let key = format!("buses.{}.enabled", bus.name());
            let line = settings.report().iter().find(|line| line.key == key).unwrap_or_else(|| panic!("{key}"));
            assert_eq!(line.value.to_string(), bus.is_enabled(&settings).to_string(), "{key}");
        }
    }
}
