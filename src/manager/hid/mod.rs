//! HID devices, by cable or Bluetooth: hardware whose vendor and product a definition names.
//!
//! Bytes go as they are, the first being the number of the report; what the hardware reports is heard on `rx`. The
//! library is blocking; each open device has two threads of its own (`system`), and the list is made on another.
//! A device's address is its serial number; without one it is vendor and product (`057e:2009`). Several with the same
//! are numbered, see `stable_address`.

mod bus;
#[cfg(target_os = "linux")]
mod check;
mod devices;
mod system;

pub use bus::Hid;
#[cfg(target_os = "linux")]
pub(super) use devices::named;
#[cfg(test)]
pub(super) use system::Info;
pub(super) use system::{Hidapi, System};

#[cfg(test)]
mod tests;
