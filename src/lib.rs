//! hapticd: a server for intimate and haptic hardware.
//!
//! Programs connect over WebSocket with the Buttplug protocol; hapticd finds the hardware, knows what bytes each model
//! wants, and keeps people safe. The rooms of this house, arrows pointing downward only:
//!
//! | room | lives there |
//! |---|---|
//! | [`cli`] | the command line: one file a subcommand |
//! | [`server`] | the composition root: puts a server together, runs it on a thread of its own, stops it |
//! | [`web`] | HTTP on the one port: upgrade, API, health, metrics, emergency stop, the page, who may ask for what |
//! | [`session`] | one connected client: handshake, version, ping, replies |
//! | [`control`] | the one front door: what anybody may ask of the server, without a wire format |
//! | [`hub`] | the supervisor: registry, routing table, restarts, shutdown |
//! | [`manager`] | buses: actors that find hardware and open links |
//! | [`device`] | one connected device: its desired state and the actor that writes it |
//! | [`simulation`] | plays hardware for tests and for `hapticd simulate` |
//! | [`conformance`] | checks a definition: its examples, and every value of every output |
//! | [`driver`] | wire protocols: the template engine, one folder a coded driver |
//! | [`library`] | what is known about hardware: definitions, their template language, matching |
//! | [`buttplug`] | the wire: frame, handshake, errors, one file a version |
//! | [`types`] | the words that every room may use |
//!
//! Beside the rooms stand the leaves that any of them may use: [`link`] (an open connection to hardware), [`transport`] (a
//! connection to a client, whatever carries it), [`events`] (every event: its metric, its log line and what listeners
//! get), [`log_ring`] (the last of those lines), [`inspect`] (what actors say of themselves), [`access`] (who a request
//! comes from), [`user_devices`] (what the user set for devices: `devices.toml`), [`patience`] (deadlines for peers), [`text`] (what strangers write, read and shown), [`strict_json`], [`words`], [`throttle`],
//! [`addresses`] (where to listen) and [`settings`] (which only [`cli`], [`server`] and the buses read).
//!
//! How a command travels: a frame reaches the session's actor over its [`transport`]; the session understands it once
//! and hands it to its operator in [`control`], which looks the device up in the routing table and puts the values into the
//! device's desired state, all of one frame together. The device's writer wakes, lets the driver make packets of what changed, and writes them to the link. The
//! hub is not on that path.
//!
//! Who watches whom: the hub starts managers and devices from factories and hears of their end through guards that are
//! dropped with them, even by a panic; sessions leave a guard of the same kind. The server's thread
//! watches the hub, and the binary watches that.
//!
//! An application that carries the server in its own process starts a [`Server`]:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use hapticd::{Server, settings::{Settings, Sources}};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = Settings::load(&Sources::standard(None, vec!["server.listen=127.0.0.1:0".to_owned()]))?;
//! let server = Server::builder(settings).start()?;
//! println!("clients connect to ws://{}", server.addresses()[0]);
//! let unconfirmed = server.stop(Duration::from_secs(5));
//! assert!(unconfirmed.is_empty(), "{unconfirmed:?} may still run");
//! # Ok(())
//! # }
//! ```

pub mod access;
pub mod addresses;
pub mod buttplug;
pub mod cli;
pub mod conformance;
pub mod control;
pub mod device;
pub mod driver;
pub mod events;
pub mod hub;
pub mod inspect;
pub mod library;
pub mod link;
pub mod log_ring;
pub mod manager;
pub mod patience;
pub mod server;
pub mod session;
pub mod settings;
pub mod simulation;
pub mod strict_json;
pub mod text;
pub mod throttle;
pub mod transport;
pub mod types;
pub mod user_devices;
pub mod web;
pub mod words;

pub use server::Server;
