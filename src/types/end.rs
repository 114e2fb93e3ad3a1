//! Why a session or its connection ended.

use std::fmt;

use serde::Serialize;

/// Why the server cut a connection without a goodbye.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// The peer does not read what is sent to it: more bytes wait than `sessions.max_unsent_bytes` allows.
    Unread,
    /// The peer answers no WebSocket ping within `sessions.websocket_pong_deadline_ms`.
    Silent,
    /// The user lets it in no longer: its web page was denied, its token was revoked or is over.
    Revoked,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unread => "it does not read what is sent to it",
            Self::Silent => "it no longer answers",
            Self::Revoked => "it is not let in any longer",
        })
    }
}

/// Why a session ended. The text is for the log and for the client's close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// The client sent `Disconnect`.
    Goodbye,
    /// The client's side closed the connection, or it was lost.
    Closed,
    /// The server cut the connection.
    Cut(Cut),
    /// The client did not shake hands in time.
    NoHandshake,
    /// The client asked for a protocol version that the server does not speak.
    VersionUnsupported,
    /// The client did not ping within the time that the server named.
    NoPing,
    /// The client sent a frame larger than `sessions.max_frame_bytes`.
    FrameTooLarge,
    /// The client sent bytes that are no frame.
    Garbage,
    /// Somebody had the server disconnect this client.
    Disconnected,
    /// The server ends.
    ShuttingDown,
}

impl fmt::Display for SessionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Goodbye => "the client said goodbye",
            Self::Closed => "it closed the connection",
            Self::Cut(cut) => return cut.fmt(f),
            Self::NoHandshake => "it did not shake hands",
            Self::VersionUnsupported => "its protocol version is not supported",
            Self::NoPing => "it did not ping",
            Self::FrameTooLarge => "its frame was too large",
            Self::Garbage => "it sent garbage",
            Self::Disconnected => "it was disconnected by the server",
            Self::ShuttingDown => "the server is shutting down",
        })
    }
}
