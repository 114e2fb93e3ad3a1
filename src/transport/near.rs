//! The end of whoever serves the peer.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use futures_util::Stream;
use tokio::sync::mpsc;

use super::frame::{CloseReason, Incoming, Outbound};
use super::shared::Shared;
use crate::types::Cut;

/// The near end.
#[derive(Debug)]
pub struct Connection {
    /// What comes; ends when the connection does.
    pub incoming: Frames,
    /// What goes.
    pub outgoing: Outgoing,
    /// Who is at the other end, for logs.
    pub peer: String,
}

/// The receiving half. A connection whose receiving half is dropped is closed.
#[derive(Debug)]
pub struct Frames {
    frames: mpsc::Receiver<Incoming>,
    shared: Arc<Shared>,
}

impl Frames {
    pub(super) fn new(frames: mpsc::Receiver<Incoming>, shared: Arc<Shared>) -> Self {
        Self { frames, shared }
    }

    /// The next frame; `None` when the connection has ended.
    pub async fn next(&mut self) -> Option<Incoming> {
        tokio::select! {
            biased;
            () = self.shared.closed.cancelled() => None,
            frame = self.frames.recv() => frame,
        }
    }

    /// The frames as a stream, for an actor.
    pub fn into_stream(self) -> impl Stream<Item = Incoming> {
        futures_util::stream::unfold(self, |mut frames| async { frames.next().await.map(|frame| (frame, frames)) })
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.shared.closing.cancel();
    }
}

/// The sending half. Copies share it.
#[derive(Clone)]
pub struct Outgoing {
    shared: Arc<Shared>,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing({} bytes unsent)", self.unsent())
    }
}

impl Outgoing {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Sends a text frame.
    pub fn text(&self, text: impl Into<ByteString>) {
        self.shared.push(Outbound::Text(text.into()));
    }

    /// Sends a binary frame.
    pub fn binary(&self, data: impl Into<Bytes>) {
        self.shared.push(Outbound::Binary(data.into()));
    }

    /// Closes the connection, for this reason, after everything that was sent before.
    pub fn close(&self, why: CloseReason) {
        self.shared.push(Outbound::Close(why));
        self.shared.closing.cancel();
    }

    /// Ends the connection at once.
    pub fn cut(&self, why: Cut) {
        self.shared.cut(why);
    }

    /// Bytes that the far end has not taken yet.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.shared.unsent()
    }

    /// Why the connection was cut, if it was.
    #[must_use]
    pub fn cut_reason(&self) -> Option<Cut> {
        self.shared.cut_reason()
    }

    /// Returns once nothing more will come or go.
    pub async fn closed(&self) {
        self.shared.closed.cancelled().await;
    }

    /// Returns once the near end has said its last.
    pub async fn closing(&self) {
        self.shared.closing.cancelled().await;
    }
}
