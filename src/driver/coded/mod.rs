//! The drivers that are code, because templates cannot say what their protocols want: a folder each, with the
//! simulated side of the protocol beside its driver.

mod aes_block;
pub(super) mod ankni;
pub(super) mod fluffer;
pub(super) mod fredorch_rotary;
pub(super) mod galaku;
pub(super) mod honeyplaybox;
pub(super) mod joyhub;
pub(super) mod kiiroo_v1;
mod level_byte;
pub(super) mod lovense;
pub(super) mod nintendo_joycon;
pub(super) mod ossm;
mod standard_battery;
pub(super) mod text_login;
pub(super) mod thehandy;
pub(super) mod thehandy_v3;
mod without_inputs;
