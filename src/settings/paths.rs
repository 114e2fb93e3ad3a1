//! Where the platform keeps files. Only names paths: nothing here is created or opened.

use std::ffi::OsString;
use std::path::PathBuf;

/// The variable with the directory that systemd prepares for a service, see `systemd.exec(5)`.
pub(super) const STATE_DIRECTORY: &str = "STATE_DIRECTORY";

const NAME: &str = "hapticd";
const FILE: &str = "config.toml";
/// The file of what the user set for devices.
pub(super) const DEVICES: &str = "devices.toml";

/// The settings file for all users of this computer.
pub(super) fn system_file() -> Option<PathBuf> {
    #[cfg(windows)]
    let base = std::env::var_os("PROGRAMDATA").filter(|base| !base.is_empty()).map(PathBuf::from);
    #[cfg(target_os = "macos")]
    let base = Some(PathBuf::from("/Library/Application Support"));
    #[cfg(all(unix, not(target_os = "macos")))]
    let base = Some(PathBuf::from("/etc"));
    #[cfg(not(any(windows, unix)))]
    let base: Option<PathBuf> = None;
    base.map(|base| base.join(NAME).join(FILE))
}

/// The settings file of the user running this process.
pub(super) fn user_file() -> Option<PathBuf> {
    user_directory().map(|directory| directory.join(FILE))
}

fn user_directory() -> Option<PathBuf> {
    dirs::config_dir().map(|base| base.join(NAME))
}

/// The user's own definitions when no directory is set.
pub(super) fn definitions() -> Option<PathBuf> {
    user_directory().map(|directory| directory.join("definitions"))
}

/// The directory systemd prepared for this service, if it did.
pub(super) fn service_state(environment: &[(OsString, OsString)]) -> Option<PathBuf> {
    let (_, value) = environment.iter().find(|(name, _)| name == STATE_DIRECTORY)?;
    // A unit may list several, separated by colons; the first is the main one.
    std::env::split_paths(value).find(|path| !path.as_os_str().is_empty())
}

/// The state directory of the platform.
pub(super) fn platform_state() -> Option<PathBuf> {
    dirs::state_dir().or_else(dirs::data_local_dir).map(|base| base.join(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_service_directory_is_used() {
        let of = |value: &str| service_state(&[(STATE_DIRECTORY.into(), value.into())]);
        assert_eq!(of("/var/lib/hapticd"), Some("/var/lib/hapticd".into()));
        #[cfg(unix)]
        assert_eq!(of("/var/lib/a:/var/lib/b"), Some("/var/lib/a".into()));
        assert_eq!(of(""), None);
        assert_eq!(service_state(&[]), None);
    }

    #[test]
    fn platform_paths_end_in_our_name() {
        assert!(platform_state().is_none_or(|path| path.ends_with(NAME)));
        assert!(definitions().is_none_or(|path| path.ends_with("hapticd/definitions")));
    }
}
