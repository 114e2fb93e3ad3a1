//! What can be wrong with settings, in words the person who wrote them can act on.

use std::path::PathBuf;

/// One thing wrong in one place.
///
/// In all of them `key` is a dotted key; `origin` says where the value was written (a file and line, an environment
/// variable or `--set`); `value` is the value as it was written, text in quotes; `hint` and `allowed` say what is possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields mean the same in every variant, and are explained above")]
pub enum SettingsProblem {
    /// A key that does not exist.
    #[error("{origin}: unknown key `{key}`; {hint}")]
    UnknownKey { key: String, origin: String, hint: String },
    /// A value given to a section.
    #[error("{origin}: `{key}` is a section and takes no value of its own (found {value}); {hint}")]
    NotAKey { key: String, origin: String, value: String, hint: String },
    /// A value of another type than the default.
    #[error("{origin}: `{key}` is {value}, which is the wrong type; allowed: {allowed}")]
    WrongType { key: String, origin: String, value: String, allowed: String },
    /// A value of the right type that is not allowed.
    #[error("{origin}: `{key}` is {value}, which is not allowed; allowed: {allowed}")]
    NotAllowed { key: String, origin: String, value: String, allowed: String },
    /// A value that has to exceed that of another key, and does not.
    #[error("{origin}: `{key}` is {value}; allowed: more than `{other}`, which is {other_value} ({other_origin})")]
    NotGreater { key: String, origin: String, value: i64, other: String, other_value: i64, other_origin: String },
    /// A settings file that exists, or has to, and cannot be read as text, for a reason that is usually in the words of
    /// the operating system.
    #[error("cannot read settings file {}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    /// A settings file that is not valid TOML. Lines are counted from 1.
    #[error("{} line {line}: not valid TOML: {reason}", path.display())]
    NotToml { path: PathBuf, line: usize, reason: String },
    /// An environment variable of ours of which the `part`, its name or its value, is not UTF-8.
    #[error("environment variable {variable}: its {part} is not valid UTF-8; allowed: UTF-8 text")]
    NotUtf8 { variable: String, part: &'static str },
    /// A `--set` without a key or without `=`; `text` is the argument in quotes.
    #[error("--set {text}: not a setting; allowed: key=value, such as server.listen=127.0.0.1:12345")]
    MalformedSet { text: String },
    /// `state.dir` is empty and the platform offers no directory to take its place.
    #[error("`state.dir` is \"\" and this system names no state directory; allowed: the path of a directory")]
    NoStateDirectory,
    /// The embedded defaults contradict the program: a mistake in hapticd, not in anyone's file.
    #[error("built-in defaults: {reason} (this is a bug in hapticd)")]
    Builtin { reason: String },
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
