//! What the server knows of this bus.

use super::check::check;
use super::pads::{all, factory};
use crate::library::Library;
use crate::manager::{
    access::Access, bus_kind::BusKind, bus_kind::BusSetup, bus_kind::Check, bus_kind::Discovery, contract::Factory,
};
use crate::settings::Settings;

/// The service must not be in the group `input`, which may read every keyboard.
const RULE: &str = "
# Gamepads that can shake. The person at the computer has them by systemd's own rules.
SUBSYSTEM==\"input\", KERNEL==\"event*\", ENV{ID_INPUT_JOYSTICK}==\"1\", ATTRS{capabilities/ff}!=\"0\", GROUP=\"hapticd\", MODE=\"0660\"
";

/// Gamepads that can rumble.
#[derive(Debug)]
pub struct Gamepad;

impl BusKind for Gamepad {
    fn name(&self) -> &'static str {
        "gamepad"
    }

    fn is_enabled(&self, settings: &Settings) -> bool {
        settings.buses.gamepad.enabled
    }

    fn factory(&self, setup: &BusSetup<'_>) -> Factory {
        factory(setup.library, setup.settings.buses.hid.enabled, setup.deadlines())
    }

    fn discovery(&self) -> Discovery {
        Discovery::List(all)
    }

    fn access(&self, _: &Library) -> Vec<Access> {
        vec![Access::Rule(RULE)]
    }

    fn checks(&self) -> &'static [Check] {
        &[("gamepads", check)]
    }
}
