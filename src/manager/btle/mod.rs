//! Bluetooth LE, through the system's own stack (BlueZ on Linux).
//!
//! The Bluetooth library and everything that it spawns lives on a thread with a runtime of its own (`central`): where it
//! blocks or panics, no actor does, and when the bus is started again nothing of the old one is left. `manager` is the
//! actor that the hub sees; `sightings` and `scan_schedule` decide what to report and when to listen, `connection` opens
//! links and serves them, `characteristic` runs the operations of one characteristic one after the other, `adapter`
//! chooses the radio, `error` explains the system's refusals, and `connector` holds the commands that the central takes.
//! What may not live here: protocols and devices.

mod adapter;
mod bus;
mod central;
mod characteristic;
#[cfg(target_os = "linux")]
mod check_bluez;
#[cfg(target_os = "linux")]
mod check_rfkill;
mod connection;
mod connector;
mod error;
mod manager;
mod options;
mod scan_schedule;
mod sightings;
mod status;

pub use bus::Btle;
pub use central::is_harmless_panic;
