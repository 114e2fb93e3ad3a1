//! The file of known devices: which index each has, and what the user set for it.
//!
//! It is written atomically. An entry that cannot be understood is kept as it is and named; a file that cannot be read
//! at all is set aside, not overwritten.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::device::{UserLimits, UserSettings};
use crate::library::Bus;
use crate::message::OutputKind;

const FILE: &str = "devices.json";

/// What makes a device the same device (facts: devices.md section 1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Where it was found.
    pub bus: Bus,
    /// Its address there.
    pub address: String,
    /// Its protocol.
    pub protocol: String,
    /// Identifier of its model, as the hardware gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    key: Key,
    index: u32,
    /// For people who read the file.
    #[serde(default)]
    name: String,
    #[serde(default, skip_serializing_if = "User::is_empty")]
    user: User,
    /// It is known only as long as the server runs, unless the user sets something for it.
    #[serde(skip)]
    for_now: bool,
    /// What a later version wrote beside it.
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

/// What the user set for a device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gap_ms: Option<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    allow: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deny: bool,
    /// Keys are feature and output, such as `0.vibrate`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    outputs: BTreeMap<String, UserLimits>,
}

impl User {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    devices: Vec<Value>,
}

/// The known devices.
#[derive(Debug)]
pub struct Registry {
    path: Option<PathBuf>,
    entries: Vec<Entry>,
    /// Entries that were not understood, as they were.
    strange: Vec<Value>,
    problems: Vec<String>,
}

impl Registry {
    /// No known devices, and no file: for tests, and for a state directory that cannot be used.
    #[must_use]
    pub fn empty() -> Self {
        Self { path: None, entries: Vec::new(), strange: Vec::new(), problems: Vec::new() }
    }

    /// Reads the file of a state directory. What is wrong with it is told in [`Registry::problems`].
    #[must_use]
    pub fn open(directory: &Path) -> Self {
        let path = directory.join(FILE);
        let mut registry = Self { path: Some(path.clone()), ..Self::empty() };
        if let Err(error) = std::fs::create_dir_all(directory) {
            registry.path = None;
            let problem = format!("`state.dir` = {} cannot be made: {error}", directory.display());
            registry.problems.push(problem + "; devices get their indexes anew with every start");
            return registry;
        }
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return registry,
            Err(error) => {
                // Writing over what cannot be read would lose it.
                registry.path = None;
                registry.problems.push(format!("{} cannot be read: {error}; nothing is saved there", path.display()));
                return registry;
            }
        };
        match serde_json::from_slice::<File>(&text) {
            Ok(file) if file.version == 1 => registry.take(file.devices),
            Ok(file) => registry.set_aside(&format!("it has version {}; this program knows version 1", file.version)),
            Err(error) => registry.set_aside(&error.to_string()),
        }
        registry
    }

    fn take(&mut self, devices: Vec<Value>) {
        for (position, value) in devices.into_iter().enumerate() {
            let entry = match Entry::deserialize(&value) {
                Ok(entry) if self.entries.iter().any(|known| known.index == entry.index) => {
                    Err(format!("another entry has the index {}", entry.index))
                }
                Ok(entry) => match entry.user.outputs.keys().find(|place| output(place).is_none()) {
                    Some(place) => Err(format!("{place:?} is no output; they are called like \"0.vibrate\"")),
                    None => Ok(entry),
                },
                Err(error) => Err(error.to_string()),
            };
            match entry {
                Ok(entry) => self.entries.push(entry),
                Err(why) => {
                    self.problems.push(format!("entry {position} of {FILE} is kept, but not used: {why}"));
                    self.strange.push(value);
                }
            }
        }
    }

    fn set_aside(&mut self, why: &str) {
        let Some(path) = &self.path else { return };
        let aside = (0_u32..1000).map(|n| path.with_extension(format!("json.broken-{n}"))).find(|path| !path.exists());
        let moved = aside.and_then(|aside| std::fs::rename(path, &aside).ok().map(|()| aside));
        let done = match &moved {
            Some(aside) => format!("it is kept as {}", aside.display()),
            None => "it could not be set aside, so nothing is saved".to_owned(),
        };
        self.problems.push(format!("{} is not understood: {why}; {done}", path.display()));
        if moved.is_none() {
            self.path = None;
        }
    }

    /// What was wrong with the file.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Whether hardware with this address was a device before.
    #[must_use]
    pub fn knows(&self, bus: Bus, address: &str) -> bool {
        self.entries.iter().any(|entry| entry.key.bus == bus && entry.key.address == address)
    }

    /// Addresses of the devices that were found on a bus with this name.
    pub fn addresses(&self, bus: &str) -> impl Iterator<Item = String> {
        self.entries.iter().filter(move |entry| entry.key.bus.name() == bus).map(|entry| entry.key.address.clone())
    }

    /// Why the user does not want hardware with this address, if so (facts: server-behaviours.md section 1, step 2).
    #[must_use]
    pub fn refuses(&self, address: &str) -> Option<&'static str> {
        let own = || self.entries.iter().filter(|entry| entry.key.address == address);
        if own().any(|entry| entry.user.deny) {
            return Some("the user's settings deny this address");
        }
        // Without its entry the device would run without the limits that may be in it.
        if self.strange.iter().any(|entry| entry.get("address").and_then(Value::as_str) == Some(address)) {
            return Some("its entry in devices.json is not understood, and may hold limits; see the log");
        }
        let allows = self.entries.iter().any(|entry| entry.user.allow);
        (allows && !own().any(|entry| entry.user.allow)).then_some("the user's settings allow only other addresses")
    }

    /// The index of a device: its own if it is known, else the lowest that no entry has, understood or not. The second
    /// value says whether the file changed.
    pub fn index(&mut self, key: &Key, name: &str) -> (u32, bool) {
        if let Some(entry) = self.entries.iter().find(|entry| entry.key == *key) {
            return (entry.index, false);
        }
        let reserved = |value: &Value| value.get("index").and_then(Value::as_u64);
        let taken = |index: u32| {
            self.entries.iter().any(|entry| entry.index == index)
                || self.strange.iter().filter_map(reserved).any(|other| other == u64::from(index))
        };
        let index = (0..u32::MAX).find(|index| !taken(*index)).unwrap_or(u32::MAX);
        self.entries.push(Entry {
            key: key.clone(),
            index,
            name: name.to_owned(),
            user: User::default(),
            for_now: false,
            more: BTreeMap::new(),
        });
        (index, true)
    }

    /// Says whether a device wants to be kept in the file. A `new` one that does not is known only as long as the server
    /// runs; one that the file has stays there. Returns whether the file has to be written.
    pub fn remember(&mut self, index: u32, new: bool, wanted: bool) -> bool {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.index == index) else {
            return false;
        };
        if !wanted {
            entry.for_now |= new;
            return false;
        }
        std::mem::take(&mut entry.for_now) || new
    }

    /// What the user set for a device.
    #[must_use]
    pub fn user(&self, index: u32) -> UserSettings {
        let Some(entry) = self.entries.iter().find(|entry| entry.index == index) else {
            return UserSettings::default();
        };
        let limits = entry.user.outputs.iter().filter_map(|(place, limits)| Some((output(place)?, *limits)));
        UserSettings {
            display_name: entry.user.display_name.clone(),
            gap_ms: entry.user.gap_ms,
            limits: limits.collect(),
        }
    }

    /// What is to be written, and where; `None` when nothing can be saved.
    #[must_use]
    pub fn to_save(&self) -> Option<(PathBuf, String)> {
        let path = self.path.clone()?;
        let kept = self.entries.iter().filter(|entry| !entry.for_now || !entry.user.is_empty());
        let understood = kept.filter_map(|entry| serde_json::to_value(entry).ok());
        let devices = understood.chain(self.strange.iter().cloned()).collect();
        let text = serde_json::to_string_pretty(&File { version: 1, devices }).ok()?;
        Some((path, text + "\n"))
    }
}

/// Feature and output of a name such as `0.vibrate`.
fn output(place: &str) -> Option<(u32, OutputKind)> {
    let (feature, kind) = place.split_once('.')?;
    Some((feature.parse().ok()?, OutputKind::from_key(kind)?))
}

/// Writes a file so that it is either the old or the new one, whatever happens meanwhile.
///
/// # Errors
/// A directory that cannot be made or written to.
pub fn save(path: &Path, text: &str) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(address: &str) -> Key {
        Key { bus: Bus::Btle, address: address.to_owned(), protocol: "lovense".to_owned(), identifier: None }
    }

    fn store(registry: &Registry) {
        let (path, text) = registry.to_save().unwrap();
        save(&path, &text).unwrap();
    }

    #[test]
    fn indexes_are_stable_and_holes_are_filled() {
        let directory = tempfile::tempdir().unwrap();
        let mut registry = Registry::open(&directory.path().join("new"));
        assert_eq!(registry.index(&key("a"), "A"), (0, true));
        assert_eq!(registry.index(&key("b"), "B"), (1, true));
        assert_eq!(registry.index(&key("a"), "A"), (0, false));
        store(&registry);
        let mut again = Registry::open(&directory.path().join("new"));
        assert_eq!(again.index(&key("b"), "B"), (1, false));
        assert_eq!(again.index(&key("c"), "C"), (2, true));
        assert!(again.knows(Bus::Btle, "a") && !again.knows(Bus::Serial, "a"));
    }

    #[test]
    fn what_is_known_for_now_is_not_written_unless_it_was_or_is_wanted() {
        let directory = tempfile::tempdir().unwrap();
        let mut registry = Registry::open(directory.path());
        let mut take = |address: &str, wanted| {
            let (index, new) = registry.index(&key(address), address);
            let save = registry.remember(index, new, wanted);
            (index, save, registry.to_save().unwrap().1.contains(&format!("\"address\": \"{address}\"")))
        };
        assert_eq!(take("real", true), (0, true, true));
        assert_eq!(take("played", false), (1, false, false));
        assert_eq!(take("played", false), (1, false, false), "its index is its own as long as the server runs");
        assert_eq!(take("real", false), (0, false, true), "what the file has stays there");
        assert_eq!(take("played", true), (1, true, true));
        assert_eq!(take("played", false), (1, false, true));
        assert_eq!(take("limited", false), (2, false, false));
        registry.entries[2].user.deny = true;
        assert!(registry.to_save().unwrap().1.contains("limited"), "what the user set is kept");
    }

    #[test]
    fn what_is_not_understood_is_kept_and_its_index_stays_taken() {
        let directory = tempfile::tempdir().unwrap();
        let text = r#"{"version": 1, "devices": [
            {"bus": "btle", "address": "a", "protocol": "lovense", "index": 1},
            {"bus": "telepathy", "address": "x", "protocol": "y", "index": 0, "note": "mine"},
            {"bus": "btle", "address": "b", "protocol": "lovense", "index": 1}, 7]}"#;
        std::fs::write(directory.path().join(FILE), text).unwrap();
        let mut registry = Registry::open(directory.path());
        assert_eq!(registry.problems().len(), 3, "{:?}", registry.problems());
        assert_eq!(registry.index(&key("a"), ""), (1, false));
        assert_eq!(registry.index(&key("new"), ""), (2, true));
        assert!(registry.refuses("x").unwrap().contains("not understood"));
        store(&registry);
        let saved = std::fs::read_to_string(directory.path().join(FILE)).unwrap();
        assert!(saved.contains("telepathy") && saved.contains("mine") && saved.contains('7'), "{saved}");
    }

    #[test]
    fn a_file_that_is_not_understood_is_set_aside() {
        let directory = tempfile::tempdir().unwrap();
        for text in ["", "{", "[]", r#"{"version": 9, "devices": []}"#] {
            std::fs::write(directory.path().join(FILE), text).unwrap();
            let mut registry = Registry::open(directory.path());
            assert_eq!(registry.problems().len(), 1, "{text}");
            registry.index(&key("a"), "");
            store(&registry);
        }
        let names = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(names.filter(|name| name.to_string_lossy().contains("broken")).count(), 4);
    }

    #[test]
    fn users_allow_deny_and_limit() {
        let directory = tempfile::tempdir().unwrap();
        let text = r#"{"version": 1, "devices": [
            {"bus": "btle", "address": "bad", "protocol": "lovense", "index": 0, "user": {"deny": true}},
            {"bus": "btle", "address": "good", "protocol": "lovense", "index": 1, "user": {"allow": true,
                "display_name": "Mine", "gap_ms": 90, "outputs": {"0.vibrate": {"range": [2, 9]}}}}]}"#;
        std::fs::write(directory.path().join(FILE), text).unwrap();
        let registry = Registry::open(directory.path());
        assert!(registry.refuses("bad").unwrap().contains("deny"));
        assert!(registry.refuses("other").unwrap().contains("allow only"));
        assert_eq!(registry.refuses("good"), None);
        let user = registry.user(1);
        assert_eq!((user.display_name.as_deref(), user.gap_ms), (Some("Mine"), Some(90)));
        assert_eq!(user.limits[&(0, OutputKind::Vibrate)].range, Some((2, 9)));
    }
}
