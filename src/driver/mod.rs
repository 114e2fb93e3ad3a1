//! Wire protocols: turns desired outputs into link writes, and link traffic into inputs.
//!
//! Here live the contract of a driver ([`Driver`], [`Protocol`]), the engine that runs the templates of a definition
//! (`template/`), a folder for each coded driver with its simulated side (`coded/`), and the list of them
//! ([`for_definition`]). What may not live here: buses, actors, timers. The device's writer asks a driver for packets;
//! definitions list the devices.

mod coded;
mod contract;
mod levels;
mod list;
mod moves;
pub mod simulated;
mod template;
#[cfg(test)]
pub(crate) mod testing;

pub use contract::{Batch, Boxed, Change, Driver, DriverError, Inputs, Poll, Protocol};
pub use levels::Levels;
pub use list::{for_definition, names};
pub use moves::Moves;
pub use template::identify;
