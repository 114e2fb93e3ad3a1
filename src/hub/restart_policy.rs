//! How often and how soon a failed actor is started again.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::patience::backoff;

/// The restarts of one actor.
#[derive(Debug)]
pub(super) struct Budget {
    /// Restarts within the window; `None` is any number.
    limit: Option<u32>,
    window: Duration,
    first_delay: Duration,
    longest_delay: Duration,
    spent: VecDeque<Instant>,
}

impl Budget {
    pub(super) fn new(limit: Option<u32>, window: Duration, first_delay: Duration, longest_delay: Duration) -> Self {
        Self { limit, window, first_delay, longest_delay, spent: VecDeque::new() }
    }

    /// Spends a restart and returns the pause before it; `None` when none is left. The pause doubles with each restart
    /// within the window.
    pub(super) fn spend(&mut self) -> Option<Duration> {
        let now = Instant::now();
        while self.spent.front().is_some_and(|spent| now.duration_since(*spent) > self.window) {
            self.spent.pop_front();
        }
        let spent = u32::try_from(self.spent.len()).unwrap_or(u32::MAX);
        if self.limit.is_some_and(|limit| spent >= limit) {
            return None;
        }
        self.spent.push_back(now);
        Some(backoff(self.first_delay, self.longest_delay, spent))
    }

    /// Restarts within the window.
    pub(super) fn count(&self) -> usize {
        self.spent.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_double_until_the_budget_is_spent_and_come_back_with_time() {
        let ms = Duration::from_millis;
        let mut budget = Budget::new(Some(4), ms(60_000), ms(100), ms(500));
        let pauses: Vec<_> = (0..5).map(|_| budget.spend()).collect();
        assert_eq!(pauses, [Some(ms(100)), Some(ms(200)), Some(ms(400)), Some(ms(500)), None]);
        tokio::time::advance(ms(60_001)).await;
        assert_eq!(budget.spend(), Some(ms(100)));
    }
}
