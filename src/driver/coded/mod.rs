//! The drivers that are code, because templates cannot say what their protocols want: a folder each, with the
//! simulated side of the protocol beside its driver.

pub(super) mod joyhub;
pub(super) mod lovense;
pub(super) mod nintendo_joycon;
pub(super) mod ossm;
pub(super) mod thehandy;
pub(super) mod thehandy_v3;
mod without_inputs;
