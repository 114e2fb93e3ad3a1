//! A timed move, where it is, and how it keeps its speed when it takes the place of others.

use std::time::Duration;

use tokio::time::Instant;

use crate::types::{Output, OutputKind};

/// A timed move.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trajectory {
    pub(super) from: i32,
    pub(super) to: i32,
    pub(super) began: Instant,
    pub(super) takes: Duration,
}

impl Trajectory {
    /// Where the hardware is by now and the time that is left; `None` once it has arrived.
    pub(super) fn now(&self, now: Instant) -> Option<(i32, Duration)> {
        let left = (self.began + self.takes).checked_duration_since(now).filter(|left| !left.is_zero())?;
        let way = 1.0 - left.as_secs_f64() / self.takes.as_secs_f64();
        let moved = f64::from(self.to - self.from) * way;
        Some((self.from + moved.round() as i32, left))
    }
}

/// Whether the value that waits to be written has taken the place of others that never were.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Merged {
    /// Version of the value that the writer has in hand.
    in_hand: Option<u64>,
    merged: bool,
}

impl Merged {
    /// A newer value comes; the one before it, of this version, may not be written yet (`waits`).
    pub(super) fn replaced(&mut self, waits: bool, version: u64) {
        self.merged = waits && self.in_hand != Some(version);
    }

    /// The writer takes the value of this version.
    pub(super) fn taken(&mut self, version: u64) {
        self.in_hand = Some(version);
    }

    /// The hardware has the value that was in hand, or not.
    pub(super) fn written(&mut self, done: bool, newest: bool) {
        self.in_hand = None;
        // One that was not written has been replaced by what came meanwhile.
        self.merged = if done { self.merged && !newest } else { self.merged || !newest };
    }

    /// A timed move as it should be written. One that stands for several has to last until the next can come, in one gap:
    /// each of them was short because there were many, and at its own speed the machine would race and stand.
    pub(super) fn stretched(self, output: Output, gap: Duration) -> Output {
        let timed = output.kind == OutputKind::HwPositionWithDuration;
        let least = if timed && self.merged { u32::try_from(gap.as_millis()).unwrap_or(u32::MAX) } else { 0 };
        Output { duration_ms: output.duration_ms.max(least), ..output }
    }
}
