//! The end of what carries the frames.

use std::collections::VecDeque;
use std::sync::Arc;

use bytestring::ByteString;
use futures_util::Stream;
use tokio::sync::mpsc;

use super::frame::{Incoming, Outbound};
use super::shared::Shared;

/// The far end. The connection ends when it is dropped.
#[derive(Debug)]
pub struct Remote {
    /// Takes what the peer sends; full while the near end has not handled what came before.
    pub frames: mpsc::Sender<Incoming>,
    shared: Arc<Shared>,
}

impl Remote {
    pub(super) fn new(frames: mpsc::Sender<Incoming>, shared: Arc<Shared>) -> Self {
        Self { frames, shared }
    }

    /// Hands a text frame to the near end, when it has room. Returns whether the near end is still there.
    pub async fn send(&self, text: impl Into<ByteString>) -> bool {
        self.frames.send(Incoming::Text(text.into())).await.is_ok()
    }

    /// What the near end sends next; `None` when it sends nothing more.
    pub async fn recv(&self) -> Option<Outbound> {
        tokio::select! {
            biased;
            () = self.shared.ready() => {}
            () = self.shared.closing.cancelled() => {}
            () = self.shared.closed.cancelled() => {}
        }
        self.shared.pop()
    }

    /// Takes everything that the near end has sent so far.
    #[must_use]
    pub fn drain(&self) -> VecDeque<Outbound> {
        self.shared.drain()
    }

    /// An item whenever the near end has sent something. For an actor that then calls [`Remote::drain`].
    pub fn ready(&self) -> impl Stream<Item = ()> + use<> {
        futures_util::stream::unfold(Arc::clone(&self.shared), |shared| async {
            shared.ready().await;
            Some(((), shared))
        })
    }

    /// Whether the near end has said its last, so that what comes is no longer heard.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.shared.closing.is_cancelled()
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.shared.closed.cancel();
    }
}
