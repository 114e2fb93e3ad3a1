//! What the writer of a device has done so far, over all its actors.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What the writer has done so far, over all actors of the device.
#[derive(Debug, Default)]
pub(super) struct WriteStats {
    pub(super) writes: AtomicU64,
    pub(super) failed: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl WriteStats {
    pub(super) fn wrote(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, why: &str) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.to_owned());
    }

    pub(super) fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
