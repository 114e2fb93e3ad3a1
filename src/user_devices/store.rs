//! Which file it is, and how it is read, locked and saved: the command line and servers change it in turn.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::edit::Editor;
use super::read::{EntryProblem, UserDevices, understand};

/// The name of the file.
pub const FILE: &str = "devices.toml";
/// How long another editor may hold the lock.
const LOCK_WAIT: Duration = Duration::from_secs(10);
/// Pause between two tries to lock.
const LOCK_STEP: Duration = Duration::from_millis(10);

/// Which of these paths is the file: the first that is there, else the first whose directory exists and can be written,
/// else the last.
#[must_use]
pub fn choose(candidates: &[PathBuf]) -> PathBuf {
    let there = |path: &&PathBuf| path.symlink_metadata().is_ok();
    let writable = |path: &&PathBuf| directory(path).is_dir() && tempfile::tempfile_in(directory(path)).is_ok();
    let chosen = candidates.iter().find(there).or_else(|| candidates.iter().find(writable)).or(candidates.last());
    chosen.cloned().unwrap_or_else(|| PathBuf::from(FILE))
}

/// The bytes of the file; `None` when there is none.
///
/// # Errors
/// It cannot be read. A pipe or a directory is no file, and a link that leads nowhere is no absent file: what it led to
/// may hold limits.
pub fn read_bytes(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    match path.metadata() {
        Ok(what) if !what.is_file() => Err(std::io::Error::other("it is no regular file")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && path.symlink_metadata().is_err() => Ok(None),
        _ => std::fs::read(path).map(Some),
    }
}

/// Reads the file; `None` when there is none.
///
/// # Errors
/// Why it cannot be read or understood, with the line. It may hold limits then.
pub fn read(path: &Path) -> Result<Option<UserDevices>, String> {
    let bytes = read_bytes(path).map_err(|error| format!("it cannot be read: {error}"))?;
    bytes.map(|bytes| understand(&bytes)).transpose()
}

/// Reads the file, changes it and replaces it, while no other program does. Nothing is written where nothing changes.
///
/// # Errors
/// The file cannot be read, understood, locked or written, or `change` refuses.
pub fn lock_and_edit<T>(path: &Path, change: impl FnOnce(&mut Editor) -> Result<T, String>) -> Result<T, String> {
    let of = |why: String| format!("{}: {why}", path.display());
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    std::fs::create_dir_all(directory(&path)).map_err(|error| of(error.to_string()))?;
    let _lock = lock(&path).map_err(of)?;
    let before = read_bytes(&path).map_err(|error| of(format!("it cannot be read: {error}")))?;
    let mut editor = Editor::open(before.as_deref()).map_err(of)?;
    let known = editor.devices().map_err(of)?.problems;
    let done = change(&mut editor)?;
    let text = editor.text();
    // Nothing that is not understood may ever be written. What was there before, and how much of it, is its owner's.
    let devices = editor.devices().map_err(|why| of(format!("the change cannot be written: {why}")))?;
    let is_new = |problem: &&EntryProblem| !known.iter().any(|old| old.why == problem.why);
    if let Some(problem) = devices.problems.iter().find(is_new) {
        return Err(of(format!("the change cannot be written: {problem}")));
    }
    if before.as_deref() != Some(text.as_bytes()) {
        save(&path, &text).map_err(|error| of(format!("it cannot be written: {error}")))?;
    }
    Ok(done)
}

/// Writes a file so that it is either the old or the new one, whatever happens meanwhile. A link stays a link; who owns
/// the file and who may read it stays as it was.
///
/// # Errors
/// The directory cannot be written.
pub fn save(path: &Path, text: &str) -> std::io::Result<()> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // Always the same name, so that what a killed program leaves is written over by the next one.
    let beside = directory(&path).join(format!(".{name}.new"));
    let _ = std::fs::remove_file(&beside);
    let mut file = File::options().write(true).create_new(true).open(&beside)?;
    adopt(&beside, &path);
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&beside, &path)?;
    // The new name lasts through a power cut only once its directory is written. Not every system can do that.
    #[cfg(unix)]
    let _ = File::open(directory(&path)).and_then(|directory| directory.sync_all());
    Ok(())
}

fn lock(path: &Path) -> Result<File, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside = directory(path).join(format!(".{name}.lock"));
    let new = !beside.exists();
    let open = File::options().read(true).write(true).create(true).truncate(false).open(&beside);
    // Another user may have made it; locking needs no more than reading.
    let file = open.or_else(|_| File::open(&beside));
    let file = file.map_err(|error| format!("its lock {} cannot be made: {error}", beside.display()))?;
    if new {
        adopt(&beside, path);
    }
    let end = Instant::now() + LOCK_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < end => std::thread::sleep(LOCK_STEP),
            Err(error) => return Err(format!("its lock {} cannot be had: {error}", beside.display())),
        }
    }
}

/// Gives a new file the owner and the rights of the one that it belongs to, or the owner of the directory.
fn adopt(new: &Path, old: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, chown};
        let metadata = old.metadata();
        if let Ok(like) = metadata.as_ref().or(directory(old).metadata().as_ref()) {
            // Only root can give files away; for everybody else the owner is right already.
            let _ = chown(new, Some(like.uid()), Some(like.gid()));
        }
        if let Ok(metadata) = metadata {
            let _ = std::fs::set_permissions(new, metadata.permissions());
        }
    }
    #[cfg(not(unix))]
    let _ = (new, old);
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
