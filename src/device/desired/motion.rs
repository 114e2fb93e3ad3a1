//! The timed moves that an axis may be on: what the hardware has confirmed, what the writer has in hand, and what may or
//! may not have arrived.

use std::time::Duration;

use tokio::time::Instant;

use super::trajectory::Trajectory;

/// The moves of one output that moves an axis.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Motion {
    confirmed: Option<Trajectory>,
    in_hand: Option<Trajectory>,
    doubt: Option<Doubt>,
    /// Since the last confirmation something may have moved the axis.
    unsure: bool,
}

/// Moves that the hardware may have or not: it has confirmed none of them.
#[derive(Debug, Clone, Copy)]
struct Doubt {
    newest: Trajectory,
    /// The lowest and the highest target of them all.
    targets: (i32, i32),
    /// When the last of them is over.
    until: Instant,
}

/// Where an axis under way is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Underway {
    pub(super) position: i32,
    /// The time for the rest of the way; where the axis may be anywhere, that for the whole way.
    pub(super) time: Duration,
}

impl Motion {
    /// Where the axis is while it moves, as far as is known without what the writer has in hand.
    pub(super) fn now(&self, now: Instant) -> Option<Underway> {
        if let Some(Doubt { newest, until, .. }) = self.doubt.filter(|doubt| doubt.until > now) {
            let position = newest.now(now).map_or(newest.to, |(position, _)| position);
            return Some(Underway { position, time: until.duration_since(newest.began) });
        }
        self.confirmed.and_then(|motion| motion.now(now)).map(|(position, time)| Underway { position, time })
    }

    /// Whether the hardware has confirmed all that may move this axis.
    pub(super) fn is_sure(&self) -> bool {
        !self.unsure
    }

    /// Whether the axis may be on its way, or about to be sent, to a target that `out` says of.
    pub(super) fn leads(&self, out: impl Fn(i32) -> bool, now: Instant) -> bool {
        let confirmed = self.confirmed.filter(|motion| motion.now(now).is_some());
        let doubt = self.doubt.filter(|doubt| doubt.until > now);
        let targets = doubt.into_iter().flat_map(|doubt| [doubt.targets.0, doubt.targets.1]);
        confirmed.into_iter().chain(self.in_hand).map(|motion| motion.to).chain(targets).any(out)
    }

    /// The writer begins to write this.
    pub(super) fn take(&mut self, motion: Trajectory) {
        self.in_hand = Some(motion);
    }

    /// What the writer had in hand was not written.
    pub(super) fn unsent(&mut self) {
        self.in_hand = None;
    }

    /// The hardware has confirmed this, and nothing else moves the axis.
    pub(super) fn written(&mut self, motion: Trajectory) {
        *self = Self { confirmed: Some(motion), ..Self::default() };
    }

    /// The hardware may have what the writer had in hand, or not. Returns whether there was something.
    pub(super) fn lose_hand(&mut self, now: Instant) -> bool {
        let Some(lost) = self.in_hand.take() else { return false };
        self.doubt();
        // If it arrived, it may have begun as late as now.
        self.may_have(Trajectory { began: now, ..lost }, now);
        true
    }

    /// The hardware may go on with what it has confirmed, or not.
    pub(super) fn doubt(&mut self) {
        self.unsure = true;
        if let Some(motion) = self.confirmed.take() {
            self.may_have(motion, motion.began);
        }
    }

    fn may_have(&mut self, newest: Trajectory, now: Instant) {
        let end = newest.began + newest.takes;
        let (mut targets, mut until) = ((newest.to, newest.to), end);
        // What it was to take the place of may go on for longer.
        if let Some(old) = self.doubt.filter(|doubt| doubt.until > now) {
            targets = (old.targets.0.min(newest.to), old.targets.1.max(newest.to));
            until = end.max(old.until);
        }
        self.doubt = Some(Doubt { newest, targets, until });
    }
}
