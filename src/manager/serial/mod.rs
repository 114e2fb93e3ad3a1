//! Serial ports: devices with a cable, by the user's own entry that names the port.
//!
//! No serial device says what it speaks, so a port is only opened when a definition names it (a user's file with
//! `extends = "tcode-v03"` and `serial = { port = ..., baud = ... }`).

mod bus;
#[cfg(target_os = "linux")]
mod check;
mod connector;
mod ports;

pub use bus::Serial;
pub(super) use connector::ends;
