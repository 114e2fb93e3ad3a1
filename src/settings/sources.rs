//! Where settings are read from. This is the only file that looks at the real environment.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::paths::{self, STATE_DIRECTORY};

/// What the names of our environment variables begin with.
pub(super) const PREFIX: &str = "HAPTICD__";

/// One settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSource {
    /// Where the file is.
    pub path: PathBuf,
    /// Whether it is a mistake if the file does not exist.
    pub required: bool,
}

/// Everything settings are read from, apart from the embedded defaults. Nothing by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The files; later ones win.
    pub files: Vec<FileSource>,
    /// The environment, which wins over the files. Variables other than `HAPTICD__*` and
    /// `STATE_DIRECTORY` set nothing; one that is named almost so gets a warning.
    pub environment: Vec<(OsString, OsString)>,
    /// The `--set key=value` arguments, which win over all; later ones win.
    pub set: Vec<String>,
}

impl Sources {
    /// What the program uses: the system file, the user's file, the file given with `--config`
    /// (which has to exist), the environment of this process, and the `--set` arguments.
    #[must_use]
    pub fn standard(config: Option<PathBuf>, set: Vec<String>) -> Self {
        let optional = [paths::system_file(), paths::user_file()];
        let optional = optional.into_iter().flatten().map(|path| FileSource { path, required: false });
        let required = config.map(|path| FileSource { path, required: true });
        // The rest of the environment stays out, because it holds secrets of others and this
        // structure can be printed.
        let environment = std::env::vars_os()
            .filter(|(name, _)| is_ours(name) || looks_like_ours(name).is_some() || name == STATE_DIRECTORY);
        Self { files: optional.chain(required).collect(), environment: environment.collect(), set }
    }
}

/// Whether a variable is one of ours; also for names that are not UTF-8.
pub(super) fn is_ours(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
}

/// The words of a variable that is none of ours but begins with our name, such as `server_listen` of
/// `HAPTICD_SERVER_LISTEN`.
pub(super) fn looks_like_ours(name: &OsStr) -> Option<String> {
    let name = name.to_str().filter(|_| !is_ours(name))?.to_lowercase();
    let words = name.strip_prefix("hapticd_")?.split('_').filter(|word| !word.is_empty());
    Some(words.collect::<Vec<_>>().join("_"))
}

/// The name of the variable that sets a key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_puts_the_given_file_last_and_requires_only_that() {
        let sources = Sources::standard(Some("/x/y.toml".into()), vec!["a=b".to_owned()]);
        let (last, others) = sources.files.split_last().unwrap();
        assert_eq!(*last, FileSource { path: "/x/y.toml".into(), required: true });
        assert!(others.iter().all(|file| !file.required && file.path.ends_with("hapticd/config.toml")));
        assert_eq!(sources.set, ["a=b"]);
        let ours = |name: &OsStr| is_ours(name) || looks_like_ours(name).is_some() || name == STATE_DIRECTORY;
        assert!(sources.environment.iter().all(|(name, _)| ours(name)));
    }

    #[test]
    #[cfg(all(unix, not(target_os = "macos")))]
    fn standard_begins_with_the_system_file() {
        let sources = Sources::standard(None, Vec::new());
        assert_eq!(sources.files[0].path, PathBuf::from("/etc/hapticd/config.toml"));
    }

    #[test]
    fn only_variables_with_the_prefix_are_ours() {
        assert!(is_ours(OsStr::new("HAPTICD__SERVER__LISTEN")));
        assert!(!is_ours(OsStr::new("HAPTICD_SERVER")) && !is_ours(OsStr::new("PATH")));
    }

    #[test]
    fn what_looks_like_ours_is_taken_apart() {
        let words = |name| looks_like_ours(OsStr::new(name));
        assert_eq!(words("HAPTICD_SERVER_LISTEN").as_deref(), Some("server_listen"));
        assert_eq!(words("hapticd__log__level").as_deref(), Some("log_level"));
        assert_eq!((words("HAPTICD__LOG__LEVEL"), words("HAPTICD"), words("PATH")), (None, None, None));
        assert_eq!(variable("buses.lovense_dongle.port"), "HAPTICD__BUSES__LOVENSE_DONGLE__PORT");
    }
}
