//! Log lines that strangers can cause are said once in a while, with a count of those that were left out.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lets something be said at most once in a while.
#[derive(Debug)]
pub struct Throttle {
    gap: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    said: Option<Instant>,
    left_out: u64,
}

impl Throttle {
    /// At most once in `gap`.
    #[must_use]
    pub const fn new(gap: Duration) -> Self {
        Self { gap, state: Mutex::new(State { said: None, left_out: 0 }) }
    }

    /// Whether it may be said now; with it, in words for the end of the sentence, how often it was left out before.
    #[must_use]
    pub fn admit(&self) -> Option<String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.said.is_some_and(|said| said.elapsed() < self.gap) {
            state.left_out += 1;
            return None;
        }
        state.said = Some(Instant::now());
        match std::mem::take(&mut state.left_out) {
            0 => Some(String::new()),
            count => Some(format!(" (and {count} more since this was last said)")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_left_out_is_counted() {
        let throttle = Throttle::new(Duration::from_secs(60));
        assert_eq!(throttle.admit().as_deref(), Some(""));
        assert_eq!((throttle.admit(), throttle.admit()), (None, None));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(throttle.admit().as_deref(), Some(" (and 2 more since this was last said)"));
        assert_eq!(throttle.admit(), None);
    }
}
