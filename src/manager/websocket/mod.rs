//! Hardware that dials in over WebSocket: DIY firmware and simulators (facts: protocols/websocket-devices.md).
//!
//! The device's first frame says who it is: `{"identifier": "...", "address": "...", "version": 0}`. After that every
//! write is one binary frame to it and every frame from it is a notification.

mod bus;
mod manager;

pub use bus::Websocket;
