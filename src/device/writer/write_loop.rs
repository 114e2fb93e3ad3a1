//! Brings the hardware to the wanted state: one write after the other, at the rate that it can take.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::expiry::expire;
use super::flights::{Cargo, Flights};
use crate::device::{desired::WriteBatch, handle::DeviceHandle, last_stop::LAST_STOP, messages::Exit, view::View};
use crate::driver::{Batch, Change, Driver, Levels, Moves};
use crate::events::{Event, Metrics};
use crate::library::definition::Repeat;
use crate::link::{Link, LinkError, Packet};
use crate::patience::until;
use crate::types::{Output, OutputKind};

/// First pause after a failed write; doubled each time.
const FIRST_RETRY: Duration = Duration::from_millis(20);
/// Longest pause after a failed write.
const LAST_RETRY: Duration = Duration::from_millis(500);
/// Longest pause after a failed stop.
const LAST_STOP_RETRY: Duration = Duration::from_millis(100);
/// How the user wants devices to be driven.
#[derive(Debug, Clone, Copy)]
pub struct WritePolicy {
    /// Failed writes in a row after which the link is closed and opened again.
    pub max_failures: u32,
    /// An output that no client has renewed for this time is stopped.
    pub dead_man: Option<Duration>,
}

/// What came of trying to write packets.
enum Outcome {
    Written,
    /// A stop came before anything was sent.
    Unsent,
    /// A stop came in between; the rest is void.
    Overtaken,
    Failed(String),
}

pub(in crate::device) struct Writer {
    device: DeviceHandle,
    link: Link,
    driver: Box<dyn Driver>,
    pace: WritePolicy,
    metrics: Metrics,
    levels: Levels,
    stops: watch::Receiver<u64>,
    flights: Flights,
    /// Why the link has to be closed, if so.
    hopeless: Option<String>,
    /// When ordinary writes may go on: the gap after the last one, or the pause after a failure.
    ready: Instant,
    /// When a stop that failed may be tried again; a stop waits for nothing else.
    stop_ready: Instant,
    failures: u32,
    /// What was written last, for protocols that repeat it, and when.
    last: Vec<Packet>,
    last_at: Instant,
    /// When the driver wants to be asked again.
    poll_at: Option<Instant>,
    /// The moves that are played for hardware that only jumps.
    moves: Option<Moves>,
    /// What the user had set when `levels` and `last` were made.
    view: Arc<View>,
}

impl Writer {
    pub(in crate::device) fn new(
        device: DeviceHandle,
        link: Link,
        driver: Box<dyn Driver>,
        pace: WritePolicy,
        metrics: Metrics,
    ) -> Self {
        let mut levels = Levels::new(&device.identity().model);
        for (feature, kind, _) in device.wanted().positions() {
            if let Some(position) = driver.position(feature) {
                device.wanted().learned(feature, position);
            }
            // A packet for several axes carries those that were not told to move, too: within their limits.
            for (_, _, position) in
                device.wanted().positions().iter().filter(|axis| (axis.0, axis.1) == (feature, kind))
            {
                levels.begin(feature, kind, *position);
            }
        }
        let moves = driver.step().map(Moves::new);
        device.wanted().set_step(driver.step());
        device.wanted().set_dead_man(pace.dead_man);
        let view = device.view();
        let stops = device.wanted().stops();
        let now = Instant::now();
        Self {
            device,
            link,
            driver,
            pace,
            metrics,
            levels,
            stops,
            flights: Flights::default(),
            hopeless: None,
            ready: now,
            stop_ready: now,
            failures: 0,
            last: Vec::new(),
            last_at: now,
            poll_at: Some(now),
            moves,
            view,
        }
    }

    /// Writes until the link is lost or fails too often.
    pub(in crate::device) async fn run(mut self) -> Exit {
        let device = self.device.clone();
        let exit = tokio::select! {
            biased;
            never = expire(&device) => match never {},
            exit = self.drive() => exit,
        };
        if let Exit::Failed(_) = exit {
            // Other packets than those that failed may still get through.
            self.device.wanted().let_go();
            let _ = tokio::time::timeout(LAST_STOP, self.stop_once()).await;
        }
        exit
    }

    /// Writes the stops that are asked for, each once.
    async fn stop_once(&mut self) {
        if let Some(work) = self.device.wanted().take(true) {
            self.work(&work).await;
        }
    }

    async fn drive(&mut self) -> Exit {
        loop {
            if self.link.is_lost() {
                return Exit::Lost;
            }
            if let Some(why) = self.hopeless.take() {
                return Exit::Failed(why);
            }
            if self.pace.max_failures > 0 && self.failures >= self.pace.max_failures {
                return Exit::Failed(format!("{} writes in a row failed", self.failures));
            }
            let now = Instant::now();
            self.follow_limits();
            self.stops.mark_unchanged();
            let stop = if self.stop_ready <= now { self.device.wanted().take(true) } else { None };
            if let Some(work) = stop {
                self.work(&work).await;
                continue;
            }
            if self.ready <= now {
                if let Some(work) = self.device.wanted().take(false) {
                    self.work(&work).await;
                    continue;
                }
                if self.play_at().is_some_and(|at| at <= now) {
                    self.play().await;
                    continue;
                }
                if self.poll_at.is_some_and(|at| at <= now) {
                    self.poll().await;
                    continue;
                }
                if self.repeat_at().is_some_and(|at| at <= now) {
                    self.repeat().await;
                    continue;
                }
            }
            let ramp = self.device.wanted().ramp_at();
            let next = [ramp, self.play_at(), self.poll_at, self.repeat_at()].into_iter().flatten().min();
            let pauses = [self.ready, self.stop_ready].into_iter().filter(|end| *end > now);
            let wake = next.map(|next| next.max(self.ready)).into_iter().chain(pauses).min();
            tokio::select! {
                () = self.link.lost() => return Exit::Lost,
                () = self.device.wanted().changed() => {}
                () = until(wake) => {}
            }
        }
    }

    /// What is kept for later may be beyond limits that have changed since.
    fn follow_limits(&mut self) {
        let view = self.device.view();
        if Arc::ptr_eq(&view, &self.view) {
            return;
        }
        self.levels.limit(|feature, kind, value| {
            let output = Output { kind, value, duration_ms: 0 };
            view.channel(feature, kind).map_or(0, |channel| channel.limits.clamp(output).value)
        });
        // What rests goes on resting under any limits, and some hardware lets go when it hears nothing.
        if self.levels.running() || self.device.identity().model.outputs().any(|(_, spec)| spec.kind.is_position()) {
            self.last.clear();
        }
        self.view = view;
    }

    async fn work(&mut self, work: &WriteBatch) {
        let mut levels = self.levels.clone();
        let timed = |change: &Change| change.output.kind == OutputKind::HwPositionWithDuration;
        let (played, changes): (Vec<_>, Vec<_>) =
            work.changes.iter().copied().partition(|change| self.moves.is_some() && timed(change));
        for change in &changes {
            levels.set(change.feature, change.output.kind, change.output.value);
        }
        if let Some(moves) = self.moves.as_mut().filter(|_| work.stop) {
            work.changes.iter().for_each(|change| moves.cancel(change.feature));
        }
        let batch = Batch { changes: &changes, levels: &levels, stop: work.stop };
        let packets = match self.driver.encode(&batch, Instant::now()) {
            Ok(packets) => packets,
            Err(error) => {
                // `hapticd check` tries every value, so this is a definition that was changed without it.
                self.metrics.emit(&Event::WriteFailed { index: self.device.index(), why: &error.to_string() });
                self.device.wanted().refused(work);
                return;
            }
        };
        let mut outcome = self.write(&packets, Some(work)).await;
        if work.stop && matches!(outcome, Outcome::Written) {
            outcome = self.landed(&work.features()).await;
        }
        match outcome {
            Outcome::Written => {
                self.levels = levels;
                self.device.wanted().done(work);
                if !work.stop && !work.changes.is_empty() {
                    self.metrics.latency(work.since.elapsed());
                }
                // After a stop that needs no packets, nothing from before it may be repeated.
                if work.stop || !packets.is_empty() {
                    self.last = packets;
                }
                self.poll_at = Some(Instant::now());
                for change in played.iter().filter(|_| !work.stop) {
                    self.start_move(change);
                }
            }
            Outcome::Unsent => self.device.wanted().unsent(),
            Outcome::Overtaken => self.device.wanted().failed(work),
            Outcome::Failed(why) => {
                self.device.wanted().failed(work);
                self.failed(&why);
                if work.stop {
                    self.stop_ready = self.ready.min(Instant::now() + LAST_STOP_RETRY);
                }
            }
        }
    }

    fn start_move(&mut self, change: &Change) {
        let from = self.clamped(change.feature, Output { value: change.previous, ..change.output });
        if let (Some(moves), Some(from)) = (&mut self.moves, from) {
            moves.start(&Change { previous: from.value, ..*change }, Instant::now());
        }
    }

    fn play_at(&self) -> Option<Instant> {
        self.moves.as_ref().and_then(Moves::next)
    }

    /// Writes the positions that moves under way have reached: sampled, brought within the limits, encoded.
    async fn play(&mut self) {
        let (before, gap) = (self.moves.clone(), self.gap());
        let due = self.moves.as_mut().map(|moves| moves.due(Instant::now(), gap)).unwrap_or_default();
        let mut levels = self.levels.clone();
        let mut changes = Vec::new();
        for (feature, output) in due {
            let previous = levels.get(feature, output.kind);
            if let Some(output) = self.clamped(feature, output) {
                levels.set(feature, output.kind, output.value);
                changes.push(Change { feature, output, previous });
            }
        }
        let packets =
            match self.driver.encode(&Batch { changes: &changes, levels: &levels, stop: false }, Instant::now()) {
                Ok(packets) => packets,
                Err(error) => {
                    self.metrics.emit(&Event::WriteFailed { index: self.device.index(), why: &error.to_string() });
                    return;
                }
            };
        match self.write(&packets, None).await {
            Outcome::Written => {
                self.levels = levels;
                // To repeat what was written before the move would undo it.
                if !packets.is_empty() {
                    self.last = packets;
                }
            }
            // A stop came, which ends the moves that it is for.
            Outcome::Unsent | Outcome::Overtaken => {}
            Outcome::Failed(why) => {
                // The place to be at the next attempt is another, but the last one must not be left out.
                self.moves = before;
                self.failed(&why);
            }
        }
    }

    /// The last step before encoding a position that was made here.
    fn clamped(&self, feature: u32, output: Output) -> Option<Output> {
        Some(self.view.channel(feature, output.kind)?.limits.clamp(output))
    }

    /// Lets the driver say what it wants to say by itself.
    async fn poll(&mut self) {
        let poll = self.driver.poll(Instant::now());
        let now = Instant::now();
        self.poll_at = poll.again.map(|again| now + again);
        if let Outcome::Failed(why) = self.write(&poll.packets, None).await {
            self.failed(&why);
        }
    }

    fn rule(&self) -> Option<Repeat> {
        self.driver.refresh().or(self.device.identity().definition.repeat)
    }

    fn repeat_at(&self) -> Option<Instant> {
        let rule = self.rule().filter(|rule| !rule.only_running || self.levels.running())?;
        (!self.last.is_empty()).then_some(self.last_at + rule.every)
    }

    async fn repeat(&mut self) {
        let packets = self.driver.again(&self.last);
        let outcome = self.write(&packets, None).await;
        self.last = packets;
        if let Outcome::Failed(why) = outcome {
            self.failed(&why);
        }
    }

    /// What the packets of this work may do; of those that are no work, anything that the model can.
    fn cargo(&self, work: Option<&WriteBatch>) -> Cargo {
        let moves = match work {
            Some(work) => work.changes.iter().any(|change| change.output.kind.is_position()),
            None => self.device.identity().model.outputs().any(|(_, spec)| spec.kind.is_position()),
        };
        Cargo { features: work.map(WriteBatch::features), moves }
    }

    /// Waits until what was written to these features before their stop has ended. Gives the link up when it does not
    /// end by its deadline.
    async fn landed(&mut self, features: &BTreeSet<u32>) -> Outcome {
        let landed = tokio::select! {
            biased;
            landed = self.flights.landed(features) => landed,
            () = self.link.lost() => Ok(()),
            Ok(()) = self.stops.changed() => return Outcome::Overtaken,
        };
        match landed {
            Ok(()) => Outcome::Written,
            Err(why) => {
                self.hopeless = Some(why);
                Outcome::Overtaken
            }
        }
    }

    /// Writes packets in order, those of `work` or what the driver says by itself, with the time between them that the
    /// hardware needs. A stop that comes meanwhile ends it, unless these are a stop themselves: what is not yet sent is not
    /// sent, and what is sent but not yet confirmed is only waited for once the stop is written. Of a stop, the packets that
    /// the link does not confirm are written twice.
    async fn write(&mut self, packets: &[Packet], work: Option<&WriteBatch>) -> Outcome {
        let stop = work.is_some_and(|work| work.stop);
        if packets.is_empty() {
            return Outcome::Written;
        }
        if !stop {
            self.stops.mark_unchanged();
            if self.device.wanted().stopping() {
                return Outcome::Unsent;
            }
        }
        let link = self.link.clone();
        let mut command = link.command(packets.len());
        let again = packets.iter().filter(|packet| stop && !link.confirms(packet));
        let mut unsent = true;
        for packet in packets.iter().chain(again) {
            while let Some(time) = command.waits_until() {
                tokio::select! {
                    biased;
                    Ok(()) = self.stops.changed(), if !stop => {
                        return if unsent { Outcome::Unsent } else { Outcome::Overtaken };
                    }
                    () = tokio::time::sleep_until(time) => {}
                }
            }
            unsent = false;
            self.ready = Instant::now() + self.gap();
            self.last_at = Instant::now();
            let begun = tokio::select! {
                biased;
                begun = command.begin_write(packet.clone()) => begun,
                Ok(()) = self.stops.changed(), if !stop => return Outcome::Overtaken,
            };
            let mut flight = match begun {
                Ok(flight) => flight,
                Err(error) => return Outcome::Failed(error.to_string()),
            };
            let written = tokio::select! {
                biased;
                written = flight.landed() => written,
                Ok(()) = self.stops.changed(), if !stop => {
                    // It is on its way, and the stop behind it does not call it back.
                    self.driver.confirmed(packet, Instant::now());
                    self.flights.add(flight, self.cargo(work));
                    return Outcome::Overtaken;
                }
            };
            command.landed();
            match written {
                Ok(()) => {
                    self.flights.superseded(packet.endpoint);
                    self.failures = 0;
                    self.metrics.written();
                    self.device.shared.vitals.wrote();
                    self.driver.confirmed(packet, Instant::now());
                }
                Err(error) => {
                    if let LinkError::Timeout { .. } = error {
                        self.flights.add(flight, self.cargo(work));
                    }
                    return Outcome::Failed(error.to_string());
                }
            }
            if !stop && self.stops.has_changed().unwrap_or(false) {
                return Outcome::Overtaken;
            }
        }
        Outcome::Written
    }

    fn gap(&self) -> Duration {
        self.view.gap
    }

    fn failed(&mut self, why: &str) {
        self.device.shared.vitals.failed(why);
        self.metrics.emit(&Event::WriteFailed { index: self.device.index(), why });
        let pause = crate::patience::backoff(FIRST_RETRY, LAST_RETRY, self.failures);
        self.failures += 1;
        self.ready = Instant::now() + pause;
        // What the hardware has is unknown now; an old packet must not be repeated in place of it.
        self.last.clear();
    }
}
