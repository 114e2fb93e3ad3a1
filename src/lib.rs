//! hapticd: a server for intimate and haptic hardware.
//!
//! Programs connect over WebSocket with the Buttplug protocol; hapticd finds the hardware, knows what bytes each model
//! wants, and keeps people safe. The rooms of this house, arrows pointing downward only:
//!
//! | room | lives there |
//! |---|---|
//! | [`message`] | what clients and server say: one model, one file a wire version |
//! | [`library`] | what is known about hardware: definitions, their template language, matching |
//! | [`driver`] | wire protocols: the template engine, one file a coded driver |
//! | [`device`] | one connected device: its wanted state and the actor that writes it |
//!
//! Beside the rooms stand the leaves that any of them may use: [`link`] (an open connection to hardware) and
//! [`metrics`].

pub mod cli;
pub mod describe;
pub mod device;
pub mod driver;
pub mod hub;
pub mod library;
pub mod link;
pub mod manager;
pub mod message;
pub mod metrics;
pub mod session;
pub mod settings;
pub mod socket;
pub mod web;
