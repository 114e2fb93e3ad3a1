//! What is kept of one output, and of the axis that several outputs may move.

use std::time::Duration;

use tokio::time::Instant;

use super::motion::Motion;
use super::ramp::{LEAST_STEP, Ramp, Sample};
use super::trajectory::{Merged, Trajectory};
use crate::device::{availability::Availability, limits::Limits};
use crate::types::{OperatorId, Output, OutputKind};

/// One output and its limits.
#[derive(Debug, Clone, Copy)]
pub struct OutputChannel {
    /// Index of the feature.
    pub feature: u32,
    /// Which of its outputs.
    pub kind: OutputKind,
    /// What the user allows.
    pub limits: Limits,
}

/// Who drives an output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holder {
    pub(super) owner: OperatorId,
    /// When it set the first of its values.
    pub(super) since: Instant,
    /// Who drove the output until then.
    pub(super) replaced: Option<OperatorId>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) slots: Vec<OutputSlot>,
    pub(super) availability: Availability,
    /// Why nothing may be set, if so.
    pub(super) held: Option<String>,
    /// The link is to be closed: nothing but stops is written over it.
    pub(super) closing: bool,
    pub(super) stops: u64,
    /// Time between two writes.
    pub(super) gap: Duration,
    /// The time that the hardware needs for a position, if its moves are played for it.
    pub(super) step: Duration,
    /// How long a value lasts that nobody sets again.
    pub(super) dead_man: Option<Duration>,
    /// When it is looked next which values have ended.
    pub(super) looked_at: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct OutputSlot {
    pub(super) place: OutputChannel,
    /// The newest value in the hardware's steps, within the limits; `None` after a stop.
    pub(super) wanted: Option<Output>,
    /// Who set it.
    pub(super) holder: Option<Holder>,
    /// When the value was last set, for the latency.
    pub(super) at: Instant,
    /// When the value ends by itself, unless it is set again.
    pub(super) ends: Option<Instant>,
    /// Counts values, so that the writer knows whether its own is still the newest.
    pub(super) version: u64,
    /// The wanted value is not yet written.
    pub(super) dirty: bool,
    /// Number of the stop that is not yet confirmed.
    pub(super) stop: Option<u64>,
    /// Number of the oldest stop that is not yet confirmed, while there is one.
    pub(super) oldest_stop: u64,
    /// What the hardware is known to have; `None` is unknown.
    pub(super) written: Option<i32>,
    /// A value was taken, and it is not yet known whether the hardware has it.
    pub(super) under_way: bool,
    /// The moves that the axis may be on.
    pub(super) motion: Motion,
    /// Where the hardware was last sent to.
    pub(super) position: i32,
    pub(super) merged: Merged,
    pub(super) ramp: Ramp,
}

impl OutputSlot {
    pub(super) fn ask_stop(&mut self, number: u64) {
        if self.stop.is_none() {
            self.oldest_stop = number;
        }
        self.stop = Some(number);
        self.ramp.reset(Instant::now());
    }

    /// The hardware has the stop that was the newest when it was taken.
    pub(super) fn confirm_stop(&mut self, taken: Option<u64>) {
        if self.stop == taken {
            self.stop = None;
        } else if let Some(number) = taken {
            self.oldest_stop = number + 1;
        }
    }

    pub(super) fn clear(&mut self) {
        self.wanted = None;
        self.holder = None;
        self.ends = None;
        self.dirty = false;
        self.version += 1;
    }

    pub(super) fn owner(&self) -> Option<OperatorId> {
        self.holder.map(|holder| holder.owner)
    }

    /// Somebody has set a value. Whoever set the one before is replaced.
    pub(super) fn held_by(&mut self, owner: OperatorId, now: Instant) {
        if self.owner() != Some(owner) {
            self.holder = Some(Holder { owner, since: now, replaced: self.owner() });
        }
    }

    /// When what is wanted ends by itself. A level of 0 ends nothing; a position of 0 is a place like any other, and the
    /// way there may be long.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        let runs = self.wanted.is_some_and(|output| output.value != 0 || output.kind.is_position());
        self.ends.filter(|_| runs)
    }

    /// What a client would have sent for what is wanted, or for where an axis rests.
    pub(super) fn for_client(&self) -> Option<i32> {
        let rests = self.written.filter(|_| self.place.kind.is_position());
        let value = self.wanted.map(|output| output.value).or(rests)?;
        Some(self.place.limits.for_client(value))
    }

    /// Whether the hardware may do something on this output that a stop would end.
    pub(super) fn may_run(&self, now: Instant) -> bool {
        if self.place.kind.is_position() { self.stopped(now).is_some() } else { self.written != Some(0) }
    }

    /// What is to be written now for the value that is wanted, if one is. `axes` says where timed moves have come to, by
    /// feature.
    pub(super) fn sample(&self, gap: Duration, step: Duration, axes: &[(u32, i32)], now: Instant) -> Option<Sample> {
        let wanted = self.merged.stretched(self.wanted?, gap);
        let axis = axes.iter().find(|(feature, _)| *feature == self.place.feature).map(|axis| axis.1);
        let axis = (axis.unwrap_or(self.position), self.motion.is_sure());
        Some(self.ramp.sample(wanted, axis, self.place.limits.least(), step, now))
    }

    /// Where this axis is by now, as far as is known.
    pub(super) fn at(&self, now: Instant) -> i32 {
        self.motion.now(now).map_or(self.position, |underway| underway.position)
    }

    /// What stops this output: 0 for a level; for a move under way, going to where it is by now, in the time that is
    /// left, so that it is no faster than before. Nothing for a position that is reached. A move that the hardware may
    /// or may not have got is stopped as well.
    pub(super) fn stopped(&self, now: Instant) -> Option<Output> {
        let kind = self.place.kind;
        if !kind.is_position() {
            return Some(Output { kind, value: 0, duration_ms: 0 });
        }
        let underway = self.motion.now(now)?;
        let duration_ms = u32::try_from(underway.time.as_millis()).unwrap_or(u32::MAX);
        Some(Output { kind, value: underway.position, duration_ms })
    }
}

impl Inner {
    /// Number of the oldest stop that waits to be written, if one does.
    pub(super) fn stopping(&self) -> Option<u64> {
        self.slots.iter().filter_map(|slot| slot.stop.map(|_| slot.oldest_stop)).min()
    }

    /// The least time between two steps of a ramp.
    pub(super) fn ramp_step(&self) -> Duration {
        self.gap.max(self.step).max(LEAST_STEP)
    }

    /// The features with a timed move under way, and where each has come to. Only ramps ask, so that it costs nothing
    /// where no speed is limited.
    pub(super) fn moving(&self, now: Instant) -> Vec<(u32, i32)> {
        if !self.slots.iter().any(|slot| slot.ramp.is_limited()) {
            return Vec::new();
        }
        let moving = self.slots.iter().filter_map(|slot| Some((slot.place.feature, slot.motion.now(now)?.position)));
        moving.collect()
    }

    /// The hardware may have the moves and jumps that the writer had in hand, or not.
    pub(super) fn lose_hand(&mut self, now: Instant) {
        for index in 0..self.slots.len() {
            let Some(slot) = self.slots.get_mut(index) else { continue };
            if slot.motion.lose_hand(now) {
                let feature = slot.place.feature;
                self.slots.iter_mut().filter(|slot| slot.place.feature == feature).for_each(|slot| slot.motion.doubt());
            }
        }
    }

    pub(super) fn has_written(&mut self, slot: usize, output: Output, now: Instant) {
        let Some(slot) = self.slots.get_mut(slot) else { return };
        slot.written = Some(output.value);
        if !output.kind.is_position() {
            return;
        }
        let feature = slot.place.feature;
        let takes = Duration::from_millis(output.duration_ms.into());
        let from = slot.at(now);
        // One axis has one place, however it was sent there: a jump ends a timed move and is where the next begins.
        for other in self.slots.iter_mut().filter(|slot| slot.place.feature == feature) {
            let takes = if other.place.kind == output.kind { takes } else { Duration::ZERO };
            other.motion.written(Trajectory { from, to: output.value, began: now, takes });
            other.position = output.value;
            if other.place.kind.is_position() && other.place.kind != output.kind {
                other.ramp.set_known(true);
                other.written = None;
            }
        }
    }
}
