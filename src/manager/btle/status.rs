//! What the central says of itself: what it is doing, and that it has ended.

use std::sync::{Arc, Mutex, PoisonError};

use actix::prelude::*;
use serde_json::Value;

use crate::manager::contract::ManagerExit;

/// What the radio is doing, as JSON; written by the central, read by the actor.
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

/// Event: the radio has ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Ended(pub(super) ManagerExit);
