//! Bluetooth LE, through the system's own stack (BlueZ on Linux).
//!
//! The Bluetooth library and everything that it spawns lives on a thread with a runtime of its own (`radio`): where it
//! blocks or panics, no actor does, and when the bus is started again nothing of the old one is left. Here is the actor
//! that the hub sees; `sightings` and `duty` decide whom to report and when to listen, `connection` opens links and
//! serves them, `lane` does the operations of one characteristic, `adapter` chooses the radio and explains errors, and
//! `way` is what the radio is told. What may not live here: protocols and devices.

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
