//! What is wrong with a definition.

use std::fmt;

/// What is wrong with a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionProblem {
    /// The file, once known.
    pub file: Option<String>,
    /// PacketTemplate in the file, from 1, where one can be named.
    pub line: Option<usize>,
    /// What is wrong and what is allowed.
    pub reason: String,
    /// The definition works all the same.
    pub warning: bool,
}

impl DefinitionProblem {
    /// A problem at a byte offset of the file's text.
    #[must_use]
    pub fn at(text: &str, offset: usize, reason: impl Into<String>) -> Self {
        let before = text.as_bytes().get(..offset).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Self { file: None, line: Some(line), reason: reason.into(), warning: false }
    }

    /// A problem of a whole file.
    #[must_use]
    pub fn whole(reason: impl Into<String>) -> Self {
        Self { file: None, line: None, reason: reason.into(), warning: false }
    }

    /// The same, with its file named, unless it names one already.
    #[must_use]
    pub fn in_file(mut self, path: &str) -> Self {
        self.file.get_or_insert_with(|| path.to_owned());
        self
    }
}

impl fmt::Display for DefinitionProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}")?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.reason)
    }
}
