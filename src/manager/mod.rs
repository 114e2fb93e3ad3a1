//! Buses: actors that find hardware and open links to it.
//!
//! `contract` is what managers and the hub say to each other; each bus has a folder. A manager reports what it finds as
//! [`Found`] and knows neither protocols nor devices. Buses of one sort share what they have in common:
//! `polling_manager` (a list that is made again and again), `stable_address`, `open_devices` and `blocking_link`
//! (threads for a blocking library). What may not live here: definitions, drivers, clients.

mod blocking_link;
pub mod btle;
mod contract;
#[cfg(target_os = "linux")]
pub mod gamepad;
pub mod hid;
mod link_info;
pub mod lovense_dongle;
mod open_devices;
mod polling_manager;
pub mod serial;
mod stable_address;
pub mod virtual_bus;
pub mod websocket;

pub use contract::{Connector, Factory, Found, ManagerContext, ManagerExited, ManagerGuard, ManagerHandle, Scan};
