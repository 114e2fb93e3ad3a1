//! How a value is approached where the user limits the speed of moves or the rise of levels.
//!
//! A level rises and a jump travels in steps: between two writes never more than what the limit allows in that time, and
//! never sooner than the hardware takes the next. A level falls at once. A timed move lasts longer instead. None of this
//! touches a stop.

use std::time::Duration;

use tokio::time::Instant;

use crate::device::limits::Pace;
use crate::types::{Output, OutputKind};

/// The least time between two steps.
pub(super) const LEAST_STEP: Duration = Duration::from_millis(20);

/// From where and since when an output approaches what is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ramp {
    /// The level that the hardware is known to have had last, 0 before any. Of axes, the slot keeps the position.
    level: i32,
    /// The next step counts from here.
    since: Instant,
    /// What level the hardware has, or where the axis stands, is known.
    known: bool,
    /// The strictest limit since the value was wanted: one that is loosened makes nothing faster by itself.
    pace: Option<Pace>,
}

/// What is to be done for a value that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sample {
    /// This is to be written, and it is all of it.
    Whole(Output),
    /// This is to be written, and more later.
    Part(Output),
    /// Nothing is to be written before this time.
    Wait(Instant),
}

impl Ramp {
    pub(super) fn new(kind: OutputKind, now: Instant) -> Self {
        Self { level: 0, since: now, known: !kind.is_position(), pace: None }
    }

    /// A value comes. `idle`: nothing waited to be written, so that its time begins now.
    pub(super) fn begin(&mut self, pace: Option<Pace>, idle: bool, now: Instant) {
        self.pace = pace;
        if idle {
            self.since = self.since.max(now);
        }
    }

    /// Another limit holds from now on.
    pub(super) fn limit(&mut self, pace: Option<Pace>) {
        self.pace = match (self.pace, pace) {
            (Some(old), Some(new)) => Some(old.min(new)),
            (old, new) => old.or(new),
        };
    }

    /// The output is stopped, or was connected: it rises from nothing. An axis that may still be on its first way keeps the
    /// time for that.
    pub(super) fn reset(&mut self, now: Instant) {
        (self.level, self.since) = (0, self.since.max(now));
    }

    /// What level the hardware has, or where the axis stands, is known from now on, or no longer.
    pub(super) fn set_known(&mut self, known: bool) {
        self.known = known;
    }

    /// The hardware has this value, which was taken at `at`.
    pub(super) fn written(&mut self, output: Output, at: Instant) {
        if !output.kind.is_position() {
            (self.level, self.since, self.known) = (output.value, self.since.max(at), true);
            return;
        }
        // It may have been anywhere, so that it may have to go all the way.
        let whole = self.pace.filter(|_| !self.known).map_or(Duration::ZERO, Pace::whole);
        self.since = at + whole;
        self.known = true;
    }

    /// The hardware may have this value, which was taken at `at`, or not: it rises from the weaker of both. An axis is near
    /// enough to where it was.
    pub(super) fn failed(&mut self, output: Output, at: Instant) {
        if output.kind.is_position() {
            return;
        }
        self.known = false;
        let turned = output.value.signum() * self.level.signum() < 0;
        if turned || output.value.unsigned_abs() < self.level.unsigned_abs() {
            self.level = if turned { 0 } else { output.value };
            self.since = self.since.max(at);
        }
    }

    /// Whether a limit holds.
    pub(super) fn is_limited(&self) -> bool {
        self.pace.is_some()
    }

    /// What is to be written now for `wanted`. `axis` is where the axis is by now, as far as is known, and `sure` that it is
    /// there; `least` the least level that is not off, `step` the least time between two writes.
    pub(super) fn sample(
        &self,
        wanted: Output,
        (axis, sure): (i32, bool),
        least: i32,
        step: Duration,
        now: Instant,
    ) -> Sample {
        let Some(pace) = self.pace else { return Sample::Whole(wanted) };
        let kind = wanted.kind;
        let at = if kind.is_position() { axis } else { self.level };
        if kind == OutputKind::HwPositionWithDuration {
            let known = self.known && sure;
            let least = if known { pace.time(wanted.value.abs_diff(at)) } else { pace.whole() };
            let least = u32::try_from(least.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX);
            return Sample::Whole(Output { duration_ms: wanted.duration_ms.max(least), ..wanted });
        }
        let (strength, gone, least) = (wanted.value.unsigned_abs(), at.unsigned_abs(), least.unsigned_abs());
        let turns = wanted.value.signum() != at.signum();
        let (away, least) = if kind.is_position() {
            (wanted.value.abs_diff(at), 0)
        } else if strength == 0 || (!turns && strength <= gone) {
            return Sample::Whole(wanted);
        } else if gone != 0 && (turns || gone < least) {
            // The other direction begins with a standstill; so does what stands below a least level that was set meanwhile.
            return Sample::Part(Output { value: 0, ..wanted });
        } else {
            (strength - gone, least.saturating_sub(gone))
        };
        // There is nothing between off and the least level, so the time for all of that passes first.
        let steps = pace.steps(step).max(least).max(1).min(away);
        let due = self.since + pace.time(steps);
        if due > now && self.known {
            return Sample::Wait(due);
        }
        if due > now && !kind.is_position() {
            // A write that failed may have made it stronger than what is allowed by now.
            return Sample::Part(Output { value: at, ..wanted });
        }
        let towards = i32::try_from(steps).unwrap_or(i32::MAX);
        let value = if wanted.value < at { at.saturating_sub(towards) } else { at.saturating_add(towards) };
        let output = Output { value, ..wanted };
        if steps == away { Sample::Whole(output) } else { Sample::Part(output) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::{DesiredState, Limits, UserLimits, desired::OutputChannel};
    use crate::library::OutputSpec;
    use crate::types::OperatorId;

    const ANN: OperatorId = OperatorId(1);

    fn state(kind: OutputKind, (min, max): (i32, i32), user: UserLimits, gap_ms: u64) -> DesiredState {
        let duration_ms = (kind == OutputKind::HwPositionWithDuration).then_some((0, 60_000));
        let limits = Limits::new(OutputSpec { kind, min, max, duration_ms }, user);
        let gap = Duration::from_millis(gap_ms);
        DesiredState::new(vec![OutputChannel { feature: 0, kind, limits }]).with_gap(gap)
    }

    fn rise(percent: u32) -> UserLimits {
        UserLimits { rise: Some(percent), ..UserLimits::default() }
    }

    fn speed(percent: u32) -> UserLimits {
        UserLimits { speed: Some(percent), ..UserLimits::default() }
    }

    fn set(state: &DesiredState, kind: OutputKind, value: i32, duration_ms: u32) {
        state.set(ANN, &[(0, Output { kind, value, duration_ms })], None).unwrap();
    }

    /// Writes as the writer does until nothing is to be written: values, and the milliseconds after which they came.
    async fn written(state: &DesiredState, gap_ms: u64) -> Vec<(i32, u128)> {
        let (begun, mut seen) = (Instant::now(), Vec::new());
        loop {
            if let Some(work) = state.take(false) {
                seen.push((work.changes[0].output.value, begun.elapsed().as_millis()));
                state.done(&work);
                tokio::time::advance(Duration::from_millis(gap_ms)).await;
            } else if let Some(at) = state.ramp_at() {
                tokio::time::sleep_until(at).await;
            } else {
                return seen;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_level_rises_no_faster_than_allowed_and_falls_at_once() {
        let kind = OutputKind::Vibrate;
        let state = state(kind, (0, 20), rise(50), 0);
        set(&state, kind, 5, 0);
        assert_eq!(written(&state, 0).await, [(1, 100), (2, 200), (3, 300), (4, 400), (5, 500)]);
        set(&state, kind, 2, 0);
        assert_eq!(written(&state, 0).await, [(2, 0)]);
        // However often a client asks, it gets there no sooner, and no later.
        set(&state, kind, 4, 0);
        for _ in 0..19 {
            tokio::time::advance(Duration::from_millis(10)).await;
            set(&state, kind, 4, 0);
            if let Some(work) = state.take(false) {
                assert_eq!(work.changes[0].output.value, 3);
                state.done(&work);
            }
        }
        assert_eq!(written(&state, 0).await, [(4, 10)]);
    }

    #[tokio::test(start_paused = true)]
    async fn steps_are_as_far_apart_as_the_hardware_needs() {
        let kind = OutputKind::Vibrate;
        let slow = state(kind, (0, 1000), rise(100), 250);
        set(&slow, kind, 1000, 0);
        assert_eq!(written(&slow, 250).await, [(250, 250), (500, 500), (750, 750), (1000, 1000)]);
        let fast = state(kind, (0, 1000), rise(100), 0);
        set(&fast, kind, 60, 0);
        assert_eq!(written(&fast, 0).await, [(20, 20), (40, 40), (60, 60)]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_other_direction_begins_with_a_standstill() {
        let kind = OutputKind::Rotate;
        let state = state(kind, (-10, 10), rise(100), 0);
        set(&state, kind, 3, 0);
        written(&state, 0).await;
        set(&state, kind, -2, 0);
        assert_eq!(written(&state, 0).await, [(0, 0), (-1, 100), (-2, 200)]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_lies_below_the_least_level_takes_its_time() {
        let kind = OutputKind::Vibrate;
        let state = state(kind, (0, 10), UserLimits { range: Some((4, 6)), ..rise(100) }, 0);
        set(&state, kind, 6, 0);
        assert_eq!(written(&state, 0).await, [(4, 400), (5, 500), (6, 600)]);
    }

    /// Neither limit is broken: the level does not stay below the least, and it does not jump there.
    #[tokio::test(start_paused = true)]
    async fn a_level_below_a_least_that_was_set_meanwhile_falls_to_nothing_and_rises_again() {
        let kind = OutputKind::Vibrate;
        let state = state(kind, (0, 10), UserLimits::default(), 0);
        set(&state, kind, 1, 0);
        let work = state.take(false).unwrap();
        let spec = OutputSpec { kind, min: 0, max: 10, duration_ms: None };
        let limits = Limits::new(spec, UserLimits { range: Some((4, 6)), ..rise(100) });
        state.change_limits(&[OutputChannel { feature: 0, kind, limits }], Duration::ZERO);
        state.done(&work);
        assert_eq!(written(&state, 0).await, [(0, 0), (4, 400)]);
    }

    /// The hardware may have taken what failed, which is more than what is allowed by now.
    #[tokio::test(start_paused = true)]
    async fn a_level_that_may_be_too_high_is_lowered_at_once() {
        let kind = OutputKind::Vibrate;
        let state = state(kind, (0, 10), rise(100), 1000);
        set(&state, kind, 10, 0);
        tokio::time::advance(Duration::from_secs(1)).await;
        state.failed(&state.take(false).unwrap());
        let spec = OutputSpec { kind, min: 0, max: 10, duration_ms: None };
        let limits = Limits::new(spec, UserLimits { range: Some((0, 3)), ..rise(10) });
        state.change_limits(&[OutputChannel { feature: 0, kind, limits }], Duration::ZERO);
        // The step that is due by now is within the limits.
        assert_eq!(written(&state, 0).await, [(1, 0), (2, 1000), (3, 2000)]);
        // A step that is not: from 3 to 4, of which nobody knows whether it was taken.
        let limits = Limits::new(spec, UserLimits { range: Some((0, 5)), ..rise(10) });
        state.change_limits(&[OutputChannel { feature: 0, kind, limits }], Duration::ZERO);
        set(&state, kind, 5, 0);
        tokio::time::advance(Duration::from_secs(1)).await;
        state.failed(&state.take(false).unwrap());
        let limits = Limits::new(spec, UserLimits { range: Some((0, 3)), ..rise(10) });
        state.change_limits(&[OutputChannel { feature: 0, kind, limits }], Duration::ZERO);
        assert_eq!(written(&state, 0).await, [(3, 0)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_a_ramp_and_the_next_begins_at_nothing() {
        let kind = OutputKind::Vibrate;
        let state = state(kind, (0, 10), rise(100), 0);
        set(&state, kind, 10, 0);
        tokio::time::advance(Duration::from_millis(100)).await;
        state.done(&state.take(false).unwrap());
        state.stop(None, None);
        let stop = state.take(true).unwrap();
        assert_eq!(stop.changes[0].output.value, 0);
        state.done(&stop);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!((state.take(false).is_none(), state.ramp_at()), (true, None));
        set(&state, kind, 2, 0);
        assert_eq!(written(&state, 0).await, [(1, 100), (2, 200)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_ramp_goes_on_slowly_when_the_limit_is_lifted_until_the_next_command() {
        let kind = OutputKind::Vibrate;
        let state = state(kind, (0, 10), rise(100), 0);
        set(&state, kind, 3, 0);
        let spec = OutputSpec { kind, min: 0, max: 10, duration_ms: None };
        let free = OutputChannel { feature: 0, kind, limits: Limits::new(spec, UserLimits::default()) };
        state.change_limits(&[free], Duration::ZERO);
        assert_eq!(written(&state, 0).await, [(1, 100), (2, 200), (3, 300)]);
        set(&state, kind, 9, 0);
        assert_eq!(written(&state, 0).await, [(9, 0)]);
        // One that is set while a level runs holds for the next command.
        let strict = OutputChannel { limits: Limits::new(spec, rise(100)), ..free };
        state.change_limits(&[strict], Duration::ZERO);
        assert_eq!(written(&state, 0).await, [(9, 0)]);
        set(&state, kind, 10, 0);
        assert_eq!(written(&state, 0).await, [(10, 100)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_timed_move_lasts_longer_and_all_the_way_is_assumed_where_nothing_is_known() {
        let kind = OutputKind::HwPositionWithDuration;
        let state = state(kind, (0, 100), speed(50), 0);
        let next = |state: &DesiredState, value, duration_ms| {
            set(state, kind, value, duration_ms);
            let work = state.take(false).unwrap();
            state.done(&work);
            (work.changes[0].output.value, work.changes[0].output.duration_ms)
        };
        assert_eq!(next(&state, 10, 100), (10, 2000));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(next(&state, 20, 100), (20, 200));
        // It has come to 15.
        tokio::time::advance(Duration::from_millis(100)).await;
        assert_eq!(next(&state, 0, 0), (0, 300));
        assert_eq!(next(&state, 100, 9000), (100, 9000));
        state.connected(true, false);
        assert_eq!(next(&state, 50, 100), (50, 2000));
        // A move that the hardware may or may not have got.
        tokio::time::advance(Duration::from_secs(2)).await;
        set(&state, kind, 60, 0);
        state.failed(&state.take(false).unwrap());
        assert_eq!(next(&state, 61, 0), (61, 2000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_becomes_steps() {
        let kind = OutputKind::Position;
        let state = state(kind, (0, 100), speed(100), 100);
        // It may stand anywhere: after the first step, the time for all the way passes.
        set(&state, kind, 30, 0);
        assert_eq!(written(&state, 100).await, [(10, 0), (20, 1100), (30, 1200)]);
        tokio::time::advance(Duration::from_secs(1)).await;
        set(&state, kind, 5, 0);
        assert_eq!(written(&state, 100).await, [(20, 100), (10, 200), (5, 300)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_does_not_shorten_the_time_for_the_first_way() {
        let kind = OutputKind::Position;
        let state = state(kind, (0, 100), speed(100), 100);
        set(&state, kind, 30, 0);
        state.done(&state.take(false).unwrap());
        tokio::time::advance(Duration::from_millis(100)).await;
        state.stop(None, None);
        state.done(&state.take(true).unwrap());
        set(&state, kind, 30, 0);
        assert_eq!(written(&state, 100).await, [(20, 1000), (30, 1100)]);
    }

    /// Nobody knows whether the hardware has fallen.
    #[tokio::test(start_paused = true)]
    async fn after_a_fall_that_failed_it_rises_from_there() {
        let kind = OutputKind::Vibrate;
        let state = state(kind, (0, 10), rise(10), 0);
        set(&state, kind, 2, 0);
        assert_eq!(written(&state, 0).await, [(1, 1000), (2, 2000)]);
        set(&state, kind, 0, 0);
        state.failed(&state.take(false).unwrap());
        set(&state, kind, 2, 0);
        assert_eq!(written(&state, 0).await, [(0, 0), (1, 1000), (2, 2000)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_that_no_check_has_let_through_ramps_like_any_other() {
        for (kind, user) in [(OutputKind::Rotate, rise(100)), (OutputKind::Position, speed(100))] {
            let state = state(kind, (-2, 2), user, 0);
            for value in [i32::MIN, i32::MAX, i32::MIN + 1] {
                set(&state, kind, value, 0);
                let written = written(&state, 0).await;
                assert!(written.len() <= 4 && written.iter().all(|(value, _)| value.abs() <= 2), "{written:?}");
            }
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Set(i32),
        Stop,
        Fail(bool),
        Lose,
        Limit(u32),
        Pass(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            5 => (-100..=100_i32).prop_map(Step::Set),
            1 => Just(Step::Stop),
            2 => any::<bool>().prop_map(Step::Fail),
            1 => Just(Step::Lose),
            1 => (1..1000_u32).prop_map(Step::Limit),
            6 => (0..3000_u64).prop_map(Step::Pass),
        ]
    }

    /// What the hardware has at most, by time; each entry says how much it may rise a second then.
    async fn drive(first: u32, gap_ms: u64, steps: Vec<Step>) -> Vec<(Instant, i32, u32)> {
        let kind = OutputKind::Rotate;
        let spec = OutputSpec { kind, min: -100, max: 100, duration_ms: None };
        let (mut percent, gap) = (first, Duration::from_millis(gap_ms));
        let state = state(kind, (-100, 100), rise(percent), gap_ms);
        let mut seen = vec![(Instant::now(), 0, percent)];
        let mut fails = None;
        for step in steps {
            match step {
                Step::Set(value) => set(&state, kind, value, 0),
                Step::Stop => drop(state.stop(None, None)),
                Step::Fail(arrives) => fails = Some(arrives),
                Step::Lose => state.connected(true, false),
                Step::Limit(other) => {
                    percent = other;
                    let limits = Limits::new(spec, rise(other));
                    state.change_limits(&[OutputChannel { feature: 0, kind, limits }], gap);
                }
                Step::Pass(ms) => {
                    let end = Instant::now() + Duration::from_millis(ms);
                    while Instant::now() < end {
                        let work = state.take(true).or_else(|| state.take(false));
                        let Some(work) = work else {
                            let next = state.ramp_at().map_or(end, |at| at.min(end));
                            tokio::time::sleep_until(next).await;
                            continue;
                        };
                        let value = work.changes[0].output.value;
                        match fails.take().filter(|_| !work.stop) {
                            Some(arrives) => {
                                seen.extend(arrives.then_some((Instant::now(), value, percent)));
                                state.failed(&work);
                            }
                            None => {
                                seen.push((Instant::now(), value, percent));
                                state.done(&work);
                            }
                        }
                        tokio::time::advance(gap).await;
                    }
                }
            }
        }
        seen
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        /// From any write to any later one, the strength rises by no more than the limit allows in that time, and one step.
        #[test]
        fn no_rise_is_faster_than_allowed(
            percent in 1..1000_u32,
            gap_ms in 0..200_u64,
            steps in proptest::collection::vec(step(), 1..60),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            let seen = runtime.unwrap().block_on(drive(percent, gap_ms, steps));
            for (at, (begun, low, _)) in seen.iter().enumerate() {
                let mut most = 0.0_f64;
                for pair in seen[at..].windows(2) {
                    let (before, after) = (pair[0], pair[1]);
                    // The strictest of the limits since the command holds, so the newest is an upper bound for its time.
                    let fastest = f64::from(seen[at..].iter().map(|one| one.2).max().unwrap());
                    most = most.max(fastest);
                    let seconds = (after.0 - *begun).as_secs_f64();
                    let step = (fastest * (gap_ms.max(20) as f64) / 1000.0).ceil().max(1.0);
                    let rise = f64::from(after.1.abs() - low.abs());
                    prop_assert!(
                        rise <= most * seconds + step + 1e-6,
                        "{low} to {} in {seconds} s, at most {most} a second and {step}: {before:?}", after.1,
                    );
                }
            }
        }
    }
}
