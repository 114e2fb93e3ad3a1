//! A file that is read, and what is wrong with it.

use serde::de::DeserializeOwned;
use toml::Spanned;

use crate::library::problem::DefinitionProblem;

pub(super) fn from_toml<T: DeserializeOwned>(text: &str) -> Result<T, Vec<DefinitionProblem>> {
    toml::from_str(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        vec![DefinitionProblem::at(text, offset, error.message().trim().replace('\n', ", "))]
    })
}

/// A file that is read, and what was found wrong with it so far.
pub(super) struct Reader<'a> {
    text: &'a str,
    problems: Vec<DefinitionProblem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let problems = Vec::new();
        Self { text, problems }
    }

    pub(super) fn end<T>(self, read: T) -> Result<T, Vec<DefinitionProblem>> {
        if self.problems.is_empty() { Ok(read) } else { Err(self.problems) }
    }

    pub(super) fn wrong<T>(&mut self, at: &Spanned<T>, reason: impl Into<String>) {
        self.wrong_at(at.span().start, reason);
    }

    pub(super) fn wrong_at(&mut self, offset: usize, reason: impl Into<String>) {
        self.problems.push(DefinitionProblem::at(self.text, offset, reason));
    }

    /// The line in which a byte offset lies, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        DefinitionProblem::at(self.text, offset, "").line.unwrap_or(1)
    }
}
