//! What an examination of the system found.

use serde::Serialize;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be, or not wanted.
    Ok,
    /// Something may be missed.
    Warning,
    /// Something that is wanted cannot work.
    Problem,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How it is.
    pub verdict: Verdict,
    /// What is so.
    pub text: String,
    /// What to do about it.
    #[serde(rename = "do")]
    pub advice: Option<String>,
}

impl Finding {
    /// All is as it should be.
    #[must_use]
    pub fn ok(text: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, text: text.into(), advice: None }
    }

    /// Something may be missed.
    #[must_use]
    pub fn warning(text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, text: text.into(), advice: Some(advice.into()) }
    }

    /// Something that is wanted cannot work.
    #[must_use]
    pub fn problem(text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Problem, text: text.into(), advice: Some(advice.into()) }
    }
}
