//! `devices.json`: reading it so that no limit is overlooked, writing it so that none is lost.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entry::Entry;
use super::strict_json;

/// Name of the file in the state directory.
pub const FILE: &str = "devices.json";
/// The only version of the file that this program reads and writes.
const VERSION: u32 = 1;

/// The file as it stands on disk.
#[derive(Serialize, Deserialize)]
struct Contents {
    version: u32,
    devices: Vec<Value>,
    /// What somebody wrote beside it.
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

/// What a file says.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub(super) entries: Vec<Entry>,
    /// Entries that were not understood, as they were.
    pub(super) strange: Vec<Value>,
    pub(super) more: BTreeMap<String, Value>,
    /// What is wrong with single entries.
    pub problems: Vec<String>,
    /// Why nothing may be driven: an entry that is not understood and does not say whose it is.
    pub unowned: Option<String>,
}

impl Known {
    /// How many devices it holds, understood or not.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.len() + self.strange.len()
    }
}

/// The bytes of a regular file. A pipe would be waited for.
pub(super) fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    match path.metadata() {
        Ok(what) if !what.is_file() => Err(std::io::Error::other("it is no regular file")),
        _ => std::fs::read(path),
    }
}

/// Reads a file; one that is not there is empty.
///
/// # Errors
/// Why it cannot be read or understood, with the place. It may hold limits then.
pub fn read(path: &Path) -> Result<Known, String> {
    understand_bytes(bytes(path), path)
}

/// The same of what reading the file has given.
pub(super) fn understand_bytes(bytes: std::io::Result<Vec<u8>>, path: &Path) -> Result<Known, String> {
    let bytes = match bytes {
        Ok(bytes) => bytes,
        // A link that leads nowhere is no absent file: what it led to may hold limits.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && path.symlink_metadata().is_err() => {
            return Ok(Known::default());
        }
        Err(error) => return Err(format!("it cannot be read: {error}")),
    };
    // Editors on some systems put a byte order mark in front.
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    if text.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) {
        return Err("it is empty".to_owned());
    }
    // The version first: a later one may have another form altogether.
    let whole = strict_json::read(text).map_err(|error| error.to_string())?;
    match whole.get("version").map(|version| (version, version.as_u64())) {
        Some((_, Some(1))) => {}
        Some((version, _)) => return Err(format!("it has version {version}; this program knows version {VERSION}")),
        None => return Err(format!("it says no version; this program knows version {VERSION}")),
    }
    let contents = Contents::deserialize(whole).map_err(|error| error.to_string())?;
    Ok(understand(contents))
}

fn understand(Contents { devices, more, .. }: Contents) -> Known {
    let mut known = Known { more, ..Known::default() };
    for (position, value) in devices.into_iter().enumerate() {
        let entry = Entry::deserialize(&value).map_err(|error| error.to_string()).and_then(|entry| {
            let twice = known.entries.iter().any(|other| other.index == entry.index);
            let fault = twice.then(|| format!("another entry has the index {}", entry.index));
            fault.or_else(|| entry.fault()).map_or(Ok(entry), Err)
        });
        let why = match entry {
            Ok(entry) => {
                known.entries.push(entry);
                continue;
            }
            Err(why) => why,
        };
        let what = format!("entry {} of {FILE}", position + 1);
        if value.get("address").and_then(Value::as_str).is_none() {
            known.unowned = Some(format!("{what} is not understood and names no address: {why}"));
        }
        known.problems.push(format!("{what} is kept, and its device is not used: {why}"));
        known.strange.push(value);
    }
    known
}

/// The text of a file with these entries.
pub(super) fn text(known: &Known) -> Option<String> {
    let kept = known.entries.iter().filter(|entry| !entry.for_now || !entry.user.is_empty());
    let understood = kept.filter_map(|entry| serde_json::to_value(entry).ok());
    let devices = understood.chain(known.strange.iter().cloned()).collect();
    let contents = Contents { version: VERSION, devices, more: known.more.clone() };
    Some(serde_json::to_string_pretty(&contents).ok()? + "\n")
}

/// Writes a file so that it is either the old or the new one, whatever happens meanwhile. A link stays a link.
///
/// # Errors
/// A directory that cannot be made or written to.
pub fn save(path: &Path, text: &str) -> std::io::Result<()> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// The same over the file that was `seen` last, and no other: what somebody has written there meanwhile may be limits.
///
/// # Errors
/// Why nothing is saved.
pub fn save_over(path: &Path, text: &str, seen: &Mutex<Option<Vec<u8>>>) -> Result<(), String> {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    match bytes(path) {
        Ok(bytes) if seen.as_ref() != Some(&bytes) => {
            return Err(
                "somebody has changed it while hapticd runs, so it stays as it is and counts from the next start"
                    .to_owned(),
            );
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.to_string()),
        Ok(_) | Err(_) => {}
    }
    save(path, text).map_err(|error| error.to_string())?;
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
