//! The list of the coded drivers: a new one is a folder in `coded/` (with its `mod`) and a line here.

use crate::library::Definition;

use super::coded;
use super::contract::Protocol;
use super::template::Template;
#[cfg(test)]
use super::testing::Misbehaving;

/// Every protocol that is code, with its simulated side. A definition names one with `driver = "..."`.
const CODED: &[&dyn Protocol] = &[
    &coded::ankni::Ankni,
    &coded::fluffer::Fluffer,
    &coded::fredorch_rotary::FredorchRotary,
    &coded::galaku::Galaku,
    &coded::honeyplaybox::HoneyPlayBox,
    &coded::joyhub::JoyHub,
    &coded::kiiroo_v1::KiirooV1,
    &coded::lovense::Lovense,
    &coded::nintendo_joycon::NintendoJoycon,
    &coded::ossm::Ossm,
    &coded::text_login::VIBCRAFTER,
    &coded::text_login::VIBIO,
    &coded::thehandy::TheHandy,
    &coded::thehandy_v3::TheHandyV3,
    #[cfg(test)]
    &Misbehaving,
];

/// The names of the coded drivers.
#[must_use]
pub fn names() -> Vec<&'static str> {
    CODED.iter().map(|protocol| protocol.name()).collect()
}

/// The protocol of a definition: its coded driver, else the template engine.
#[must_use]
pub fn for_definition(definition: &Definition) -> &'static dyn Protocol {
    let coded = definition.driver.as_deref();
    CODED.iter().find(|known| Some(known.name()) == coded).copied().unwrap_or(&Template)
}
