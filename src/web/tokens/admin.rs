//! `admin.token` in the state directory: whoever can read it, which is the server's user, may say who may do what.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use super::secret;

/// Its name.
pub const FILE: &str = "admin.token";
/// The longest that is read, in bytes.
const LONGEST: usize = 200;

/// The hash of the admin token, which is made where there is none yet.
///
/// # Errors
/// It can neither be read nor made.
pub(super) fn hash(directory: &Path) -> Result<String, String> {
    let path = directory.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) if (32..=LONGEST).contains(&text.trim().len()) => Ok(secret::hash(text.trim())),
        Ok(_) => Err(format!("{} is no token; delete it, and a new one is made at the next start", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(directory, &path),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}

fn make(directory: &Path, path: &Path) -> Result<String, String> {
    let wrong = |error: std::io::Error| format!("{} cannot be made: {error}", path.display());
    let secret = secret::new()?;
    std::fs::create_dir_all(directory).map_err(wrong)?;
    let mut new = OpenOptions::new();
    new.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o600);
    let mut file = new.open(path).map_err(wrong)?;
    file.write_all(format!("{secret}\n").as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)?;
    Ok(secret::hash(&secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_for_its_user_alone() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("new");
        let made = hash(&state).unwrap();
        let text = std::fs::read_to_string(state.join(FILE)).unwrap();
        assert_eq!((secret::hash(text.trim()), hash(&state)), (made.clone(), Ok(made)));
        assert_eq!(text.trim().len(), 40);
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&state.join(FILE).metadata().unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(state.join(FILE), "").unwrap();
        assert!(hash(&state).unwrap_err().contains("is no token"));
    }
}
