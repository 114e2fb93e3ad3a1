//! The time that a link's hardware lives in.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The clock that the drivers and the writer of a link go by. Copies of it show the same time.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Where the hand of a clock that is set by hand stands; `None` is the time of the system.
    hand: Option<Arc<Mutex<Instant>>>,
}

impl Clock {
    /// The time of the system.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock for hardware that is a script: it stands still unless somebody sleeps by it, which returns at once and
    /// puts it forward. What such hardware has not sent by the time it answers, it never sends.
    #[must_use]
    pub fn manual() -> Self {
        Self { hand: Some(Arc::new(Mutex::new(Instant::now()))) }
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.hand.as_ref().map_or_else(Instant::now, |hand| *hand.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns after this time.
    pub async fn sleep(&self, time: Duration) {
        if !self.advance(time) {
            tokio::time::sleep(time).await;
        }
    }

    /// Whether it is set by hand.
    #[must_use]
    pub fn is_manual(&self) -> bool {
        self.hand.is_some()
    }

    /// Puts a clock forward that is set by hand. Returns `false`, and does nothing, where it is not.
    pub fn advance(&self, time: Duration) -> bool {
        if let Some(hand) = &self.hand {
            let mut hand = hand.lock().unwrap_or_else(PoisonError::into_inner);
            *hand = hand.checked_add(time).unwrap_or(*hand);
        }
        self.is_manual()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_manual_clock_goes_only_when_somebody_sleeps_by_it() {
        let (system, manual) = (Clock::system(), Clock::manual());
        let (began, shown) = (Instant::now(), manual.now());
        manual.clone().sleep(Duration::from_secs(3)).await;
        assert_eq!((manual.now() - shown, began.elapsed()), (Duration::from_secs(3), Duration::ZERO));
        system.sleep(Duration::from_secs(2)).await;
        assert_eq!((system.now() - began, manual.now() - shown), (Duration::from_secs(2), Duration::from_secs(3)));
        assert!(!system.advance(Duration::from_secs(1)) && manual.is_manual());
        // A sleep beyond all time does not break it.
        manual.sleep(Duration::MAX).await;
        assert_eq!(manual.now() - shown, Duration::from_secs(3));
    }
}
