//! Nothing runs after a stop, whatever came before it (promises 1, 2 and 4), on made-up hardware that does exactly
//! what is written to it.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::*;
use crate::device::desired::WriteBatch;

#[derive(Debug, Clone)]
enum Step {
    /// With the milliseconds that the values last.
    Set(u64, Vec<Command>, Option<u64>),
    Stop {
        feature: Option<u32>,
        owner: Option<u64>,
    },
    /// The writer asks what is next, if it has nothing in hand.
    Take,
    Done,
    /// The write failed, after the first so many changes had reached the hardware.
    Fail(usize),
    /// The writer died with the work in hand, of which the first so many changes had reached the hardware.
    Forget(usize),
    /// The connection was lost, with the same of what was in hand.
    Lose(usize),
    Connect {
        repeats: bool,
    },
    Expire,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let maybe = |weight, limit: u64| proptest::option::weighted(weight, 0..limit);
    prop_oneof![
        8 => (0..3_u64, proptest::collection::vec(sensible(), 1..4), proptest::option::of(1..8000_u64))
            .prop_map(|(owner, sets, lasts)| Step::Set(owner, sets, lasts)),
        3 => (maybe(0.4, 4), maybe(0.4, 3))
            .prop_map(|(feature, owner)| Step::Stop { feature: feature.map(|f| f as u32), owner }),
        8 => Just(Step::Take),
        6 => Just(Step::Done),
        3 => (0..4_usize).prop_map(Step::Fail),
        1 => (0..4_usize).prop_map(Step::Forget),
        1 => (0..4_usize).prop_map(Step::Lose),
        1 => any::<bool>().prop_map(|repeats| Step::Connect { repeats }),
        1 => Just(Step::Expire),
        3 => (0..6000_u64).prop_map(Step::Pass),
    ]
}

/// One to four features of one or two outputs each, of every kind.
fn board() -> impl Strategy<Value = Vec<(u32, OutputSpec)>> {
    let kinds = proptest::collection::btree_set(kind(), 1..3);
    proptest::collection::vec(kinds, 1..5).prop_map(|features| {
        let outputs = features.into_iter().zip(0..).flat_map(|(kinds, feature)| {
            kinds.into_iter().map(move |kind| {
                let duration_ms = (kind == OutputKind::HwPositionWithDuration).then_some((0, 20_000));
                (feature, OutputSpec { kind, min: 0, max: 100, duration_ms })
            })
        });
        outputs.collect()
    })
}

/// A moving part: where the last command that the hardware has sends it.
#[derive(Debug, Clone, Copy)]
struct Axis {
    from: f64,
    to: i32,
    began: Instant,
    takes: Duration,
    /// A stop sent it there.
    stopped: bool,
    /// The server was not told whether the hardware has this, or an earlier command.
    unsure: bool,
}

impl Axis {
    fn resting() -> Self {
        let (began, takes) = (Instant::now(), Duration::ZERO);
        Self { from: 0.0, to: 0, began, takes, stopped: false, unsure: false }
    }

    fn place(&self) -> f64 {
        let part = self.began.elapsed().as_secs_f64() / self.takes.as_secs_f64();
        if part < 1.0 { self.from + (f64::from(self.to) - self.from) * part } else { self.to.into() }
    }

    fn moves(&self) -> bool {
        self.began.elapsed() < self.takes && (f64::from(self.to) - self.place()).abs() > 1.0
    }
}

/// What one output should be doing.
#[derive(Debug, Clone, Default)]
struct Expected {
    wanted: Option<Output>,
    owner: Option<u64>,
    ends: Option<Instant>,
    /// An event that the hardware has not confirmed.
    owed: bool,
    /// Counts values.
    sets: u64,
    /// Counts stops of this output.
    stops: u64,
    /// A stop that the hardware has not confirmed.
    stopping: bool,
    /// What the hardware really does.
    level: i32,
}

struct Bench {
    outputs: Vec<(u32, OutputSpec)>,
    wanted: DesiredState,
    expected: Vec<Expected>,
    axes: BTreeMap<u32, Axis>,
    /// What is being written, and how often each output was stopped and set when it was taken.
    hand: Option<(WriteBatch, Vec<(u64, u64)>)>,
    away: bool,
    /// Stops that must not be confirmed yet: their number, and for each output the count from which it is.
    open: Vec<(u64, Vec<(usize, u64)>)>,
    newest: u64,
}

impl Bench {
    fn new(outputs: Vec<(u32, OutputSpec)>) -> Self {
        let place = |(feature, spec): &(u32, OutputSpec)| OutputChannel {
            feature: *feature,
            kind: spec.kind,
            limits: Limits::new(*spec, UserLimits::default()),
        };
        let wanted = DesiredState::new(outputs.iter().map(place).collect());
        let expected = vec![Expected::default(); outputs.len()];
        let (axes, open) = (BTreeMap::new(), Vec::new());
        Self { outputs, wanted, expected, axes, hand: None, away: false, open, newest: 0 }
    }

    fn at(&self, feature: u32, kind: OutputKind) -> usize {
        self.outputs.iter().position(|(index, spec)| (*index, spec.kind) == (feature, kind)).unwrap()
    }

    fn clear(&mut self, at: usize) {
        let entry = &mut self.expected[at];
        *entry = Expected {
            stops: entry.stops + 1,
            stopping: true,
            sets: entry.sets,
            level: entry.level,
            ..Expected::default()
        };
    }

    fn stop(&mut self, feature: Option<u32>, owner: Option<u64>) -> u64 {
        let chosen = |at: &usize| {
            feature.is_none_or(|feature| feature == self.outputs[*at].0)
                && owner.is_none_or(|owner| Some(owner) == self.expected[*at].owner)
        };
        let chosen: Vec<_> = (0..self.outputs.len()).filter(chosen).collect();
        chosen.iter().for_each(|at| self.clear(*at));
        self.newest = self.wanted.stop(feature, owner.map(OperatorId));
        if !self.away {
            let counts = chosen.iter().map(|at| (*at, self.expected[*at].stops));
            self.open.push((self.newest, counts.collect()));
        }
        self.newest
    }

    fn take(&mut self) -> Result<(), TestCaseError> {
        if self.hand.is_some() || self.away {
            return Ok(());
        }
        let stopping = self.expected.iter().any(|entry| entry.stopping);
        let work = self.wanted.take(true);
        // A stop is never left out because everything seems to be off already.
        prop_assert_eq!(work.is_some(), stopping, "whether there is a stop to write");
        let Some(work) = work.or_else(|| self.wanted.take(false)) else { return Ok(()) };
        for change in &work.changes {
            let entry = &self.expected[self.at(change.feature, change.output.kind)];
            let (kind, value) = (change.output.kind, change.output.value);
            if work.stop {
                prop_assert!(kind.is_position() || value == 0, "a stop with {change:?}");
                continue;
            }
            prop_assert_eq!(Some(change.output), entry.wanted, "void or not the newest");
            prop_assert!(entry.owed || !kind.is_event(), "again: {change:?}");
        }
        if work.stop {
            for (entry, (feature, spec)) in self.expected.iter().zip(&self.outputs) {
                let there = work.changes.iter().any(|c| (c.feature, c.output.kind) == (*feature, spec.kind));
                prop_assert!(there || !entry.stopping || spec.kind.is_position(), "no stop of {feature} {}", spec.kind);
            }
        }
        let counts = self.expected.iter().map(|entry| (entry.stops, entry.sets)).collect();
        self.hand = Some((work, counts));
        Ok(())
    }

    /// The hardware does the first changes of a work.
    fn apply(&mut self, work: &WriteBatch, count: usize, sure: bool) {
        for change in work.changes.iter().take(count) {
            let output = change.output;
            let at = self.at(change.feature, output.kind);
            self.expected[at].level = output.value;
            if output.kind.is_position() {
                let old = self.axes.get(&change.feature);
                let axis = Axis {
                    from: old.map_or(0.0, Axis::place),
                    to: output.value,
                    began: Instant::now(),
                    takes: Duration::from_millis(output.duration_ms.into()),
                    stopped: work.stop,
                    // A jump ends every doubt.
                    unsure: !sure || (old.is_some_and(|old| old.unsure) && output.kind != OutputKind::Position),
                };
                self.axes.insert(change.feature, axis);
            }
        }
    }

    fn done(&mut self) {
        let Some((work, counts)) = self.hand.take() else { return };
        self.apply(&work, usize::MAX, true);
        self.wanted.done(&work);
        for (at, (count, sets)) in counts.into_iter().enumerate() {
            let (feature, spec) = self.outputs[at];
            let entry = &mut self.expected[at];
            if work.stop {
                entry.stopping &= entry.stops != count;
                self.open.iter_mut().for_each(|(_, waits)| waits.retain(|(slot, stops)| *slot != at || *stops > count));
            }
            let written = work.changes.iter().any(|c| (c.feature, c.output.kind) == (feature, spec.kind));
            if !work.stop && written && entry.sets == sets {
                entry.owed = false;
            }
        }
    }

    fn fail(&mut self, count: usize) {
        if let Some(work) = self.lose_hand(count) {
            self.wanted.failed(&work);
        }
    }

    /// So many changes of what was in hand reach the hardware, and the server does not learn of it.
    fn lose_hand(&mut self, count: usize) -> Option<WriteBatch> {
        let (work, _) = self.hand.take()?;
        self.apply(&work, count, false);
        for change in work.changes.iter().filter(|change| change.output.kind.is_position()) {
            self.axes.entry(change.feature).or_insert_with(Axis::resting).unsure = true;
        }
        Some(work)
    }

    fn connect(&mut self, repeats: bool) {
        // With the connection its writer ends.
        self.hand = None;
        self.away = false;
        self.wanted.set_availability(Availability::Away);
        self.wanted.connected(true, repeats);
        self.open.clear();
        for (entry, (_, spec)) in self.expected.iter_mut().zip(&self.outputs) {
            if !spec.kind.is_position() {
                entry.stops += 1;
                entry.stopping = true;
                entry.owed = false;
            }
        }
    }

    async fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Set(owner, commands, lasts) => {
                let lasts = lasts.map(Duration::from_millis);
                let sets: Vec<_> = commands.iter().map(|command| command.on(&self.outputs)).collect();
                let sets: Vec<_> = sets.into_iter().filter(|(_, output)| output.value >= 0).collect();
                self.wanted.set(OperatorId(owner), &sets, lasts).unwrap();
                for (feature, mut output) in sets {
                    if output.kind != OutputKind::HwPositionWithDuration {
                        output.duration_ms = 0;
                    }
                    let at = self.at(feature, output.kind);
                    let entry = &mut self.expected[at];
                    entry.wanted = Some(output);
                    entry.sets += 1;
                    (entry.owner, entry.ends) = (Some(owner), lasts.map(|lasts| Instant::now() + lasts));
                    entry.owed = output.kind.is_event();
                }
            }
            Step::Stop { feature, owner } => {
                self.stop(feature, owner);
            }
            Step::Take => self.take()?,
            Step::Done => self.done(),
            Step::Fail(count) => self.fail(count),
            Step::Forget(count) => {
                if self.lose_hand(count).is_some() {
                    self.connect(false);
                }
            }
            Step::Lose(count) => {
                self.lose_hand(count);
                self.away = true;
                self.open.clear();
                self.wanted.set_availability(Availability::Away);
            }
            Step::Connect { repeats } => {
                self.lose_hand(0);
                self.connect(repeats);
            }
            Step::Expire => {
                for at in 0..self.outputs.len() {
                    let entry = &self.expected[at];
                    let late = entry.ends.is_some_and(|ends| ends <= Instant::now());
                    let lasts = |output: Output| output.value != 0 || output.kind.is_position();
                    if late && entry.wanted.is_some_and(lasts) {
                        self.clear(at);
                    }
                }
                self.wanted.expire();
            }
            Step::Pass(ms) => tokio::time::advance(Duration::from_millis(ms)).await,
        }
        for (number, waits) in self.open.iter().filter(|(_, waits)| !waits.is_empty()) {
            let honest = self.wanted.confirmed(*number).now_or_never().is_none();
            prop_assert!(honest, "stop {number} is confirmed before it was written: {waits:?}");
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..9 {
            self.done();
            self.take()?;
        }
        prop_assert!(self.hand.is_none() && self.wanted.take(true).is_none() && self.wanted.take(false).is_none());
        Ok(())
    }
}

/// How it ends: perhaps everything is written first, then everything is stopped while writes fail for a while.
#[derive(Debug, Clone)]
struct End {
    written_first: bool,
    fails: Vec<(usize, u64)>,
}

fn end() -> impl Strategy<Value = End> {
    (any::<bool>(), proptest::collection::vec((0..4_usize, 0..3000_u64), 0..3))
        .prop_map(|(written_first, fails)| End { written_first, fails })
}

async fn check(outputs: Vec<(u32, OutputSpec)>, steps: Vec<Step>, end: End) -> Result<(), TestCaseError> {
    let mut bench = Bench::new(outputs);
    for step in steps {
        bench.step(step).await?;
    }
    if bench.away {
        bench.connect(false);
    }
    if end.written_first {
        bench.drain()?;
        for (entry, output) in bench.expected.iter().zip(&bench.outputs) {
            prop_assert!(!entry.owed, "never written: {entry:?} of {output:?}");
            let newest = entry.wanted.map_or(0, |wanted| wanted.value);
            let lasting = !output.1.kind.is_event();
            prop_assert!(!lasting || entry.level == newest, "not the newest: {entry:?} of {output:?}");
        }
    }
    let mut stops = vec![bench.stop(None, None)];
    for (count, pause) in end.fails {
        bench.take()?;
        bench.fail(count);
        tokio::time::advance(Duration::from_millis(pause)).await;
        stops.push(bench.stop(None, None));
    }
    bench.drain()?;
    for (entry, output) in bench.expected.iter().zip(&bench.outputs) {
        prop_assert!(output.1.kind.is_position() || entry.level == 0, "still runs: {entry:?} of {output:?}");
    }
    for (feature, axis) in &bench.axes {
        // Of an axis of which the server can't know where it is, it is enough that a stop was the last that it heard.
        let held = !axis.moves() || (axis.unsure && axis.stopped);
        prop_assert!(held, "feature {feature} is at {} and goes on: {axis:?}", axis.place());
    }
    for number in stops {
        prop_assert!(bench.wanted.confirmed(number).now_or_never().is_some(), "stop {number} is never confirmed");
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn nothing_runs_after_a_stop(
        outputs in board(),
        steps in proptest::collection::vec(step(), 1..80),
        end in end(),
    ) {
        paused(check(outputs, steps, end))?;
    }
}
