//! What a device is wanted to do: one slot for each output, in which the newest value wins.
//!
//! It outlives the actor that writes it. Sessions put values in without waiting; the writer takes out what is not yet
//! written. So no backlog can form, a stop overtakes everything, and an actor that is started again knows what to do.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::motion::Motion;
use super::ramp::{Ramp, Sample};
use super::slot::{Inner, OutputChannel, OutputSlot};
use super::trajectory::{Merged, Trajectory};
use crate::device::{availability::Availability, availability::Refusal};
use crate::driver::Change;
use crate::types::{OperatorId, Output, OutputKind};

/// The wanted state of a device.
#[derive(Debug)]
pub struct DesiredState {
    pub(super) board: Mutex<Inner>,
    changed: Notify,
    /// A value ends sooner than any before it.
    pub(super) sooner: Notify,
    /// Counts changes of what is wanted or written, for those who watch.
    versions: AtomicU64,
    /// Number of the newest stop that was asked for.
    asked: watch::Sender<u64>,
    /// Number of the stop up to which the hardware has confirmed all.
    confirmed: watch::Sender<u64>,
    /// Whether no stop waits to be written, or the hardware was given up.
    settled: watch::Sender<bool>,
}

/// Outputs to be written together.
#[derive(Debug)]
pub struct WriteBatch {
    /// The values, within the limits, ascending by feature.
    pub changes: Vec<Change>,
    /// It is a stop.
    pub stop: bool,
    /// When the oldest value of it was set.
    pub since: Instant,
    /// When it was taken.
    at: Instant,
    taken: Vec<Ticket>,
}

impl WriteBatch {
    /// The features that it is about, also those for which nothing has to be written.
    #[must_use]
    pub fn features(&self) -> BTreeSet<u32> {
        self.taken.iter().map(|taken| taken.feature).collect()
    }
}

#[derive(Debug, Clone, Copy)]
struct Ticket {
    slot: usize,
    feature: u32,
    version: u64,
    stop: Option<u64>,
    output: Option<Output>,
    /// It leads to what is wanted, and more has to follow.
    part: bool,
}

impl DesiredState {
    /// Nothing wanted of these outputs.
    #[must_use]
    pub fn new(places: Vec<OutputChannel>) -> Self {
        let slots = places.into_iter().map(|place| OutputSlot {
            place,
            wanted: None,
            holder: None,
            at: Instant::now(),
            ends: None,
            version: 0,
            dirty: false,
            stop: None,
            oldest_stop: 0,
            written: None,
            under_way: false,
            motion: Motion::default(),
            position: 0,
            merged: Merged::default(),
            ramp: Ramp::new(place.kind, Instant::now()),
        });
        let board = Inner {
            slots: slots.collect(),
            availability: Availability::Connected,
            held: None,
            closing: false,
            stops: 0,
            gap: Duration::ZERO,
            step: Duration::ZERO,
            dead_man: None,
            looked_at: None,
        };
        Self {
            board: Mutex::new(board),
            changed: Notify::new(),
            sooner: Notify::new(),
            versions: AtomicU64::new(0),
            asked: watch::Sender::new(0),
            confirmed: watch::Sender::new(0),
            settled: watch::Sender::new(true),
        }
    }

    /// Timed moves that take the place of others last at least this time, which is that between two writes.
    #[must_use]
    pub fn with_gap(self, gap: Duration) -> Self {
        self.board().gap = gap;
        self
    }

    /// Says which time the hardware needs for a position, if its moves are played for it.
    pub fn set_step(&self, step: Option<Duration>) {
        self.board().step = step.unwrap_or_default();
    }

    /// Counts a change of what is wanted or written.
    pub(super) fn touch(&self) {
        self.versions.fetch_add(1, Ordering::Relaxed);
    }

    /// Changes with what is wanted or written, so that who samples it can leave out what is as before.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.versions.load(Ordering::Relaxed)
    }

    pub(super) fn board(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere must not take the stop with it; slots are whole at every step.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the hardware can be reached.
    #[must_use]
    pub fn availability(&self) -> Availability {
        self.board().availability.clone()
    }

    /// Says whether the hardware can be reached.
    pub fn set_availability(&self, availability: Availability) {
        let mut board = self.board();
        if availability != Availability::Connected {
            board.lose_hand(Instant::now());
            for slot in &mut board.slots {
                slot.written = None;
            }
        }
        board.availability = availability;
        self.confirm(&board);
    }

    /// Refuses every value from now on, for this reason, or no longer. Stops are always taken.
    pub fn hold(&self, why: Option<String>) {
        self.board().held = why;
    }

    /// Sets outputs together, for at most the time that they last: that of the dead man where none is given. Values are in
    /// the hardware's steps. Returns how many values not yet written were replaced.
    ///
    /// # Errors
    /// Why nothing may be set.
    pub fn set(&self, owner: OperatorId, sets: &[(u32, Output)], lasts: Option<Duration>) -> Result<usize, Refusal> {
        let now = Instant::now();
        let mut replaced = 0;
        let mut board = self.board();
        if let Some(why) = &board.held {
            return Err(Refusal::Held(why.clone()));
        }
        if let Availability::Gone(why) = &board.availability {
            return Err(Refusal::Gone(why.clone()));
        }
        let ends = board.end_of(lasts, now);
        // A writer that has something to write already wakes by itself, when the gap is over.
        let awake = board.slots.iter().any(|slot| slot.dirty && !slot.ramp.is_limited());
        for (feature, output) in sets {
            let of_feature = board.slots.iter_mut().filter(|slot| slot.place.feature == *feature);
            for slot in of_feature {
                if slot.place.kind == output.kind {
                    replaced += usize::from(slot.dirty);
                    slot.merged.replaced(slot.dirty, slot.version);
                    slot.ramp.begin(slot.place.limits.pace(), !slot.dirty, now);
                    // It may have been checked against limits that have changed since.
                    let within = slot.place.limits.clamp(*output);
                    // The same level that waits or is under way is no new one: it would be written twice.
                    let is_level = !output.kind.is_event() && !output.kind.is_position();
                    let waits = is_level && slot.dirty && slot.wanted == Some(within);
                    slot.wanted = Some(within);
                    slot.held_by(owner, now);
                    (slot.at, slot.ends) = (now, ends);
                    if !waits {
                        slot.version += 1;
                        // A stop on its way makes what is written unknown.
                        let known = slot.written.filter(|_| slot.stop.is_none());
                        slot.dirty = output.kind.is_event() || known != Some(within.value);
                    }
                }
            }
        }
        let sooner = ends.is_some_and(|ends| board.looked_at.is_none_or(|looked| ends < looked));
        drop(board);
        self.touch();
        if sooner {
            self.sooner.notify_one();
        }
        if !awake {
            self.changed.notify_one();
        }
        Ok(replaced)
    }

    /// Stops outputs: of one feature or all, of one owner or all. Returns the number to wait for.
    pub fn stop(&self, feature: Option<u32>, owner: Option<OperatorId>) -> u64 {
        self.stop_where(|slot| {
            feature.is_none_or(|feature| feature == slot.place.feature)
                && owner.is_none_or(|owner| Some(owner) == slot.owner())
        })
    }

    fn stop_where(&self, chosen: impl Fn(&OutputSlot) -> bool) -> u64 {
        let board = self.board();
        self.ask_stops(board, chosen, OutputSlot::clear)
    }

    /// Asks for a stop of the chosen slots, after `prepare` has been called for each. Returns the number to wait for.
    pub(super) fn ask_stops(
        &self,
        mut board: MutexGuard<'_, Inner>,
        chosen: impl Fn(&OutputSlot) -> bool,
        prepare: impl Fn(&mut OutputSlot),
    ) -> u64 {
        board.stops += 1;
        let number = board.stops;
        let mut any = false;
        for slot in board.slots.iter_mut().filter(|slot| chosen(slot)) {
            prepare(slot);
            slot.ask_stop(number);
            any = true;
        }
        if any {
            self.asked.send_replace(number);
        }
        self.confirm(&board);
        drop(board);
        self.changed.notify_one();
        number
    }

    /// The link is about to be closed: whatever may run is stopped, and nothing else is written any more until the
    /// hardware is connected again. What is wanted stays wanted. Returns the number to wait for.
    pub fn let_go(&self) -> u64 {
        let now = Instant::now();
        let mut board = self.board();
        board.closing = true;
        let keep = |slot: &mut OutputSlot| slot.dirty |= slot.wanted.is_some() && !slot.place.kind.is_event();
        self.ask_stops(board, |slot| slot.under_way || slot.may_run(now), keep)
    }

    /// The hardware was connected. After a loss or a restart (`again`), or when the protocol repeats its last packet even at rest
    /// (`repeats`), outputs are stopped first; what is still wanted is then written again.
    pub fn connected(&self, again: bool, repeats: bool) {
        let now = Instant::now();
        let mut board = self.board();
        board.availability = Availability::Connected;
        board.closing = false;
        board.lose_hand(now);
        board.stops += 1;
        let number = board.stops;
        for slot in &mut board.slots {
            slot.written = None;
            slot.under_way = false;
            if again {
                // What was lost in the middle of a move may go on with it.
                slot.motion.doubt();
            } else {
                (slot.motion, slot.position) = (Motion::default(), 0);
            }
            slot.ramp.set_known(!slot.place.kind.is_position());
            slot.ramp.reset(now);
            slot.merged = Merged::default();
            if (again || repeats) && !slot.place.kind.is_position() {
                slot.ask_stop(number);
                slot.dirty = slot.wanted.is_some_and(|output| output.value != 0 && output.kind != OutputKind::Spray);
            }
        }
        self.asked.send_replace(number);
        self.confirm(&board);
        drop(board);
        self.changed.notify_one();
    }

    /// Returns when something was set or stopped since the last return.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Tells of stops from now on.
    #[must_use]
    pub fn stops(&self) -> watch::Receiver<u64> {
        self.asked.subscribe()
    }

    /// Returns when the stop of this number is confirmed, or the hardware is out of availability: it is then stopped first
    /// when it comes back.
    pub async fn confirmed(&self, number: u64) {
        let mut confirmed = self.confirmed.subscribe();
        // The sender lives as long as `self`, so waiting only ends with the number.
        let _ = confirmed.wait_for(|done| *done >= number).await;
    }

    /// Returns when no stop waits to be written any more, whether the hardware is in availability or not, or it was given up.
    pub async fn settled(&self) {
        // The sender lives as long as `self`, so waiting only ends with the last stop.
        let _ = self.settled.subscribe().wait_for(|settled| *settled).await;
    }

    /// Whether a stop waits to be written.
    #[must_use]
    pub fn stopping(&self) -> bool {
        self.board().stopping().is_some()
    }

    /// What is to be written next: stops if there are any, else everything that changed.
    #[must_use]
    pub fn take(&self, stop: bool) -> Option<WriteBatch> {
        let now = Instant::now();
        let mut board = self.board();
        if board.closing && !stop {
            return None;
        }
        // A writer that died had something in hand.
        board.lose_hand(now);
        let (gap, step, axes) = (board.gap, board.ramp_step(), board.moving(now));
        let mut work = WriteBatch { changes: Vec::new(), stop, since: now, at: now, taken: Vec::new() };
        for (index, slot) in board.slots.iter_mut().enumerate() {
            let chosen = if stop { slot.stop.is_some() } else { slot.dirty };
            if !chosen {
                continue;
            }
            let mut part = false;
            let output = if stop {
                slot.stopped(now)
            } else {
                let sample = slot.sample(gap, step, &axes, now);
                part = matches!(sample, Some(Sample::Part(_)));
                match sample {
                    Some(Sample::Wait(_)) => continue,
                    Some(Sample::Whole(output) | Sample::Part(output)) => Some(output),
                    None => None,
                }
            };
            if !stop {
                slot.merged.taken(slot.version);
                slot.under_way = true;
            }
            let limits = slot.place.limits;
            let output = output.map(|output| if stop { limits.clamp_stop(output) } else { limits.clamp(output) });
            let OutputSlot { place: OutputChannel { feature, .. }, version, stop, .. } = *slot;
            work.taken.push(Ticket { slot: index, feature, version, stop, output, part });
            if let Some(output) = output {
                if output.kind.is_position() {
                    // A stop that is tried again must not lead on from where the first may have held.
                    let from = if work.stop { output.value } else { slot.at(now) };
                    let takes = Duration::from_millis(output.duration_ms.into());
                    slot.motion.take(Trajectory { from, to: output.value, began: now, takes });
                }
                work.changes.push(Change { feature: slot.place.feature, output, previous: slot.position });
                // The time that the user gives a ramp is no delay.
                let set_at = if slot.ramp.is_limited() { now } else { slot.at };
                work.since = work.since.min(set_at);
            }
        }
        (!work.taken.is_empty()).then_some(work)
    }

    /// When the next step towards what is wanted is due, as far as the user limits speed or rise.
    #[must_use]
    pub fn ramp_at(&self) -> Option<Instant> {
        let now = Instant::now();
        let board = self.board();
        if board.closing {
            return None;
        }
        let (step, axes) = (board.ramp_step(), board.moving(now));
        let waits =
            board.slots.iter().filter(|slot| slot.dirty && slot.ramp.is_limited()).filter_map(|slot| {
                match slot.sample(board.gap, step, &axes, now)? {
                    Sample::Wait(at) => Some(at),
                    Sample::Whole(_) | Sample::Part(_) => Some(now),
                }
            });
        waits.min()
    }

    /// The hardware has all of it.
    pub fn done(&self, work: &WriteBatch) {
        let now = Instant::now();
        let mut board = self.board();
        for taken in &work.taken {
            if let Some(output) = taken.output {
                board.has_written(taken.slot, output, now);
            }
            let Some(slot) = board.slots.get_mut(taken.slot) else { continue };
            slot.under_way = false;
            // A stop leaves an axis where it is.
            if let Some(output) = taken.output.filter(|output| !work.stop || !output.kind.is_position()) {
                slot.ramp.written(output, work.at);
            }
            if work.stop {
                slot.confirm_stop(taken.stop);
            } else {
                // An equal value may have been found clean against what was there before this was written.
                let newer = slot.version != taken.version;
                slot.merged.written(true, !newer);
                let other = slot.wanted.is_some_and(|wanted| Some(wanted.value) != slot.written);
                slot.dirty = if newer { slot.dirty || other } else { taken.part };
            }
        }
        self.confirm(&board);
    }

    /// The hardware may have some of it, or nothing. It stays to be written.
    pub fn failed(&self, work: &WriteBatch) {
        let now = Instant::now();
        let mut board = self.board();
        board.lose_hand(now);
        for taken in &work.taken {
            if let Some(slot) = board.slots.get_mut(taken.slot) {
                slot.written = None;
                if let Some(output) = taken.output {
                    slot.ramp.failed(output, work.at);
                }
                if !work.stop {
                    slot.merged.written(false, slot.version == taken.version);
                }
                // An equal value may have been found clean against what was then taken for written. An event that is
                // still to happen is dirty already; one that has happened must not happen again.
                slot.dirty |= slot.wanted.is_some() && !slot.place.kind.is_event();
            }
        }
        drop(board);
        self.touch();
    }

    /// The hardware has nothing of it, as something newer comes first. It stays to be written.
    pub fn unsent(&self) {
        self.board().slots.iter_mut().for_each(|slot| slot.motion.unsent());
    }

    /// These values cannot be written at all, so they are not wanted any longer.
    pub fn refused(&self, work: &WriteBatch) {
        let mut board = self.board();
        for taken in &work.taken {
            let Some(slot) = board.slots.get_mut(taken.slot) else {
                continue;
            };
            slot.motion.unsent();
            if slot.version == taken.version {
                slot.clear();
            }
            // A stop that came meanwhile is not what was refused.
            if work.stop {
                slot.confirm_stop(taken.stop);
            }
        }
        self.confirm(&board);
    }

    fn confirm(&self, board: &Inner) {
        self.touch();
        let open = match board.availability {
            Availability::Connected => board.stopping(),
            Availability::Away | Availability::Gone(_) => None,
        };
        let done = open.map_or(board.stops, |number| number - 1);
        self.confirmed.send_if_modified(|known| std::mem::replace(known, done) != done);
        // What is out of reach counts as confirmed, and its stop waits all the same.
        let settled = board.stopping().is_none() || matches!(board.availability, Availability::Gone(_));
        self.settled.send_if_modified(|known| std::mem::replace(known, settled) != settled);
    }
}
