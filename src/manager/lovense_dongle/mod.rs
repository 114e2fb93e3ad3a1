//! Lovense's USB dongle: a Bluetooth toy behind a cable.
//!
//! The toy is hardware of a bus of its own. It is recognised as a Bluetooth toy of the name `LVS-DongleDevice` and spoken to by the
//! same driver; its address is the id by which the dongle knows it. Dongles are plugged and unplugged as anybody likes.
//! Here live the form of messages on the wire (`framing`, `message`), what a dongle is doing (`state_machine`, without bytes
//! and clocks), and its threads (`dongle`). The older dongle with
//! a serial port cannot be told from other adapters, so the user names its port. No document that we have says how it
//! speaks: it is taken to say the same lines, at 115,200 bits a second.

mod bus;
mod dongle;
mod dongles;
mod framing;
mod message;
mod state_machine;

pub use bus::LovenseDongle;

#[cfg(test)]
mod tests;
