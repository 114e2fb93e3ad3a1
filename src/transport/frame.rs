//! What goes over a connection.

use bytes::Bytes;
use bytestring::ByteString;

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

/// Why a connection is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseReason {
    /// For programs.
    pub code: CloseCode,
    /// For people.
    pub text: String,
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
