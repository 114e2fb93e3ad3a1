//! The Buttplug wire: what clients and server say to each other.
//!
//! Here live frames ([`frame`]), the handshake, the table of errors ([`error`]), and one module for each wire version that
//! translates both ways ([`v4`]) with its line in [`versions`]; nothing else has to know the versions.
//!
//! What may not live here: actors, sockets, devices. This room knows `types` alone.

pub mod codec;
pub mod error;
pub mod frame;
pub mod handshake;
pub mod number;
pub mod request;
pub mod v4;
pub mod versions;

pub use codec::Codec;
pub use error::{ErrorCode, ProtocolError};
pub use request::{ReplyForm, Request, ServerMessage};
