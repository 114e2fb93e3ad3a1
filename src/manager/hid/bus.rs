//! What the server knows of this bus.

#[cfg(target_os = "linux")]
use super::check::check;
use super::devices::{all, factory};
use crate::library::{Library, Matcher};
use crate::manager::access::Access;
#[cfg(target_os = "linux")]
use crate::manager::bus_kind::Check;
use crate::manager::bus_kind::{BusKind, BusSetup, Discovery};
use crate::manager::contract::Factory;
use crate::settings::Settings;

/// HID devices.
#[derive(Debug)]
pub struct Hid;

impl BusKind for Hid {
    fn name(&self) -> &'static str {
        "hid"
    }

    fn is_enabled(&self, settings: &Settings) -> bool {
        settings.buses.hid.enabled
    }

    fn factory(&self, setup: &BusSetup<'_>) -> Factory {
        factory(setup.library, setup.deadlines())
    }

    fn discovery(&self) -> Discovery {
        Discovery::List(all)
    }

    fn access(&self, library: &Library) -> Vec<Access> {
        let devices = library.matchers().filter_map(|(matcher, known)| match matcher {
            Matcher::Hid(ids) => Some(ids.iter().map(|ids| Access::Hidraw(*ids, known.name.clone()))),
            _ => None,
        });
        devices.flatten().collect()
    }

    #[cfg(target_os = "linux")]
    fn checks(&self) -> &'static [Check] {
        &[("hid", check)]
    }
}
