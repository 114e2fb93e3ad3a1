//! Bluetooth LE, through the system's own stack (BlueZ on Linux).
//!
//! The Bluetooth library and everything that it spawns lives on a thread with a runtime of its own (`central`): where it
//! blocks or panics, no actor does, and when the bus is started again nothing of the old one is left. `manager` is the
//! actor that the hub sees; `sightings` and `scan_schedule` decide what to report and when to listen, `connection` opens
//! links and serves them, `characteristic` runs the operations of one characteristic one after the other, `adapter`
//! chooses the radio, `error` explains the system's refusals, and `connector` holds the commands that the central takes.
//! What may not live here: protocols and devices.

mod adapter;
mod central;
mod characteristic;
mod connection;
mod connector;
mod error;
mod manager;
mod options;
mod scan_schedule;
mod sightings;
mod status;

pub use central::is_harmless_panic;
pub use manager::factory;
pub use options::BtleOptions;
