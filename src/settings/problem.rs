//! What can be wrong with settings, in words the person who wrote them can act on.

use std::path::PathBuf;

/// One thing wrong in one place.
///
/// In all of them `key` is a dotted key; `origin` says where the value was written (a file and line, an environment
/// variable or `--set`); `value` is the value as it was written, text in quotes; `hint` and `allowed` say what is
/// possible. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the sentence of each variant says what it is; the fields are explained above")]
pub enum SettingsProblem {
    #[error("{origin}: unknown key `{key}`; {hint}")]
    UnknownKey { key: String, origin: String, hint: String },
    #[error("{origin}: `{key}` is a section and takes no value of its own (found {value}); {hint}")]
    NotAKey { key: String, origin: String, value: String, hint: String },
    #[error("{origin}: `{key}` is {value}, which is the wrong type; allowed: {allowed}")]
    WrongType { key: String, origin: String, value: String, allowed: String },
    #[error("{origin}: `{key}` is {value}, which is not allowed; allowed: {allowed}")]
    NotAllowed { key: String, origin: String, value: String, allowed: String },
    #[error("{origin}: `{key}` is {value}; allowed: more than `{other}`, which is {other_value} ({other_origin})")]
    NotGreater { key: String, origin: String, value: i64, other: String, other_value: i64, other_origin: String },
    #[error("cannot read settings file {}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("{} line {line}: not valid TOML: {reason}", path.display())]
    NotToml { path: PathBuf, line: usize, reason: String },
    #[error("environment variable {variable}: its {part} is not valid UTF-8; allowed: UTF-8 text")]
    NotUtf8 { variable: String, part: &'static str },
    #[error("--set {text}: not a setting; allowed: key=value, such as server.listen=127.0.0.1:12345")]
    MalformedSet { text: String },
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
