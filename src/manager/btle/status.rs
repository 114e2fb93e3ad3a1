//! What the central says of itself: what it is doing, and that it has ended.

use std::sync::{Arc, Mutex, PoisonError};

use actix::prelude::*;

use crate::manager::contract::ManagerExit;
use crate::types::{ActorState, ActorStatus};

/// What the radio is doing; written by the central, read by the actor.
#[derive(Debug, Clone)]
pub(super) struct Status {
    inner: Arc<Mutex<ActorStatus>>,
}

impl Default for Status {
    fn default() -> Self {
        Self { inner: Arc::new(Mutex::new(ActorStatus::new(ActorState::Starting))) }
    }
}

impl Status {
    pub(super) fn set(&self, value: ActorStatus) {
        *self.inner.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }

    pub(super) fn get(&self) -> ActorStatus {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Event: the radio has ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Ended(pub(super) ManagerExit);
