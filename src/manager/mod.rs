//! Buses: actors that find hardware and open links to it.
//!
//! `contract` is what managers and the hub say to each other, `bus_kind` what a bus tells the rest of the server of
//! itself; each bus has a folder with one of those (`bus`), and `list` names every bus once. A manager reports what it finds as
//! [`Found`] and knows neither protocols nor devices. Buses of one sort share what they have in common:
//! `polling_manager` (a list that is made again and again), `stable_address`, `open_devices` and `blocking_link`
//! (threads for a blocking library). `device_threads` are the threads
//! on which devices run. What may not live here: definitions, drivers, clients.

pub mod access;
mod blocking_link;
pub mod btle;
mod bus_kind;
mod contract;
mod device_threads;
#[cfg(target_os = "linux")]
pub mod gamepad;
pub mod hid;
mod link_info;
pub mod list;
pub mod lovense_dongle;
mod open_devices;
mod polling_manager;
pub mod serial;
mod stable_address;
mod system;
pub mod virtual_bus;
pub mod websocket;

pub use access::Access;
pub use bus_kind::{BusKind, BusSetup, Check, Discovery, LibraryHandle};
pub use contract::{
    BusSpec, Connector, Factory, Found, ManagerContext, ManagerExit, ManagerExited, ManagerGuard, ManagerHandle, Scan,
};
pub use device_threads::{DeviceThread, DeviceThreads};
#[cfg(test)]
pub(crate) use system::FakeSystem;
pub use system::System;
