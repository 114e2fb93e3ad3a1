//! What a device's actor is asked, and what it tells when it ends.

use std::time::Duration;

use actix::prelude::*;

use crate::driver::{Driver, DriverError};
use crate::inspect::Inspect;
use crate::link::Link;
use crate::types::{Endpoint, InputKind};

/// Hardware that was opened and is ready to be driven.
pub struct Opened {
    /// The connection.
    pub link: Link,
    /// What speaks to it; its connect steps are done.
    pub driver: Box<dyn Driver>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opened({:?})", self.link)
    }
}

/// Why a device actor ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// The connection is gone.
    Lost,
    /// The hardware said goodbye and went.
    Left,
    /// The connection is there, but does not work.
    Failed(String),
    /// It was asked to.
    Closed,
    /// It panicked.
    Panicked,
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lost => f.write_str("the connection was lost"),
            Self::Left => f.write_str("the hardware was switched off"),
            Self::Failed(why) => f.write_str(why),
            Self::Closed => f.write_str("closed"),
            Self::Panicked => f.write_str("panicked"),
        }
    }
}

/// Event: a device actor ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Exited {
    /// Index of the device.
    pub index: u32,
    /// Which actor of this device, counted from 1.
    pub generation: u64,
    /// Why.
    pub exit: Exit,
}

/// Request: ask an input once.
#[derive(Debug, Message)]
#[rtype(result = "Result<i32, DriverError>")]
pub(super) struct Read {
    pub feature: u32,
    pub kind: InputKind,
}

/// Request: hear an input; who is told is in the subscriptions.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), DriverError>")]
pub(super) struct Subscribe {
    pub feature: u32,
    pub kind: InputKind,
}

/// Request: nobody hears this endpoint any more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Unsubscribe(pub Endpoint);

/// Request: stop the hardware within this time, then let it go.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Close {
    pub stop_within: Duration,
}

/// Where the present actor of a device is asked.
pub(super) struct ActorAddress {
    /// Which actor of this device, counted from 1.
    pub generation: u64,
    pub read: Recipient<Read>,
    pub subscribe: Recipient<Subscribe>,
    pub unsubscribe: Recipient<Unsubscribe>,
    pub close: Recipient<Close>,
    pub describe: Recipient<Inspect>,
}
