//! Who drives devices at the moment. It is kept beside the hub's handle, so that every copy of it knows the same.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::types::{OperatorId, OperatorInfo};

/// The operators by id.
#[derive(Debug, Default)]
pub(super) struct Operators {
    entries: Mutex<BTreeMap<OperatorId, Entry>>,
}

#[derive(Debug)]
struct Entry {
    info: OperatorInfo,
    /// Cancelled when the operator is to go.
    disconnected: CancellationToken,
}

impl Operators {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<OperatorId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an operator; the token is cancelled when it is to go.
    pub fn add(&self, info: OperatorInfo) -> CancellationToken {
        let disconnected = CancellationToken::new();
        self.entries().insert(info.id, Entry { info, disconnected: disconnected.clone() });
        disconnected
    }

    pub fn remove(&self, id: OperatorId) {
        self.entries().remove(&id);
    }

    pub fn rename(&self, id: OperatorId, name: &str) {
        if let Some(entry) = self.entries().get_mut(&id) {
            name.clone_into(&mut entry.info.name);
        }
    }

    pub fn list(&self) -> Vec<OperatorInfo> {
        self.entries().values().map(|entry| entry.info.clone()).collect()
    }

    /// Has an operator go. Returns whether there was one.
    pub fn disconnect(&self, id: OperatorId) -> bool {
        let entries = self.entries();
        let entry = entries.get(&id);
        if let Some(entry) = entry {
            entry.disconnected.cancel();
        }
        entry.is_some()
    }
}
