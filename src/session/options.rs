//! What clients are told and allowed.

use std::time::Duration;

use super::lists::DeviceLists;

/// What clients are told and allowed.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// What the server calls itself.
    pub server_name: String,
    /// A client that does not ping for this time is let go; `None` means that it need not ping.
    pub max_ping: Option<Duration>,
    /// Whether the client may set outputs and have hardware looked for, and not only watch and stop.
    pub may_drive: bool,
    /// Time for the handshake.
    pub handshake: Duration,
    /// Bytes of one message, for the error text.
    pub max_frame: usize,
    /// The frames with device lists, which all sessions of a server share.
    pub lists: DeviceLists,
}
