//! What goes over a connection.

use bytes::Bytes;
use bytestring::ByteString;
use thiserror::Error;

use crate::types::SessionEnd;

/// What comes from a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A text frame.
    Text(ByteString),
    /// A binary frame.
    Binary(Bytes),
    /// A message larger than allowed. Nothing can be read after it.
    TooLarge,
    /// Bytes that are no frame. Nothing can be read after them.
    Garbage(String),
}

/// What goes to a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outbound {
    /// A text frame.
    Text(ByteString),
    /// A binary frame.
    Binary(Bytes),
    /// The end of the connection; nothing comes after it.
    Close(CloseReason),
}

impl Outbound {
    /// Bytes that it carries.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(data) => data.len(),
            Self::Close(_) => 0,
        }
    }
}

/// Why the near end closes a connection. The text is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CloseReason {
    /// The session has ended.
    #[error("{0}")]
    Session(SessionEnd),
    /// There are as many sessions as `sessions.max` allows.
    #[error("too many clients")]
    TooManySessions,
    /// Virtual hardware asked to be let go.
    #[error("goodbye")]
    HardwareGoodbye,
    /// There are as many virtual devices as `buses.virtual.max_devices` allows.
    #[error("there are {count} virtual devices, as many as `buses.virtual.max_devices` allows")]
    TooManyDevices {
        /// How many there are.
        count: usize,
    },
    /// The virtual bus does not run.
    #[error("the virtual bus is not running")]
    BusNotRunning,
    /// The server has ended.
    #[error("the server has ended")]
    ServerEnded,
}

impl CloseReason {
    /// The number for programs.
    #[must_use]
    pub fn code(&self) -> CloseCode {
        match self {
            Self::Session(_) | Self::HardwareGoodbye => CloseCode::Normal,
            Self::TooManySessions | Self::TooManyDevices { .. } => CloseCode::Again,
            Self::BusNotRunning | Self::ServerEnded => CloseCode::Away,
        }
    }
}

/// Why a connection is closed, with the numbers of RFC 6455.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum CloseCode {
    /// It has served its purpose.
    Normal = 1000,
    /// The server ends.
    Away = 1001,
    /// The server has no room now.
    Again = 1013,
}
