//! What the server knows of this bus.

use super::manager::factory;
use crate::manager::{bus_kind::BusKind, bus_kind::BusSetup, contract::Factory};
use crate::settings::Settings;

/// Hardware that programs play.
#[derive(Debug)]
pub struct Virtual;

impl BusKind for Virtual {
    fn name(&self) -> &'static str {
        "virtual"
    }

    fn is_enabled(&self, settings: &Settings) -> bool {
        settings.buses.virtual_bus.enabled
    }

    fn factory(&self, setup: &BusSetup<'_>) -> Factory {
        factory(setup.port.clone(), setup.deadlines(), setup.settings.buses.virtual_bus.max_devices)
    }
}
