//! What both ends of a connection share.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::frame::Outbound;
use crate::types::Cut;

#[derive(Debug)]
pub(super) struct Shared {
    queue: Mutex<Queue>,
    /// Wakes the far end when something was queued.
    queued: Notify,
    /// Cancelled once nothing more will come or go.
    pub closed: CancellationToken,
    /// Cancelled once the near end has said its last: what comes is no longer heard.
    pub closing: CancellationToken,
    max_unsent: usize,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Outbound>,
    unsent: usize,
    /// Why the connection was cut, if it was.
    cut: Option<Cut>,
}

impl Shared {
    pub fn new(max_unsent: usize) -> Self {
        Self {
            queue: Mutex::default(),
            queued: Notify::new(),
            closed: CancellationToken::new(),
            closing: CancellationToken::new(),
            max_unsent,
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn push(&self, item: Outbound) {
        let mut queue = self.queue();
        queue.unsent += item.len();
        if queue.unsent > self.max_unsent {
            drop(queue);
            return self.cut(Cut::Unread);
        }
        queue.items.push_back(item);
        drop(queue);
        self.queued.notify_one();
    }

    /// Takes the oldest item.
    pub fn pop(&self) -> Option<Outbound> {
        let mut queue = self.queue();
        let item = queue.items.pop_front()?;
        queue.unsent -= item.len();
        Some(item)
    }

    /// Takes everything.
    pub fn drain(&self) -> VecDeque<Outbound> {
        let mut queue = self.queue();
        queue.unsent = 0;
        std::mem::take(&mut queue.items)
    }

    /// Returns when there is something to take.
    pub async fn ready(&self) {
        while self.queue().items.is_empty() {
            self.queued.notified().await;
        }
    }

    pub fn unsent(&self) -> usize {
        self.queue().unsent
    }

    pub fn cut(&self, why: Cut) {
        self.queue().cut.get_or_insert(why);
        self.closed.cancel();
    }

    pub fn cut_reason(&self) -> Option<Cut> {
        self.queue().cut
    }
}
