//! What can be wrong with settings, in words the person who wrote them can act on.

use std::path::PathBuf;

/// One thing wrong in one place.
///
/// `origin` says where the value was written: a file and line, an environment variable or `--set`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsProblem {
    /// A key that does not exist.
    #[error("{origin}: unknown key `{key}`; {hint}")]
    UnknownKey {
        /// The dotted key as it was written.
        key: String,
        /// Where it was written.
        origin: String,
        /// The closest key, or the keys that exist there.
        hint: String,
    },
    /// A value given to a section.
    #[error("{origin}: `{key}` is a section and takes no value of its own (found {value}); {hint}")]
    NotAKey {
        /// The dotted name of the section.
        key: String,
        /// Where it was written.
        origin: String,
        /// The value as it was written.
        value: String,
        /// The keys of the section.
        hint: String,
    },
    /// A value of another type than the default.
    #[error("{origin}: `{key}` is {value}, which is the wrong type; allowed: {allowed}")]
    WrongType {
        /// The dotted key.
        key: String,
        /// Where it was written.
        origin: String,
        /// The value as it was written; text is in quotes.
        value: String,
        /// The type and range allowed.
        allowed: String,
    },
    /// A value of the right type that is not allowed.
    #[error("{origin}: `{key}` is {value}, which is not allowed; allowed: {allowed}")]
    NotAllowed {
        /// The dotted key.
        key: String,
        /// Where it was written.
        origin: String,
        /// The value as it was written; text is in quotes.
        value: String,
        /// The type and range allowed.
        allowed: String,
    },
    /// A value that has to exceed that of another key, and does not.
    #[error("{origin}: `{key}` is {value}; allowed: more than `{other}`, which is {other_value} ({other_origin})")]
    NotGreater {
        /// The dotted key that has to be the greater one.
        key: String,
        /// Where it was written.
        origin: String,
        /// Its value.
        value: i64,
        /// The dotted key it is compared with.
        other: String,
        /// The value of that key.
        other_value: i64,
        /// Where that one was written.
        other_origin: String,
    },
    /// A settings file that exists, or has to, and cannot be read as text.
    #[error("cannot read settings file {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why, usually in the words of the operating system.
        reason: String,
    },
    /// A settings file that is not valid TOML.
    #[error("{} line {line}: not valid TOML: {reason}", path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// An environment variable of ours whose name or value is not UTF-8.
    #[error("environment variable {variable}: its {part} is not valid UTF-8; allowed: UTF-8 text")]
    NotUtf8 {
        /// The name of the variable, with what is not UTF-8 replaced.
        variable: String,
        /// `name` or `value`.
        part: &'static str,
    },
    /// A `--set` without a key or without `=`.
    #[error("--set {text}: not a setting; allowed: key=value, such as server.listen=127.0.0.1:12345")]
    MalformedSet {
        /// The argument as it was written, in quotes.
        text: String,
    },
    /// `state.dir` is empty and the platform offers no directory to take its place.
    #[error("`state.dir` is \"\" and this system names no state directory; allowed: the path of a directory")]
    NoStateDirectory,
    /// The embedded defaults contradict the program: a mistake in hapticd, not in anyone's file.
    #[error("built-in defaults: {reason} (this is a bug in hapticd)")]
    Builtin {
        /// What does not fit.
        reason: String,
    },
}

impl SettingsProblem {
    /// The key this problem is about, if it is about one.
    pub(super) fn key(&self) -> Option<&str> {
        match self {
            Self::UnknownKey { key, .. }
            | Self::NotAKey { key, .. }
            | Self::WrongType { key, .. }
            | Self::NotAllowed { key, .. }
            | Self::NotGreater { key, .. } => Some(key),
            _ => None,
        }
    }
}

/// Everything wrong with the settings, displayed one problem a line.
///
/// All of it and not the first one, because correcting settings one restart at a time is tedious.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(problems))]
pub struct SettingsError {
    problems: Vec<SettingsProblem>,
}

impl SettingsError {
    pub(super) fn new(problems: Vec<SettingsProblem>) -> Self {
        Self { problems }
    }

    pub(super) fn builtin(reason: impl Into<String>) -> Self {
        Self::new(vec![SettingsProblem::Builtin { reason: reason.into() }])
    }

    /// The problems, in the order of the layers, and within a file in the order of its lines.
    /// Never empty.
    #[must_use]
    pub fn problems(&self) -> &[SettingsProblem] {
        &self.problems
    }
}

fn lines(problems: &[SettingsProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_displayed_one_problem_a_line() {
        let error = SettingsError::new(vec![
            SettingsProblem::NoStateDirectory,
            SettingsProblem::NotToml { path: "/etc/x.toml".into(), line: 3, reason: "no".to_owned() },
            SettingsProblem::NotUtf8 { variable: "HAPTICD__LOG__LEVEL".to_owned(), part: "value" },
        ]);
        assert_eq!(
            error.to_string(),
            "`state.dir` is \"\" and this system names no state directory; allowed: the path of a directory\n\
             /etc/x.toml line 3: not valid TOML: no\n\
             environment variable HAPTICD__LOG__LEVEL: its value is not valid UTF-8; allowed: UTF-8 text"
        );
    }
}
