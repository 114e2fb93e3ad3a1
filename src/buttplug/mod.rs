//! The Buttplug wire: what clients and server say to each other.
//!
//! Here live frames ([`frame`]), the handshake, the table of errors ([`error`]), what a codec keeps of a client
//! ([`client`]), and one module for each wire version that translates both ways between its wire form and the internal
//! model ([`v4`], and [`v0`] to [`v3`] with what they share in `legacy`), with its line in [`versions`]; nothing else has
//! to know the versions, and no version passes through another.
//!
//! What may not live here: actors, sockets, devices. This room knows `types` alone.

pub mod client;
pub mod codec;
pub mod error;
pub mod frame;
pub mod handshake;
mod legacy;
pub mod number;
pub mod request;
pub mod v0;
pub mod v1;
pub mod v2;
pub mod v3;
pub mod v4;
pub mod versions;

pub use client::ClientState;
pub use codec::Codec;
pub use error::{ErrorCode, ProtocolError};
pub use request::{ReplyForm, Request, ServerMessage};
