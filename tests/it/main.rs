//! Tests from outside: the real binary on a free port, real sockets, published clients, virtual hardware.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(clippy::string_slice, missing_debug_implementations, clippy::needless_pass_by_value)]

#[cfg(target_os = "linux")]
mod access;
mod addresses;
mod api;
mod bluez;
#[cfg(target_os = "linux")]
mod btle;
mod cli;
mod client;
mod devices_file;
mod doctor;
mod emergency_stop;
#[cfg(unix)]
mod first_hour;
mod house;
mod limits;
mod packets;
mod pauses;
mod played;
mod protocol;
mod questions;
mod readme;
mod recognition;
mod serial;
mod server;
mod service;
mod sessions;
mod simulate;
mod simulate_models;
mod sockets;
mod stop;
mod support;
#[cfg(unix)]
mod tokens;
mod versions;
mod virtual_bus;
mod websocket_bus;
mod welcome;
