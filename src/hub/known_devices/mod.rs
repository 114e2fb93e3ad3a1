//! The devices that the server has met: which index each has, and what the user set for it.
//!
//! Here live the file ([`mod@file`]), its entries ([`entry`]) and the lock on the state directory ([`lock`]). What the user
//! allowed for an address holds whatever model is found there; what cannot be understood is kept as it is and never
//! loosens anything. What may not live here: actors, links, anything that drives a device.

mod entry;
pub mod file;
pub mod lock;
mod strict_json;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::device::UserSettings;
use crate::library::{Library, Model};
use crate::types::{Bus, StateStatus};
use entry::{Entry, User};
use file::Known;
use lock::{LockError, StateLock};

pub use entry::Key;

/// What to do about a file that cannot be used.
pub const REMEDY: &str = "repair it, or run `hapticd state set-aside` to begin without it; then start hapticd again";

/// Another server uses the state directory. The text says what is known of it.
#[derive(Debug)]
pub struct InUse(pub String);

/// The known devices.
#[derive(Debug)]
pub struct KnownDevices {
    /// Where they are saved, if they are.
    path: Option<PathBuf>,
    known: Known,
    problems: Vec<String>,
    /// Why nothing may be driven.
    withheld: Option<String>,
    lock: Option<StateLock>,
    /// The file as it was when this server last read or wrote it.
    seen: Arc<Mutex<Option<Vec<u8>>>>,
}

/// What is known of hardware that is to become a device.
#[derive(Debug)]
pub struct Admitted {
    /// Its index for clients.
    pub index: u32,
    /// What the user set, in the steps of the model that was found.
    pub user: UserSettings,
    /// It was a device before.
    pub known: bool,
    /// There is something new to save.
    pub changed: bool,
}

impl KnownDevices {
    /// No known devices, and no file: for tests.
    #[must_use]
    pub fn empty() -> Self {
        let seen = Arc::default();
        Self { path: None, known: Known::default(), problems: Vec::new(), withheld: None, lock: None, seen }
    }

    /// Reads the file of a state directory. Without `remember` nothing is saved and the directory is not locked, but what
    /// the user set holds all the same. What is wrong is told in [`KnownDevices::problems`].
    ///
    /// # Errors
    /// Another server uses the directory.
    pub fn open(directory: &Path, remember: bool) -> Result<Self, InUse> {
        let path = directory.join(file::FILE);
        let mut this = Self::empty();
        this.lock = if remember { this.take_lock(directory)? } else { None };
        let bytes = file::bytes(&path);
        this.seen = Arc::new(Mutex::new(bytes.as_ref().ok().cloned()));
        match file::understand_bytes(bytes, &path) {
            Ok(known) => {
                this.problems.extend(known.problems.iter().cloned());
                this.withheld = known.unowned.as_ref().map(|why| refusal(&path, why));
                this.known = known;
                this.path = this.lock.is_some().then_some(path);
            }
            // Writing over what cannot be read would lose it.
            Err(why) => this.withheld = Some(refusal(&path, &why)),
        }
        this.problems.extend(this.withheld.clone());
        Ok(this)
    }

    fn take_lock(&mut self, directory: &Path) -> Result<Option<StateLock>, InUse> {
        let unusable = |error: &dyn std::fmt::Display| {
            let place = format!("`state.dir` = {}", directory.display());
            format!("{place} cannot be written: {error}; devices that are new get another index with every start")
        };
        if let Err(error) = std::fs::create_dir_all(directory) {
            self.problems.push(unusable(&error));
            return Ok(None);
        }
        match StateLock::take(directory) {
            Ok(lock) => Ok(Some(lock)),
            Err(LockError::Held(holder)) => Err(InUse(holder)),
            Err(LockError::Unusable(_, error)) => {
                self.problems.push(unusable(&error));
                Ok(None)
            }
        }
    }

    /// Tells people who start a second server on the same directory where this one listens.
    pub fn announce(&mut self, listens: &str) {
        if let Some(lock) = &mut self.lock {
            lock.describe(&format!(", which listens on {listens}"));
        }
    }

    /// What is wrong with the file or its directory.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Why nothing may be driven: the file may hold limits and cannot be read.
    #[must_use]
    pub fn withheld(&self) -> Option<&str> {
        self.withheld.as_deref()
    }

    /// For people and tools.
    #[must_use]
    pub fn observe(&self) -> StateStatus {
        StateStatus { file: self.path.clone(), known: self.known.count(), problems: self.problems.clone() }
    }

    /// Whether hardware with this address was a device before.
    #[must_use]
    pub fn knows(&self, bus: Bus, address: &str) -> bool {
        self.known.entries.iter().any(|entry| entry.key.bus == bus && same_address(&entry.key.address, address))
    }

    /// Addresses of the devices that were found on a bus with this name.
    pub fn addresses(&self, bus: &str) -> impl Iterator<Item = String> {
        let entries = self.known.entries.iter();
        entries.filter(move |entry| entry.key.bus.name() == bus).map(|entry| entry.key.address.clone())
    }

    /// Why the user does not want hardware with this address, if so (facts: server-behaviours.md section 1, step 2).
    #[must_use]
    pub fn refuses(&self, address: &str) -> Option<&'static str> {
        let own = || self.known.entries.iter().filter(|entry| same_address(&entry.key.address, address));
        if own().any(|entry| entry.user.deny) {
            return Some("the user's settings deny this address");
        }
        // Without its entry the device would run without the limits that may be in it.
        let strange = |entry: &Value| entry.get("address").and_then(Value::as_str).map(str::to_owned);
        if self.known.strange.iter().filter_map(strange).any(|other| same_address(&other, address)) {
            return Some("its entry in devices.json is not understood, and may hold limits; see the log");
        }
        let allows = self.known.entries.iter().any(|entry| entry.user.allow);
        (allows && !own().any(|entry| entry.user.allow)).then_some("the user's settings allow only other addresses")
    }

    /// Makes hardware a device: the one that it was before, whatever model it is now, or a new one with the lowest index
    /// that no entry has, understood or not.
    pub fn admit(&mut self, key: &Key, model: &Model, library: &Library) -> Admitted {
        let mut changed = false;
        for entry in &mut self.known.entries {
            if same_address(&entry.key.address, &key.address) {
                changed |= entry.complete(library);
            }
        }
        let user = self.user(key, model, library);
        let own = |entry: &&mut Entry| entry.key.bus == key.bus && same_address(&entry.key.address, &key.address);
        let first = self.known.entries.iter_mut().filter(own).min_by_key(|entry| entry.index);
        if let Some(entry) = first {
            // The limits of an entry count against the model that it names, so that stays while there are any.
            if entry.key != *key && entry.user.outputs.is_empty() {
                entry.key = key.clone();
                entry.name.clone_from(&model.name);
                changed = true;
            }
            return Admitted { index: entry.index, user, known: true, changed };
        }
        let index = self.free_index();
        let (key, name) = (key.clone(), model.name.clone());
        self.known.entries.push(Entry {
            key,
            index,
            name,
            user: User::default(),
            for_now: false,
            more: Default::default(),
        });
        Admitted { index, user, known: false, changed: true }
    }

    /// Says whether a device wants to be kept in the file. A `new` one that does not is known only as long as the server
    /// runs; one that the file has stays there. Returns whether the file has to be written.
    pub fn remember(&mut self, index: u32, new: bool, wanted: bool) -> bool {
        let Some(entry) = self.known.entries.iter_mut().find(|entry| entry.index == index) else {
            return false;
        };
        if !wanted {
            entry.for_now |= new;
            return false;
        }
        std::mem::take(&mut entry.for_now) || new
    }

    fn free_index(&self) -> u32 {
        let reserved = |value: &Value| value.get("index").and_then(Value::as_u64);
        let taken = |index: u32| {
            self.known.entries.iter().any(|entry| entry.index == index)
                || self.known.strange.iter().filter_map(reserved).any(|other| other == u64::from(index))
        };
        (0..u32::MAX).find(|index| !taken(*index)).unwrap_or(u32::MAX)
    }

    /// What the user set for an address, on a model. Where several entries have limits, the stricter hold.
    fn user(&self, key: &Key, model: &Model, library: &Library) -> UserSettings {
        let mut entries: Vec<_> =
            self.known.entries.iter().filter(|entry| same_address(&entry.key.address, &key.address)).collect();
        entries.sort_by_key(|entry| (entry.key != *key, entry.key.bus != key.bus, entry.index));
        let mut user = UserSettings::default();
        for entry in entries {
            user.display_name = user.display_name.or_else(|| entry.user.display_name.clone());
            user.gap_ms = user.gap_ms.or(entry.user.gap_ms);
            let UserSettings { limits, refused, .. } = entry.limits_on(model, library);
            for (place, limits) in limits {
                let stricter = user.limits.get(&place).map_or(limits, |before| before.stricter(limits));
                user.limits.insert(place, stricter);
            }
            user.refused.extend(refused);
        }
        user
    }

    /// The file as it was when this server last read or wrote it, for [`file::save_over`].
    #[must_use]
    pub fn seen(&self) -> Arc<Mutex<Option<Vec<u8>>>> {
        Arc::clone(&self.seen)
    }

    /// What is to be written, and where; `None` when nothing can be saved.
    #[must_use]
    pub fn to_save(&self) -> Option<(PathBuf, String)> {
        Some((self.path.clone()?, file::text(&self.known)?))
    }
}

/// Why nothing may be driven, and what to do.
fn refusal(path: &Path, why: &str) -> String {
    format!("outputs are refused, because {} may hold limits and is not understood: {why}; {REMEDY}", path.display())
}

/// Whether these are one address. Buses write Bluetooth addresses in different ways, and what the user allowed for a
/// device holds on whichever it is found. People who edit the file leave blanks.
fn same_address(one: &str, other: &str) -> bool {
    fn bluetooth(address: &str) -> Option<String> {
        let digits: String = address.chars().filter(|letter| !matches!(letter, ':' | '-' | '_')).collect();
        let is = digits.len() == 12 && digits.chars().all(|digit| digit.is_ascii_hexdigit());
        is.then(|| digits.to_ascii_uppercase())
    }
    let (one, other) = (one.trim(), other.trim());
    one == other || bluetooth(one).is_some_and(|one| Some(one) == bluetooth(other))
}
