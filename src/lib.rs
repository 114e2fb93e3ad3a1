//! hapticd: a server for intimate and haptic hardware.
//!
//! Programs connect over WebSocket with the Buttplug protocol; hapticd finds the hardware, knows what bytes each model
//! wants, and keeps people safe. The rooms of this house, arrows pointing downward only:
//!
//! | room | lives there |
//! |---|---|
//! | [`cli`] | the command line: one file a subcommand |
//! | [`web`] | HTTP on the one port: upgrade, health, metrics, emergency stop, a page |
//! | [`session`] | one connected client: handshake, version, ping, replies |
//! | [`control`] | the one front door: what anybody may ask of the server, without a wire format |
//! | [`hub`] | the supervisor: registry, routing table, restarts, shutdown |
//! | [`manager`] | buses: actors that find hardware and open links |
//! | [`device`] | one connected device: its wanted state and the actor that writes it |
//! | [`driver`] | wire protocols: the template engine, one file a coded driver |
//! | [`library`] | what is known about hardware: definitions, their template language, matching |
//! | [`buttplug`] | the wire: frame, handshake, errors, one file a version |
//! | [`types`] | the words that every room may use |
//!
//! Beside the rooms stand the leaves that any of them may use: [`link`] (an open connection to hardware), [`transport`] (one
//! connection as frames in and frames out), [`metrics`] (every metric, and the log line that goes with it), [`describe`] (what actors
//! say of themselves), [`access`] (who a request comes from), [`patience`] (deadlines for peers), [`text`] (what strangers write, read and shown), [`throttle`],
//! [`addresses`] (where to listen) and
//! [`settings`] (which only [`cli`] reads).
//!
//! How a command travels: a frame reaches the session's actor over its [`transport`]; the session understands it once,
//! looks the device up in the routing table, and puts the values into the device's wanted state, all of one frame
//! together. The device's writer wakes, lets the driver make packets of what changed, and writes them to the link. The
//! hub is not on that path.
//!
//! Who watches whom: the hub starts managers and devices from factories and hears of their end through guards that are
//! dropped with them, even by a panic; sessions leave a guard of the same kind. The binary watches the hub.

pub mod access;
pub mod addresses;
pub mod buttplug;
pub mod cli;
pub mod control;
pub mod describe;
pub mod device;
pub mod driver;
pub mod hub;
pub mod library;
pub mod link;
pub mod manager;
pub mod metrics;
pub mod patience;
pub mod session;
pub mod settings;
pub mod text;
pub mod throttle;
pub mod transport;
pub mod types;
pub mod web;
pub mod words;
