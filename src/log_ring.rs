//! The last lines of one server's log, for those who ask the server itself: a library must not install a logger.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Lines that are kept.
const KEPT: usize = 500;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// When it happened.
    pub at: SystemTime,
    /// `info`, `warn` or `error`.
    pub level: &'static str,
    /// What it happened to, such as `("device", 3)` or `("session", 1)`.
    pub about: Option<(&'static str, u64)>,
    /// What happened.
    pub text: String,
}

/// The newest lines, of which there is a bounded number.
#[derive(Debug, Default)]
pub struct LogRing {
    entries: Mutex<VecDeque<LogEntry>>,
}

impl LogRing {
    /// Adds a line of this moment; the oldest goes if there are too many.
    pub fn push(&self, level: &'static str, about: Option<(&'static str, u64)>, text: String) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push_back(LogEntry { at: SystemTime::now(), level, about, text });
        if entries.len() > KEPT {
            entries.pop_front();
        }
    }

    /// The lines, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<LogEntry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_lines_go_first() {
        let ring = LogRing::default();
        (0..KEPT + 2).for_each(|line| ring.push("info", None, line.to_string()));
        let entries = ring.entries();
        assert_eq!((entries.len(), entries[0].text.as_str()), (KEPT, "2"));
        assert_eq!(entries[KEPT - 1].text, (KEPT + 1).to_string());
    }
}
