//! The devices that the server has met: which index each has, and what the user set for it.
//!
//! Here live what is known ([`known`]) and what the user set for it ([`users`]), the state file ([`mod@file`]), its entries
//! ([`entry`]), what the user set in older ones ([`user`]) and its lock ([`lock`]), what is in force for an address ([`held`]) and how that follows from `devices.toml`
//! and from what was in force before ([`in_force`]), the move of what older state files hold ([`migrate`]), and what people see of it all
//! ([`overview`]). What the user
//! allowed for an address holds whatever model is found there; what cannot be understood is kept as it is and never loosens
//! anything. What may not live here: actors, links, anything that drives a device.

mod entry;
pub mod file;
mod held;
mod in_force;
mod known;
pub mod lock;
mod migrate;
mod overview;
#[cfg(test)]
mod tests;
mod user;
mod users;

pub use entry::{Entry, Key};
pub use file::REMEDY;
pub use known::{Admitted, InUse, KnownDevices, ToSave};
pub use overview::{Overview, OverviewLimits};
pub use users::{Applied, Read, examine};
