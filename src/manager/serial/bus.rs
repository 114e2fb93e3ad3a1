//! What the server knows of this bus.

#[cfg(target_os = "linux")]
use super::check::check;
use super::ports::{all, factory};
use crate::library::{Library, Matcher};
use crate::manager::access::Access;
#[cfg(target_os = "linux")]
use crate::manager::bus_kind::Check;
use crate::manager::bus_kind::{BusKind, BusSetup, Discovery};
use crate::manager::contract::Factory;
use crate::settings::Settings;

/// Serial ports.
#[derive(Debug)]
pub struct Serial;

impl BusKind for Serial {
    fn name(&self) -> &'static str {
        "serial"
    }

    fn is_enabled(&self, settings: &Settings) -> bool {
        settings.buses.serial.enabled
    }

    fn factory(&self, setup: &BusSetup<'_>) -> Factory {
        factory(setup.library, setup.deadlines())
    }

    fn discovery(&self) -> Discovery {
        Discovery::List(all)
    }

    fn access(&self, library: &Library) -> Vec<Access> {
        let ports = library.matchers().filter_map(|(matcher, known)| match matcher {
            Matcher::Serial(serial) => Some(Access::Tty(serial.port.clone(), known.name.clone())),
            _ => None,
        });
        ports.collect()
    }

    #[cfg(target_os = "linux")]
    fn checks(&self) -> &'static [Check] {
        &[("serial", check)]
    }
}
