//! One server a state directory: two would each forget what the other has saved.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The locked file. It stays when the server ends; the lock goes with the process, however that ends.
const FILE: &str = "hapticd.lock";
/// The most that is read of another server's words about itself, in bytes.
const LONGEST: u64 = 300;

/// A state directory that this server alone writes to, until this is dropped.
#[derive(Debug)]
pub struct StateLock {
    file: File,
}

/// Why there is no lock.
#[derive(Debug)]
pub enum LockError {
    /// Another server has it. The text is what that server says of itself; it may be empty.
    Held(String),
    /// The lock cannot be made at this path.
    Unusable(PathBuf, std::io::Error),
}

impl StateLock {
    /// Locks a directory that exists.
    ///
    /// # Errors
    /// Another server has it, in this process or another, or nothing can be written there.
    pub fn take(directory: &Path) -> Result<Self, LockError> {
        let path = directory.join(FILE);
        let open = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let file = open.map_err(|error| LockError::Unusable(path.clone(), error))?;
        match file.try_lock() {
            Ok(()) => {
                let mut lock = Self { file };
                lock.describe("");
                Ok(lock)
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Some systems let nobody read what another has locked; the holder has no name then.
                let _ = file.take(LONGEST).read_to_string(&mut holder);
                Err(LockError::Held(holder.trim().to_owned()))
            }
            Err(TryLockError::Error(error)) => Err(LockError::Unusable(path, error)),
        }
    }

    /// Writes down who holds the lock, for people who start a second server: the process, and `more` about it.
    pub fn describe(&mut self, more: &str) {
        let text = format!("process {}{more}\n", std::process::id());
        // Only a hint for people; the lock holds without it.
        let _ =
            self.file.set_len(0).and_then(|()| self.file.rewind()).and_then(|()| self.file.write_all(text.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_directory_has_one_holder_who_can_be_named() {
        let directory = tempfile::tempdir().unwrap();
        let mut first = StateLock::take(directory.path()).unwrap();
        first.describe(", on 127.0.0.1:1");
        let Err(LockError::Held(holder)) = StateLock::take(directory.path()) else {
            panic!("it is locked twice")
        };
        assert_eq!(holder, format!("process {}, on 127.0.0.1:1", std::process::id()));
        drop(first);
        assert!(StateLock::take(directory.path()).is_ok());
    }

    #[test]
    fn a_directory_that_cannot_be_written_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        assert!(matches!(StateLock::take(&missing), Err(LockError::Unusable(path, _)) if path.starts_with(&missing)));
    }
}
