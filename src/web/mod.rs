//! HTTP on the server's one port: the WebSocket upgrade, health, metrics, and a page for people.
//!
//! Reserved paths are `/health`, `/metrics`, `/debug/actors`, `/stop`, `/resume`, everything below `/api/`, `/hardware` (when
//! virtual hardware is on) and, for requests that are no upgrade, `/`. An upgrade on any other path is a client. Who may ask for what is decided
//! in `access`, around every path. What may not live here: protocol messages, devices.

mod access;
mod api;
mod connect;
mod health;
mod origins;
mod page;
mod private_file;
mod reads;
mod router;
mod schema;
mod site;
mod stop;
mod tokens;
mod websocket;

pub use api::{ApiCallers, Readers};
pub use connect::on_connect;
pub use origins::Origins;
pub use router::app;
pub use site::Site;
pub use tokens::{ADMIN_FILE, Tokens};
pub use websocket::SocketLimits;
