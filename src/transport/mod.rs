//! One connection, as frames in and frames out, whatever carries them.
//!
//! Here lives [`pair`], which makes both ends: the near end ([`Connection`]) for whoever serves the peer, the far end
//! ([`Remote`]) for what carries its frames: a WebSocket, an application in the same process, a test. What comes is bounded by
//! a count of frames, what goes by a count of bytes. What may not live here: sockets, messages, liveness.

mod frame;
mod near;
mod remote;
mod shared;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::mpsc;

pub use frame::{CloseCode, CloseReason, Incoming, Outbound};
pub use near::{Connection, Frames, Outgoing};
pub use remote::Remote;
use shared::Shared;

/// Frames read but not yet handled; the far end waits beyond it.
const INCOMING: usize = 32;

/// Makes both ends of a connection to `peer`, which is a name for logs. The connection is cut when more than `max_unsent`
/// bytes wait for the far end.
#[must_use]
pub fn pair(peer: String, max_unsent: usize) -> (Connection, Remote) {
    let (sender, frames) = mpsc::channel(INCOMING);
    let shared = Arc::new(Shared::new(max_unsent));
    let connection = Connection {
        incoming: Frames::new(frames, Arc::clone(&shared)),
        outgoing: Outgoing::new(Arc::clone(&shared)),
        peer,
    };
    (connection, Remote::new(sender, shared))
}
