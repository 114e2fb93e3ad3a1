//! `devices.json`: reading it so that no limit is overlooked, writing it so that none is lost.
//!
//! Version 2 keeps what the server itself remembers and a copy of the limits last in force. In version 1, `user` of each entry
//! is what the user set; `migrate` moves that to `devices.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entry::Entry;
use super::held::Held;
use crate::strict_json;
use crate::text::bytes_without_bom;
use crate::user_devices::{read_bytes, save};

/// Name of the file in the state directory.
pub const FILE: &str = "devices.json";
/// The version that this program writes. It also reads version 1.
pub(super) const VERSION: u64 = 2;
/// What to do about a state file that cannot be used.
pub const REMEDY: &str = "repair it, or run `hapticd state set-aside` to begin without it; then start hapticd again";

/// The file as it stands on disk.
#[derive(Serialize, Deserialize)]
struct Contents {
    version: u64,
    devices: Vec<Value>,
    /// The limits last in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    in_force: Vec<Value>,
    /// What somebody wrote beside it.
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

/// What a file says.
#[derive(Debug, Clone)]
pub struct Known {
    /// The version that the file has, and is written in.
    pub(super) version: u64,
    pub(super) entries: Vec<Entry>,
    /// The limits last in force.
    pub(super) in_force: Vec<Held>,
    /// Entries that were not understood, as they were.
    pub(super) strange: Vec<Value>,
    /// The same among the limits last in force.
    pub(super) strange_limits: Vec<Value>,
    pub(super) more: BTreeMap<String, Value>,
    /// What is wrong with single entries.
    pub problems: Vec<String>,
    /// Why nothing may be driven: an entry that is not understood and does not say whose it is.
    pub unowned: Option<String>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            version: VERSION,
            entries: Vec::new(),
            in_force: Vec::new(),
            strange: Vec::new(),
            strange_limits: Vec::new(),
            more: BTreeMap::new(),
            problems: Vec::new(),
            unowned: None,
        }
    }
}

impl Known {
    /// How many devices it holds, understood or not.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.len() + self.strange.len()
    }

    /// The devices that it holds and that are understood.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Takes what one list of the file says.
    fn take(&mut self, name: &str, values: Vec<Value>, mut read: impl FnMut(&mut Self, &Value) -> Result<(), String>) {
        for (position, value) in values.into_iter().enumerate() {
            let Err(why) = read(self, &value) else { continue };
            let what = format!("{name} {} of {FILE}", position + 1);
            if value.get("address").and_then(Value::as_str).is_none() {
                self.unowned = Some(format!("{what} is not understood and names no address: {why}"));
            }
            self.problems.push(format!("{what} is kept, and its device is not used: {why}"));
            let strange = if name == "entry" { &mut self.strange } else { &mut self.strange_limits };
            strange.push(value);
        }
    }
}

/// Reads a file; one that is not there is empty.
///
/// # Errors
/// Why it cannot be read or understood, with the place. It may hold limits then.
pub fn read(path: &Path) -> Result<Known, String> {
    understand_bytes(read_bytes(path))
}

/// The same of what reading the file has given.
pub(super) fn understand_bytes(bytes: std::io::Result<Option<Vec<u8>>>) -> Result<Known, String> {
    let Some(bytes) = bytes.map_err(|error| format!("it cannot be read: {error}"))? else {
        return Ok(Known::default());
    };
    // Editors on some systems put a byte order mark in front.
    let text = bytes_without_bom(&bytes);
    if text.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) {
        return Err("it is empty".to_owned());
    }
    // The version first: a later one may have another form altogether.
    let whole = strict_json::read(text).map_err(|error| error.to_string())?;
    match whole.get("version").map(|version| (version, version.as_u64())) {
        Some((_, Some(1..=VERSION))) => {}
        Some((version, _)) => {
            return Err(format!("it has version {version}; this program knows versions 1 to {VERSION}"));
        }
        None => return Err(format!("it says no version; this program knows versions 1 to {VERSION}")),
    }
    Contents::deserialize(whole).map(understand).map_err(|error| error.to_string())
}

fn understand(Contents { version, devices, in_force, more }: Contents) -> Known {
    let mut known = Known { version, more, ..Known::default() };
    known.take("entry", devices, |known, value| {
        let entry = Entry::deserialize(value).map_err(|error| error.to_string())?;
        if known.entries.iter().any(|other| other.index == entry.index) {
            return Err(format!("another entry has the index {}", entry.index));
        }
        entry.fault(version).map_or(Ok(()), Err)?;
        known.entries.push(entry);
        Ok(())
    });
    known.take("limit", in_force, |known, value| {
        let held = Held::deserialize(value).map_err(|error| error.to_string())?;
        held.user.fault().map_or(Ok(()), Err)?;
        known.in_force.push(held);
        Ok(())
    });
    known
}

/// The text of a file with these entries.
pub(super) fn text(known: &Known) -> Option<String> {
    let kept = known.entries.iter().filter(|entry| !entry.for_now || !entry.user.is_empty());
    let understood = kept.filter_map(|entry| serde_json::to_value(entry).ok());
    let devices = understood.chain(known.strange.iter().cloned()).collect();
    let limits = known.in_force.iter().filter_map(|held| serde_json::to_value(held).ok());
    let in_force = limits.chain(known.strange_limits.iter().cloned()).collect();
    let contents = Contents { version: known.version, devices, in_force, more: known.more.clone() };
    Some(serde_json::to_string_pretty(&contents).ok()? + "\n")
}

/// Writes the file over the one that was `seen` last, and no other: what somebody has written there meanwhile may be limits.
///
/// # Errors
/// Why nothing is saved.
pub fn save_over(path: &Path, text: &str, seen: &Mutex<Option<Vec<u8>>>) -> Result<(), String> {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    match read_bytes(path) {
        Ok(Some(bytes)) if seen.as_ref() != Some(&bytes) => {
            return Err(
                "somebody has changed it while hapticd runs, so it stays as it is and counts from the next start"
                    .to_owned(),
            );
        }
        Err(error) => return Err(error.to_string()),
        Ok(_) => {}
    }
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).and_then(|()| save(path, text)).map_err(|error| error.to_string())?;
    *seen = Some(text.as_bytes().to_vec());
    Ok(())
}

/// Renames a file to the first free name `devices.json.broken-N`, which is returned.
///
/// # Errors
/// It cannot be renamed.
pub fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let names = (0_u32..1000).map(|n| path.with_extension(format!("json.broken-{n}")));
    let free = names.into_iter().find(|name| name.symlink_metadata().is_err());
    let aside = free.ok_or_else(|| std::io::Error::other("there are 1000 files set aside already"))?;
    std::fs::rename(path, &aside)?;
    Ok(aside)
}
