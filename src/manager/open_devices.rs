//! Who has what open: what may be found, what may be opened again, and which threads hang.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::patience::backoff;

/// What could not be opened is tried again after this long, and then after twice as long each time.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);
/// Threads that may hang in writes to one piece of hardware. Each is a thread that only the system can end, so
/// their number must not grow with the age of the server.
const MOST_HUNG: usize = 4;

/// What is open, what was lost, and what could not be opened; by address.
#[derive(Debug, Clone, Default)]
pub(in crate::manager) struct OpenDevices {
    inner: Arc<Mutex<Use>>,
}

#[derive(Debug, Default)]
struct Use {
    /// What is open, and the number of its present owner.
    open: BTreeMap<String, u64>,
    /// Numbers the owners.
    owners: u64,
    /// What is being opened, and since when.
    opening: BTreeMap<String, Instant>,
    /// Threads that were given up while a write hung in them, by the number that they had, and since when.
    hung: BTreeMap<u64, (String, Instant)>,
    /// All that was ever open.
    ever: BTreeSet<String>,
    lost: Vec<String>,
    /// How often it failed, and when to try again; `None` when that was said.
    failed: BTreeMap<String, (u32, Option<Instant>)>,
}

impl OpenDevices {
    fn inner(&self) -> MutexGuard<'_, Use> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::manager) fn is_open(&self, address: &str) -> bool {
        self.inner().open.contains_key(address)
    }

    /// Whether this, or anything, was ever open.
    pub(in crate::manager) fn was_opened(&self, address: Option<&str>) -> bool {
        let inner = self.inner();
        address.map_or(!inner.ever.is_empty(), |address| inner.ever.contains(address))
    }

    pub(in crate::manager) fn addresses(&self) -> BTreeSet<String> {
        self.inner().open.keys().cloned().collect()
    }

    /// What may be found again though it never left the list: it was lost, or it could not be opened some time ago
    /// (its rights may not have been set yet). Each is told once.
    pub(in crate::manager) fn due_for_retry(&self) -> Vec<String> {
        let now = Instant::now();
        let mut inner = self.inner();
        let mut due = std::mem::take(&mut inner.lost);
        for (address, (_, at)) in &mut inner.failed {
            if at.take_if(|at| *at <= now).is_some() {
                due.push(address.clone());
            }
        }
        due
    }

    /// What is unplugged has a clean slate when it comes back: that it could not be opened while it was being pulled out
    /// says nothing of it.
    pub(in crate::manager) fn retain_present(&self, is_there: impl Fn(&str) -> bool) {
        self.inner().failed.retain(|address, _| is_there(address));
    }

    /// Whether it could not be opened, and it is too early to try again.
    pub(in crate::manager) fn in_backoff(&self, address: &str) -> bool {
        self.inner().failed.get(address).is_some_and(|(_, at)| at.is_some())
    }

    /// Whatever could not be opened may be tried again at once.
    pub(in crate::manager) fn reset_backoff(&self) {
        self.inner().failed.clear();
    }

    /// In use until this is dropped.
    pub(in crate::manager) fn mark_open(&self, address: &str) -> OpenGuard {
        let mut inner = self.inner();
        inner.failed.remove(address);
        inner.owners += 1;
        let owner = inner.owners;
        inner.open.insert(address.to_owned(), owner);
        inner.ever.insert(address.to_owned());
        OpenGuard { address: address.to_owned(), owner, of: self.clone() }
    }

    /// Being opened until the result is dropped.
    ///
    /// # Errors
    /// Why it cannot be opened now: a library hangs in opening it, or in too many writes to it.
    pub(in crate::manager) fn begin_opening(&self, address: &str) -> Result<Opening, String> {
        let mut inner = self.inner();
        if let Some(since) = inner.opening.get(address) {
            let time = since.elapsed().as_secs();
            return Err(format!("{address} is being opened since {time} s; the library hangs"));
        }
        let hung = inner.hung.values().filter(|(hung, _)| hung == address).count();
        if hung >= MOST_HUNG {
            return Err(format!("{hung} threads hang in writes to {address}; it is opened again when one returns"));
        }
        inner.opening.insert(address.to_owned(), Instant::now());
        Ok(Opening { address: address.to_owned(), of: self.clone() })
    }

    /// The threads that were given up and have not returned, for people.
    pub(in crate::manager) fn hung(&self) -> serde_json::Value {
        let inner = self.inner();
        let entry = |(address, since): &(String, Instant)| serde_json::json!({ "address": address, "given_up_for_ms": since.elapsed().as_millis() });
        inner.hung.values().map(entry).collect()
    }

    /// What is being opened and for how long, for people.
    pub(in crate::manager) fn opening(&self) -> serde_json::Value {
        let inner = self.inner();
        let entry = |(address, since): (&String, &Instant)| serde_json::json!({ "address": address, "for_ms": since.elapsed().as_millis() });
        inner.opening.iter().map(entry).collect()
    }

    pub(in crate::manager) fn failed(&self, address: &str) {
        let mut inner = self.inner();
        let (times, at) = inner.failed.entry(address.to_owned()).or_default();
        *at = Some(Instant::now() + backoff(FIRST_RETRY, LAST_RETRY, *times));
        *times += 1;
    }
}

/// Something is open for as long as this lives.
#[derive(Debug)]
pub(in crate::manager) struct OpenGuard {
    address: String,
    owner: u64,
    of: OpenDevices,
}

impl OpenGuard {
    /// What gives the place up though this lives on.
    pub(in crate::manager) fn release(&self) -> Release {
        Release { address: self.address.clone(), owner: self.owner, of: self.of.clone() }
    }
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        let mut inner = self.of.inner();
        // Of one that was given up, the place may be another's by now.
        inner.hung.remove(&self.owner);
        inner.free(&self.address, self.owner);
    }
}

impl Use {
    fn free(&mut self, address: &str, owner: u64) {
        if self.open.get(address) == Some(&owner) {
            self.open.remove(address);
            self.lost.push(address.to_owned());
        }
    }
}

/// Gives a place up whose owner hangs.
#[derive(Debug)]
pub(in crate::manager) struct Release {
    address: String,
    owner: u64,
    of: OpenDevices,
}

impl Release {
    /// The place is free; its owner is shown as hung until it returns.
    pub(in crate::manager) fn give_up(&self) {
        let mut inner = self.of.inner();
        inner.hung.insert(self.owner, (self.address.clone(), Instant::now()));
        inner.free(&self.address, self.owner);
    }
}

/// Something is being opened for as long as this lives.
#[derive(Debug)]
pub(in crate::manager) struct Opening {
    address: String,
    of: OpenDevices,
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.of.inner().opening.remove(&self.address);
    }
}
