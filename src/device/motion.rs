//! A timed move and where it is.

use std::time::Duration;

use tokio::time::Instant;

/// A timed move.
#[derive(Debug, Clone, Copy)]
pub(super) struct Motion {
    pub(super) from: i32,
    pub(super) to: i32,
    pub(super) began: Instant,
    pub(super) takes: Duration,
    /// The hardware has confirmed it, and was connected ever since.
    pub(super) sure: bool,
}

impl Motion {
    /// Where the hardware is by now and the time that is left; `None` once it has arrived.
    pub(super) fn now(&self, now: Instant) -> Option<(i32, Duration)> {
        let left = (self.began + self.takes).checked_duration_since(now).filter(|left| !left.is_zero())?;
        let way = 1.0 - left.as_secs_f64() / self.takes.as_secs_f64();
        let moved = f64::from(self.to - self.from) * way;
        Some((self.from + moved.round() as i32, left))
    }
}
