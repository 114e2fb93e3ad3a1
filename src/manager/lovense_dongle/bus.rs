//! What the server knows of this bus.

use super::dongles::{IDS, factory};
use crate::library::Library;
use crate::manager::{access::Access, bus_kind::BusKind, bus_kind::BusSetup, contract::Factory};
use crate::settings::Settings;

/// Bluetooth toys behind Lovense's USB dongle.
#[derive(Debug)]
pub struct LovenseDongle;

impl BusKind for LovenseDongle {
    fn name(&self) -> &'static str {
        "lovense_dongle"
    }

    fn is_enabled(&self, settings: &Settings) -> bool {
        settings.buses.lovense_dongle.enabled
    }

    fn factory(&self, setup: &BusSetup<'_>) -> Factory {
        factory(setup.settings.buses.lovense_dongle.port.clone(), setup.deadlines())
    }

    fn access(&self, _: &Library) -> Vec<Access> {
        vec![Access::Hidraw(IDS, "Lovense USB dongle".to_owned())]
    }
}
