//! The settings of the server: where they are read from, what they may be, and what they are.
//!
//! `table` is the only list of them in code: key, type, rule and doc of each. From there come the structures that the rest
//! of the program sees, which keys exist (`schema`), what each may be (`rule`) and how it is read (`setting`).
//! `config/default.toml` has the defaults and is the manual; tests compare it with the table.
//!
//! 1. A `layer` is what one source (a file, the environment, `--set`) says, each value with its origin, already checked for
//!    its name, its type and its range;
//! 2. `merge` lays the layers over each other with the `config` crate;
//! 3. `load` checks what concerns several keys and reads [`Settings`].
//!
//! What may not live here: anything that acts on a setting (binding a port, making a directory,
//! starting a log), and any other reading of the environment or of settings files. Nothing here
//! keeps global state: [`Settings::load`] depends on its [`Sources`], and for the two default
//! directories on the platform.

mod layer;
mod load;
mod merge;
mod paths;
mod problem;
mod report;
mod rule;
mod schema;
mod setting;
mod sources;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub use layer::BUILTIN;
pub use load::MANUAL;
pub use problem::{SettingsError, SettingsProblem};
pub use report::ReportLine;
pub use sources::{FileSource, Sources};
pub use table::{
    AccessSettings, ApiSettings, BtleBusSettings, BusSettings, DeviceSettings, DongleBusSettings, LinkSettings,
    LogSettings, MdnsSettings, ServerSettings, SessionSettings, Settings, StateSettings, SwitchSettings,
    VirtualBusSettings, WebsocketBusSettings,
};
