//! What the user set for devices: `devices.toml`, the file that people and `hapticd device` edit.
//!
//! Here live what the file may say ([`settings`]), reading it so that nothing is overlooked ([`mod@read`]), changing it so that
//! comments and unknown entries stay ([`edit`]), its path, lock and saving ([`store`]), and how addresses compare
//! ([`address`]). What may not live here: what is in force (`hub::known_devices` decides that, with the copy in the state
//! file), models and definitions, actors.

pub mod address;
mod edit;
mod read;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod values;

pub use edit::{Editor, NEW_FILE};
pub use read::{EntryProblem, UserDevices, understand};
pub use settings::{
    DeviceSettings, LONGEST_TEXT, Limit, MOST_GAP_MS, MOST_PERCENT, OutputName, OutputSettings, Source,
};
pub use store::{FILE, choose, lock_and_edit, read, read_bytes, save};
