//! What the radio is doing, for whoever asks the manager.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

/// What the radio is doing, as JSON; written by the radio, read by whoever asks the actor.
#[derive(Debug, Clone, Default)]
pub(super) struct Status {
    inner: Arc<Mutex<Value>>,
}

impl Status {
    pub(super) fn set(&self, value: Value) {
        *self.inner.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }

    pub(super) fn get(&self) -> Value {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
