//! The drivers that are code, because templates cannot say what their protocols want.

mod lovense;
mod nintendo_joycon;

pub(super) use lovense::Lovense;
pub(super) use nintendo_joycon::NintendoJoycon;
