//! What the server knows of this bus.

use super::manager::factory;
use super::options::BtleOptions;
#[cfg(target_os = "linux")]
use super::{check_bluez, check_rfkill};
#[cfg(target_os = "linux")]
use crate::manager::bus_kind::Check;
use crate::manager::bus_kind::{BusKind, BusSetup, Discovery};
use crate::manager::contract::Factory;
use crate::settings::Settings;

/// Bluetooth LE.
#[derive(Debug)]
pub struct Btle;

impl BusKind for Btle {
    fn name(&self) -> &'static str {
        "btle"
    }

    fn is_enabled(&self, settings: &Settings) -> bool {
        settings.buses.btle.enabled
    }

    fn factory(&self, setup: &BusSetup<'_>) -> Factory {
        let own = &setup.settings.buses.btle;
        let (adapter, services) = (own.adapter.clone(), own.services.clone());
        factory(BtleOptions { adapter, services, look_every: own.look_every, deadlines: setup.deadlines() })
    }

    fn discovery(&self) -> Discovery {
        Discovery::Manager
    }

    #[cfg(target_os = "linux")]
    fn checks(&self) -> &'static [Check] {
        &[("bluetooth", check_bluez::check), ("radio", check_rfkill::check)]
    }
}
