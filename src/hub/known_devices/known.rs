//! The known devices: their indexes, and what is in force for each.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::entry::{Entry, Key};
use super::file::{self, Known};
use super::held::Held;
use super::lock::{LockError, StateLock};
use super::migrate;
use super::users::{Applied, Read, Users, refusal};
use crate::device::UserSettings;
use crate::library::{Library, Model};
use crate::types::{Bus, StateStatus};
use crate::user_devices::address::same_address;
use crate::user_devices::{lock_and_edit, read, read_bytes};

/// Another server uses the state directory. The text says what is known of it.
#[derive(Debug)]
pub struct InUse(pub String);

/// The known devices.
#[derive(Debug)]
pub struct KnownDevices {
    /// Where they are saved, if they are.
    path: Option<PathBuf>,
    known: Known,
    /// What is wrong with the state file or its directory.
    problems: Vec<String>,
    /// Why nothing may be driven.
    withheld: Option<String>,
    lock: Option<StateLock>,
    /// The file as it was when this server last read or wrote it.
    seen: Arc<Mutex<Option<Vec<u8>>>>,
    users: Users,
    /// The start has found more than the state file says.
    unsaved: bool,
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

/// What is to be written, off the hub's thread.
#[derive(Debug)]
pub struct ToSave {
    path: PathBuf,
    text: String,
    seen: Arc<Mutex<Option<Vec<u8>>>>,
    forget: Option<(PathBuf, Vec<String>)>,
}

impl ToSave {
    /// The text of the state file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Writes the state file, and then takes out of `devices.toml` what is forgotten now.
    ///
    /// # Errors
    /// What could not be written, and why.
    pub fn save(self) -> Result<(), String> {
        let saved = file::save_over(&self.path, &self.text, &self.seen);
        saved.map_err(|why| format!("{}: {why}", self.path.display()))?;
        let Some((path, addresses)) = self.forget else { return Ok(()) };
        lock_and_edit(&path, |editor| {
            editor.forgotten(&addresses);
            Ok(())
        })
    }
}

impl KnownDevices {
    /// No known devices, and no file: for tests.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            path: None,
            known: Known::default(),
            problems: Vec::new(),
            withheld: None,
            lock: None,
            seen: Arc::default(),
            users: Users::default(),
            unsaved: false,
        }
    }

    /// Reads the file of a state directory, and `devices_file`, which says what the user set. Without `remember` nothing is
    /// saved and the directory is not locked, but what the user set holds all the same. What is wrong is named in
    /// [`KnownDevices::problems`].
    ///
    /// # Errors
    /// Another server uses the directory.
    pub fn open(directory: &Path, devices_file: &Path, remember: bool) -> Result<Self, InUse> {
        let path = directory.join(file::FILE);
        let mut this = Self::empty();
        this.lock = if remember { this.take_lock(directory)? } else { None };
        let bytes = read_bytes(&path);
        this.seen = Arc::new(Mutex::new(bytes.as_ref().ok().cloned().flatten()));
        let mut beside = Vec::new();
        match file::understand_bytes(bytes) {
            Ok(known) => {
                this.problems.extend(known.problems.iter().cloned());
                this.withheld = known.unowned.as_ref().map(|why| refusal(&path, why));
                this.known = known;
                this.path = this.lock.is_some().then_some(path);
                beside = this.take_over(devices_file);
            }
            // Writing over what cannot be read would lose it.
            Err(why) => this.withheld = Some(refusal(&path, &why)),
        }
        this.problems.extend(this.withheld.clone());
        let before = this.known.in_force.iter().cloned().chain(beside).collect();
        let is_old = this.known.version < file::VERSION;
        this.users = Users::start(devices_file, read(devices_file), before, is_old);
        this.complete_from_entries();
        this.assign_indexes();
        let forgotten =
            std::mem::take(&mut this.known.entries).into_iter().filter(|entry| !this.users.forgets(&entry.key.address));
        this.known.entries = forgotten.collect();
        this.unsaved |= this.known.in_force != this.users.held || !this.users.to_forget.is_empty();
        Ok(this)
    }

    /// Moves what a state file of version 1 says to `devices.toml`. Where that cannot be done, what it says holds beside.
    fn take_over(&mut self, devices_file: &Path) -> Vec<Held> {
        if self.known.version == file::VERSION {
            return Vec::new();
        }
        let hold = |known: &Known| {
            let held = migrate::set_before(known).into_iter();
            held.map(|held| Held { beside: true, ..held }).collect::<Vec<_>>()
        };
        if self.path.is_none() {
            return hold(&self.known);
        }
        if let Err(why) = migrate::migrate(&mut self.known, devices_file) {
            let what =
                "what you set for devices cannot be moved from devices.json to devices.toml, and holds as it was";
            self.problems.push(format!("{what}: {why}"));
            return hold(&self.known);
        }
        if let Some(Err(why)) = self.to_save().map(ToSave::save) {
            self.problems.push(format!("the state is not saved: {why}"));
        }
        Vec::new()
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

    /// What is wrong with the state file, its directory, or `devices.toml`.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.problems.iter().cloned().chain(self.users.problems()).collect()
    }

    /// Why nothing may be driven: a file may hold limits and cannot be read.
    #[must_use]
    pub fn withheld(&self) -> Option<String> {
        self.withheld.clone().or_else(|| self.users.withheld())
    }

    /// For people and tools.
    #[must_use]
    pub fn observe(&self) -> StateStatus {
        StateStatus {
            file: self.path.clone(),
            devices_file: self.users.path.clone(),
            known: self.known.count(),
            problems: self.problems(),
        }
    }

    /// The devices that were met.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.known.entries
    }

    /// What is in force.
    pub(super) fn held(&self) -> &[Held] {
        &self.users.held
    }

    /// Whether the state file still says what the user set, as files of version 1 do.
    #[must_use]
    pub fn is_old(&self) -> bool {
        self.known.version < file::VERSION && !migrate::set_before(&self.known).is_empty()
    }

    /// The file that says what the user set, if there is to be one.
    #[must_use]
    pub fn devices_file(&self) -> Option<&Path> {
        self.users.path.as_deref()
    }

    /// Takes what `devices.toml` says now. Devices whose index is in `present` are there at the moment.
    pub fn apply(&mut self, read: Read, present: impl Fn(u32) -> bool) -> Applied {
        let applied = self.users.apply(read);
        let users = &self.users;
        self.known.entries.retain(|entry| present(entry.index) || !users.forgets(&entry.key.address));
        self.complete_from_entries();
        applied
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
        let own = || self.users.held.iter().filter(|held| same_address(&held.address, address));
        if own().any(|held| held.user.deny) {
            return Some("the user's settings deny this address");
        }
        // Without its entry the device would run without the limits that may be in it.
        let address_of = |entry: &Value| entry.get("address").and_then(Value::as_str).map(str::to_owned);
        let strange = self.known.strange.iter().chain(&self.known.strange_limits).filter_map(address_of);
        if strange.into_iter().any(|other| same_address(&other, address)) {
            return Some("its entry in devices.json is not understood, and may hold limits; see the log");
        }
        if let Some(why) = self.users.refuses(address) {
            return Some(why);
        }
        let allows = self.users.held.iter().any(|held| held.user.allow);
        (allows && !own().any(|held| held.user.allow)).then_some("the user's settings allow only other addresses")
    }

    /// Makes hardware a device: the one that it was before, whatever model it is now, or a new one with the index that the
    /// user set for it, or the lowest that no entry has, understood or not.
    pub fn admit(&mut self, key: &Key, model: &Model, library: &Library) -> Admitted {
        let mut changed = self.complete(key, model, library);
        let user = self.settings(key, model, library);
        let own = |entry: &&mut Entry| entry.key.bus == key.bus && same_address(&entry.key.address, &key.address);
        let first = self.known.entries.iter_mut().filter(own).min_by_key(|entry| entry.index);
        if let Some(entry) = first {
            // The limits of an entry of version 1 count against the model that it names, so that stays.
            if entry.key != *key && entry.user.is_empty() {
                entry.key = key.clone();
                entry.name.clone_from(&model.name);
                changed = true;
            }
            return Admitted { index: entry.index, user, known: true, changed };
        }
        let wanted = self.users.entries.iter().filter(|entry| same_address(&entry.source.address, &key.address));
        let wanted = wanted.filter_map(|entry| entry.index).find(|index| !self.is_taken(*index));
        let index = wanted.unwrap_or_else(|| self.free_index());
        let (key, name) = (key.clone(), model.name.clone());
        let user_before = Default::default();
        let entry = Entry { key, index, name, user: user_before, for_now: false, more: Default::default() };
        self.known.entries.push(entry);
        Admitted { index, user, known: false, changed: true }
    }

    /// What is in force for a device of this model now.
    #[must_use]
    pub fn settings_for(&mut self, key: &Key, model: &Model, library: &Library) -> UserSettings {
        self.complete(key, model, library);
        self.settings(key, model, library)
    }

    /// Says of the limits for an address which model and which range they were set for, where that is not said yet.
    fn complete(&mut self, key: &Key, model: &Model, library: &Library) -> bool {
        let mut changed = false;
        for held in self.users.held.iter_mut().filter(|held| same_address(&held.address, &key.address)) {
            if held.protocol.is_none() {
                (held.protocol, held.identifier) = (Some(key.protocol.clone()), key.identifier.clone());
                held.model = held.model.take().or_else(|| Some(model.name.clone()));
                changed = true;
            }
            changed |= held.complete(library);
        }
        changed
    }

    /// Limits that do not say for which model they were set are for the one that was met at the address last.
    fn complete_from_entries(&mut self) {
        for held in self.users.held.iter_mut().filter(|held| held.protocol.is_none()) {
            let met = self.known.entries.iter().find(|entry| same_address(&entry.key.address, &held.address));
            if let Some(entry) = met {
                (held.protocol, held.identifier) = (Some(entry.key.protocol.clone()), entry.key.identifier.clone());
                held.model = held.model.take().or_else(|| Some(entry.name.clone()));
            }
        }
    }

    /// Gives devices the indexes that the user set. Only before any device is there.
    fn assign_indexes(&mut self) {
        for position in 0..self.users.entries.len() {
            let Some((address, Some(index))) =
                self.users.entries.get(position).map(|entry| (entry.source.address.clone(), entry.index))
            else {
                continue;
            };
            let own = self.known.entries.iter().position(|entry| same_address(&entry.key.address, &address));
            let Some(old) = own.and_then(|own| self.known.entries.get(own)).map(|entry| entry.index) else {
                continue;
            };
            // Who has the index now gets the one that becomes free. What is not understood keeps its own.
            if let Some(holder) = self.known.entries.iter_mut().find(|entry| entry.index == index) {
                holder.index = old;
            } else if self.is_taken(index) {
                continue;
            }
            if let Some(entry) = own.and_then(|own| self.known.entries.get_mut(own)) {
                entry.index = index;
                self.unsaved |= index != old;
            }
        }
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
        let wanted = |index: u32| self.users.entries.iter().any(|entry| entry.index == Some(index));
        (0..u32::MAX).find(|index| !self.is_taken(*index) && !wanted(*index)).unwrap_or(u32::MAX)
    }

    fn is_taken(&self, index: u32) -> bool {
        let reserved = |value: &Value| value.get("index").and_then(Value::as_u64);
        self.known.entries.iter().any(|entry| entry.index == index)
            || self.known.strange.iter().filter_map(reserved).any(|other| other == u64::from(index))
    }

    /// What the user set for an address, on a model. Where several entries have limits, the stricter hold.
    fn settings(&self, key: &Key, model: &Model, library: &Library) -> UserSettings {
        let own = self.users.held.iter().filter(|held| same_address(&held.address, &key.address));
        let mut own: Vec<_> = own.collect();
        let is_key = |held: &Held| held.protocol.as_ref() == Some(&key.protocol) && held.identifier == key.identifier;
        own.sort_by_key(|held| (!is_key(held) || held.bus != Some(key.bus), held.bus != Some(key.bus)));
        let mut user = UserSettings::default();
        for held in own {
            user.display_name = user.display_name.or_else(|| held.user.display_name.clone());
            user.gap_ms = user.gap_ms.or(held.user.gap_ms);
            let UserSettings { limits, refused, .. } = held.limits_on(model, library);
            for (place, limits) in limits {
                let stricter = user.limits.get(&place).map_or(limits, |before| before.stricter(limits));
                user.limits.insert(place, stricter);
            }
            user.refused.extend(refused);
        }
        user
    }

    /// Whether the start has found more than the state file says: it is to be saved then.
    #[must_use]
    pub fn is_unsaved(&self) -> bool {
        self.unsaved
    }

    /// What is to be written; `None` when nothing can be saved.
    #[must_use]
    pub fn to_save(&mut self) -> Option<ToSave> {
        let path = self.path.clone()?;
        // Until the move to `devices.toml`, the entries themselves hold what is in force.
        if self.known.version == file::VERSION && self.users.path.is_some() {
            self.known.in_force.clone_from(&self.users.held);
        }
        let text = file::text(&self.known)?;
        let forget = Some(self.users.to_forget.clone()).filter(|addresses| !addresses.is_empty());
        let forget = self.users.path.clone().zip(forget);
        Some(ToSave { path, text, seen: Arc::clone(&self.seen), forget })
    }
}
