//! What a device asks of a bus, and what comes from the hardware by itself.

use tokio::sync::oneshot;

use super::error::LinkError;
use crate::types::Endpoint;

/// Bytes for one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Where to.
    pub endpoint: Endpoint,
    /// What.
    pub data: Vec<u8>,
    /// Write with response: the hardware itself acknowledges. Where it can't, the bus falls back to the other way.
    pub ack: bool,
}

/// What a device may ask of a bus.
#[derive(Debug)]
pub enum Operation {
    /// Send bytes; done when the hardware has them, as far as the bus can tell.
    Write(Packet),
    /// Ask an endpoint for its value.
    Read(Endpoint),
    /// Report what the endpoint sends.
    Subscribe(Endpoint),
    /// No longer report it.
    Unsubscribe(Endpoint),
    /// Let go of the hardware.
    Disconnect,
}

/// An operation and where its outcome goes. Reads give the value, everything else gives no bytes.
#[derive(Debug)]
pub struct LinkRequest {
    /// What to do.
    pub operation: Operation,
    /// Whom to tell. A dropped receiver means that nobody waits any more; the operation is still to be done.
    pub done: oneshot::Sender<Result<Vec<u8>, LinkError>>,
}

/// Bytes that the hardware sent by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Where from.
    pub endpoint: Endpoint,
    /// What.
    pub data: Vec<u8>,
}
