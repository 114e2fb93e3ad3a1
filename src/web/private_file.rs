//! Files that only the server's user may read.

use std::fs::OpenOptions;
use std::path::Path;

use crate::user_devices::save;

/// Writes such a file, whole or not at all.
///
/// # Errors
/// The directory cannot be written.
pub(super) fn write(path: &Path, text: &str) -> Result<(), String> {
    let mut new = OpenOptions::new();
    new.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o600);
    match new.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.to_string()),
        // What takes its place may be read by as few people.
        _ => save(path, text).map_err(|error| error.to_string()),
    }
}
