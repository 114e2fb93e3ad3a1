//! The settings of the server: where they are read from, what they may be, and what they are.
//!
//! Three stages, each with its own type, so that no unchecked value can reach the program:
//!
//! 1. a `layer` is what one layer (a file, the environment, `--set`) says, each value with
//!    where it came from, already checked for its name, its type and its range;
//! 2. `merge` lays the layers over each other with the `config` crate;
//! 3. `validate` checks what concerns several keys and builds [`Settings`], which is all the
//!    rest of the program sees.
//!
//! `config/default.toml` is the only list of keys, types and defaults, and is also the manual;
//! `rule` holds the only list of ranges.
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
mod raw;
mod report;
mod rule;
mod schema;
mod sources;
#[cfg(test)]
mod tests;
mod tree;
mod validate;
mod value;

pub use layer::BUILTIN;
pub use problem::{SettingsError, SettingsProblem};
pub use report::ReportLine;
pub use sources::{FileSource, Sources};
pub use tree::{
    BusSettings, DeviceSettings, LinkSettings, LogSettings, MdnsSettings, ServerSettings, SessionSettings, Settings,
    StateSettings, SwitchSettings, VirtualBusSettings, WebsocketBusSettings,
};

/// Every key with its default, meaning, unit and range: the embedded `config/default.toml`, as
/// text for people to read.
pub const MANUAL: &str = include_str!("../../config/default.toml");
