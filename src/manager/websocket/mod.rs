//! Hardware that dials in over WebSocket: DIY firmware and simulators (facts: protocols/websocket-devices.md).
//!
//! The device's first frame says who it is: `{"identifier": "...", "address": "...", "version": 0}`. After that every
//! write is one binary frame to it and every frame from it is a notification. The manager accepts; each socket is served on
//! the thread on which its device runs.

mod bus;
mod connector;
mod handshake;
mod listener;
mod manager;
mod options;
mod socket;

pub use bus::Websocket;
