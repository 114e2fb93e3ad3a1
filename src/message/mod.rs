//! What clients and server say to each other.
//!
//! Here live the one internal model of requests, replies and device descriptions, the table of errors, and one
//! file for each wire version of the Buttplug protocol that translates both ways ([`v4`]). Versions 0 to 3 get a
//! file each beside it and an entry in [`wire::for_version`]; nothing else has to know them.
//!
//! What may not live here: actors, sockets, devices. This room knows no other room of the house.

pub mod description;
mod endpoint;
pub mod error;
pub mod frame;
pub mod handshake;
mod model;
pub mod number;
pub mod request;
pub mod v4;
pub mod wire;

pub use description::{Description, FeatureDescription, InputDescription, OutputDescription};
pub use endpoint::Endpoint;
pub use error::{ErrorCode, ProtocolError};
pub use model::{InputKind, Output, OutputKind};
pub use request::{InputAction, Reading, Request, ServerMessage, StopScope};
pub use wire::Wire;
