//! The least time between two packets to one piece of hardware, whoever sends them: old toys switch off when two come in
//! rapid succession, and a Lovense dongle drops the second.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// What all copies of a link share of its packets.
#[derive(Debug, Default)]
pub(super) struct Spacing {
    state: Mutex<State>,
    /// A command has ended.
    released: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Zero where packets may go together.
    gap: Duration,
    last: Option<Last>,
    /// Commands that are being written.
    commands: usize,
}

/// The packet that went out last.
#[derive(Debug, Clone, Copy)]
struct Last {
    at: Instant,
    /// It was all of its command.
    alone: bool,
}

/// Whether a packet may go out.
enum Permission {
    Now,
    At(Instant),
    /// When the command that is being written has ended.
    Later,
}

impl Spacing {
    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole at every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn gap(&self) -> Duration {
        self.state().gap
    }

    pub(super) fn set_gap(&self, gap: Duration) {
        self.state().gap = gap;
    }

    /// Returns when a packet that belongs to no command of outputs may go, and counts it as sent.
    pub(super) async fn turn(&self) {
        loop {
            let released = self.released.notified();
            let turn = self.state().permission_of_other();
            match turn {
                Permission::Now => return,
                Permission::At(time) => tokio::time::sleep_until(time).await,
                Permission::Later => released.await,
            }
        }
    }
}

impl State {
    fn permission_of_other(&mut self) -> Permission {
        let now = Instant::now();
        if self.gap.is_zero() {
            return Permission::Now;
        }
        if self.commands > 0 {
            return Permission::Later;
        }
        match self.last.map(|last| last.at + self.gap).filter(|free| *free > now) {
            Some(free) => Permission::At(free),
            None => {
                self.last = Some(Last { at: now, alone: false });
                Permission::Now
            }
        }
    }
}

/// A command of outputs that is being written. As long as it lives, no other packet goes in between, so that a stop
/// waits for nobody's turn.
#[derive(Debug)]
pub(super) struct Command<'a> {
    spacing: &'a Spacing,
    /// It has one packet only.
    alone: bool,
    begun: bool,
}

impl<'a> Command<'a> {
    pub(super) fn new(spacing: &'a Spacing, packets: usize) -> Self {
        spacing.state().commands += 1;
        Self { spacing, alone: packets <= 1, begun: false }
    }

    /// The time at which its next packet may go; `None` is now. Commands of one packet each do not wait for each other.
    pub(super) fn waits_until(&self) -> Option<Instant> {
        let state = self.spacing.state();
        let last = state.last.filter(|last| self.begun || !(self.alone && last.alone))?;
        Some(last.at + state.gap).filter(|free| *free > Instant::now())
    }

    /// A packet of it goes out, or has gone out.
    pub(super) fn sent(&mut self) {
        self.begun = true;
        self.spacing.state().last = Some(Last { at: Instant::now(), alone: self.alone });
    }
}

impl Drop for Command<'_> {
    fn drop(&mut self) {
        self.spacing.state().commands -= 1;
        self.spacing.released.notify_waiters();
    }
}
