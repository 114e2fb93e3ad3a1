//! What the hub tells sessions, and what it holds of them.

use actix::prelude::*;

use crate::inspect::Inspect;

/// Event: something that a session may have to tell its client.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub enum HubEvent {
    /// Devices came or went; the table is already new.
    DevicesChanged,
    /// Scanning ended by itself.
    ScanningFinished,
    /// The server ends; outputs are stopped.
    ShuttingDown,
}

/// What the hub holds of a session.
#[derive(Debug, Clone)]
pub struct SessionHandle {
    /// Where it is told what happens.
    pub events: Recipient<HubEvent>,
    /// Where it is asked what it does.
    pub describe: Recipient<Inspect>,
}
