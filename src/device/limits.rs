//! What a user allows on an output, and the one place where values are brought within it.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::library::OutputSpec;
use crate::types::{CommandError, Output, OutputDescription, OutputKind};
use crate::user_devices::MOST_PERCENT;

/// What the user set for one output. What is absent is as the hardware has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserLimits {
    /// Least and greatest value in the hardware's steps, 0 to its greatest. A level below the least is only 0.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub range: Option<(i32, i32)>,
    /// The whole range of the output that `range` was set for: least and greatest value in that hardware's steps.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub of: Option<(i32, i32)>,
    /// Nobody may use the output.
    #[serde(default)]
    pub disabled: bool,
    /// Positions count from the other end.
    #[serde(default)]
    pub reverse: bool,
    /// Shortest and longest duration in milliseconds.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<(u32, u32)>,
    /// Greatest speed of a move in percent of the whole range a second, 1 to 10000.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub speed: Option<u32>,
    /// Greatest rise of a level in percent of the whole range a second, 1 to 10000.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub rise: Option<u32>,
}

/// A limit that is written down must say something: `null` is no limit, and may have been one.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl UserLimits {
    /// Why these limits make no sense, if so.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        if let Some((low, high)) = self.range.filter(|(low, high)| low > high) {
            return Some(format!("range [{low}, {high}] ends below its beginning"));
        }
        if let Some((min, max)) = self.of.filter(|(min, max)| *max < 1 || min > max) {
            return Some(format!("of [{min}, {max}] is no range; the second number must be at least 1 and the first"));
        }
        if let Some((shortest, longest)) = self.duration_ms.filter(|(shortest, longest)| shortest > longest) {
            return Some(format!("duration_ms [{shortest}, {longest}] ends below its beginning"));
        }
        for (key, percent) in [("speed", self.speed), ("rise", self.rise)] {
            if let Some(percent) = percent.filter(|percent| !(1..=MOST_PERCENT).contains(percent)) {
                return Some(format!("{key} {percent} is out of range; allowed: 1 to {MOST_PERCENT}"));
            }
        }
        None
    }

    /// The same limits for an output with another range. The greatest value is rounded down and the least up, so that
    /// no fraction of the range is allowed that was not allowed before. Where nothing is left of a range or of the
    /// durations, the output is disabled. Without `of` the range counts in the steps of `spec`.
    #[must_use]
    pub fn scaled_to(self, spec: OutputSpec) -> Self {
        let whole = (spec.min, spec.max);
        let of = self.of.unwrap_or(whole);
        let range = self.range.map(|(low, high)| {
            let (low, high) = (low.clamp(0, of.1), high.clamp(0, of.1));
            if of == whole { (low, high) } else { (scale_up(low, of, whole), scale_down(high, of, whole)) }
        });
        let empty = range.is_some_and(|(low, high)| low > high);
        // A move that may take no longer than the hardware can make it last would be faster than the user allows.
        let too_fast = self.duration_ms.zip(spec.duration_ms).is_some_and(|(user, can)| user.0 > can.1);
        let disabled = self.disabled || empty || too_fast;
        Self { range: range.filter(|_| !empty), of: Some(whole), disabled, ..self }
    }

    /// What both allow, for limits in the same steps. Which end positions count from, `self` decides.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        fn both<T: Ord>(one: Option<(T, T)>, other: Option<(T, T)>) -> Option<(T, T)> {
            match (one, other) {
                (Some(one), Some(other)) => Some((one.0.max(other.0), one.1.min(other.1))),
                (one, other) => one.or(other),
            }
        }
        let range = both(self.range, other.range);
        let duration_ms = both(self.duration_ms, other.duration_ms);
        let empty = range.is_some_and(|(low, high)| low > high)
            || duration_ms.is_some_and(|(shortest, longest)| shortest > longest);
        Self {
            range: range.filter(|(low, high)| low <= high),
            duration_ms: duration_ms.filter(|(shortest, longest)| shortest <= longest),
            disabled: self.disabled || other.disabled || empty,
            speed: [self.speed, other.speed].into_iter().flatten().min(),
            rise: [self.rise, other.rise].into_iter().flatten().min(),
            ..self
        }
    }
}

/// What lies below the levels of a range: 0, or for hardware whose levels begin above 1, the step before the first.
fn below(range: (i32, i32)) -> i64 {
    i64::from(range.0.max(1) - 1)
}

/// The greatest value of `to` that is no greater part of it than `value` is of `from`, counted from 0 and counted from
/// where the levels begin.
fn scale_down(value: i32, from: (i32, i32), to: (i32, i32)) -> i32 {
    let part = |base_from: i64, base_to: i64| {
        let (from, to) = (i64::from(from.1) - base_from, i64::from(to.1) - base_to);
        base_to + ((i64::from(value) - base_from).max(0) * to).div_euclid(from.max(1))
    };
    let least = part(0, 0).min(part(below(from), below(to)));
    i32::try_from(least).unwrap_or(0)
}

/// The least value of `to` that is no smaller part of it than `value` is of `from`.
fn scale_up(value: i32, from: (i32, i32), to: (i32, i32)) -> i32 {
    let (value, from, to) = (i64::from(value), i64::from(from.1).max(1), i64::from(to.1));
    i32::try_from((value * to + from - 1).div_euclid(from)).unwrap_or(i32::MAX)
}

/// The greatest speed of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pace {
    /// Percent of the whole range a second, 1 to [`MOST_PERCENT`].
    percent: u32,
    /// The whole range in the hardware's steps, at least 1.
    whole: u32,
}

impl Pace {
    /// The steps that may be made in this time.
    #[must_use]
    pub fn steps(self, time: Duration) -> u32 {
        let steps = u128::from(self.percent) * u128::from(self.whole) * time.as_nanos();
        u32::try_from(steps.div_ceil(100_000_000_000)).unwrap_or(u32::MAX)
    }

    /// The least time for so many steps.
    #[must_use]
    pub fn time(self, steps: u32) -> Duration {
        let nanos = 100_000_000_000 * u128::from(steps);
        let nanos = nanos.div_ceil(u128::from(self.percent) * u128::from(self.whole));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The least time for the whole range.
    #[must_use]
    pub fn whole(self) -> Duration {
        self.time(self.whole)
    }
}

/// One output of a device with the user's limits applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    kind: OutputKind,
    /// The magnitude below the least that is not off, and the greatest.
    low: i32,
    high: i32,
    /// The hardware's own least level, where that is above 0.
    hardware_min: i32,
    /// Negative values mean the other direction.
    signed: bool,
    disabled: bool,
    reverse: bool,
    duration_ms: (u32, u32),
    /// How fast a position may move or a level rise, if that is limited.
    pace: Option<Pace>,
}

impl Limits {
    /// Limits of an output. A user range that the hardware can't have is narrowed to what it can.
    #[must_use]
    pub fn new(spec: OutputSpec, user: UserLimits) -> Self {
        let (low, high) = user.range.unwrap_or((0, spec.max));
        let high = high.clamp(0, spec.max);
        // Hardware whose levels begin above 1 has nothing between off and there: what clients call 1 is its least.
        let low = if spec.kind.is_position() { low } else { low.max(spec.min - 1) };
        let hardware = spec.duration_ms.unwrap_or((0, 0));
        let duration_ms = user.duration_ms.map_or(hardware, |(shortest, longest)| {
            let longest = longest.clamp(hardware.0, hardware.1);
            (shortest.clamp(hardware.0, longest), longest)
        });
        let percent = match spec.kind {
            kind if kind.is_position() => user.speed,
            kind if kind.is_event() => None,
            _ => user.rise,
        };
        let whole = if spec.kind.is_position() { spec.max.abs_diff(spec.min) } else { spec.max.unsigned_abs() };
        Self {
            kind: spec.kind,
            pace: percent.map(|percent| Pace { percent: percent.max(1), whole: whole.max(1) }),
            low: low.clamp(0, high),
            high,
            hardware_min: spec.min.max(0),
            signed: spec.min < 0,
            disabled: user.disabled,
            reverse: user.reverse && spec.kind.is_position(),
            duration_ms,
        }
    }

    /// What clients see; nothing of an output that is disabled.
    #[must_use]
    pub fn description(&self) -> Option<OutputDescription> {
        let steps = self.high - self.low;
        let value = if self.signed { (-steps, steps) } else { (0, steps) };
        let timed = self.kind == OutputKind::HwPositionWithDuration;
        (!self.disabled).then_some(OutputDescription {
            kind: self.kind,
            value,
            duration_ms: timed.then_some(self.duration_ms),
        })
    }

    /// A client's value in the hardware's steps (facts: devices.md section 4.2, with its recommendations).
    ///
    /// # Errors
    /// A value or duration outside what [`Limits::description`] says.
    pub fn accept(&self, device: u32, feature: u32, output: Output) -> Result<Output, CommandError> {
        let steps = self.high - self.low;
        let (min, max) = if self.signed { (-steps, steps) } else { (0, steps) };
        let Output { kind, value, duration_ms } = output;
        if !(min..=max).contains(&value) {
            return Err(CommandError::ValueRange { device, feature, kind, value: value.into(), min, max });
        }
        let (shortest, longest) = self.duration_ms;
        if kind == OutputKind::HwPositionWithDuration && !(shortest..=longest).contains(&duration_ms) {
            return Err(CommandError::DurationRange {
                device,
                feature,
                value: duration_ms,
                min: shortest,
                max: longest,
            });
        }
        let value = if kind.is_position() {
            if self.reverse { self.high - value } else { self.low + value }
        } else if value == 0 {
            0
        } else {
            value.signum() * (self.low + value.abs())
        };
        Ok(Output { kind, value, duration_ms })
    }

    /// A value of the hardware in a client's steps: that of which [`Limits::accept`] makes it, or the nearest.
    #[must_use]
    pub fn for_client(&self, value: i32) -> i32 {
        let steps = self.high - self.low;
        if self.kind.is_position() {
            let value = value.clamp(self.low, self.high);
            if self.reverse { self.high - value } else { value - self.low }
        } else {
            let direction = value.signum().max(if self.signed { -1 } else { 0 });
            direction * (value.saturating_abs() - self.low).clamp(0, steps)
        }
    }

    /// Whether nobody may use the output.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.disabled
    }

    /// How fast a position may move or a level rise, if that is limited.
    #[must_use]
    pub fn pace(&self) -> Option<Pace> {
        self.pace
    }

    /// The least value other than off.
    #[must_use]
    pub fn least(&self) -> i32 {
        if self.kind.is_position() { self.low } else { self.low.max(self.hardware_min) }
    }

    /// The last step before encoding: whatever went wrong before, the hardware gets nothing beyond the limits.
    #[must_use]
    pub fn clamp(&self, output: Output) -> Output {
        let Output { kind, value, duration_ms } = output;
        let off = value == 0 && !kind.is_position();
        let value = if off {
            0
        } else if self.disabled {
            // A disabled output may only ever be told to stop; a position that is disabled stays at its low end.
            if kind.is_position() { self.low } else { 0 }
        } else if self.least() > self.high {
            // The user's greatest is below the hardware's least: nothing is left but off.
            0
        } else if self.signed && value < 0 {
            -value.saturating_abs().clamp(self.low, self.high)
        } else {
            value.clamp(self.least(), self.high)
        };
        let duration_ms = if kind == OutputKind::HwPositionWithDuration {
            duration_ms.clamp(self.duration_ms.0, self.duration_ms.1)
        } else {
            0
        };
        Output { kind, value, duration_ms }
    }

    /// The same for a stop. Where an axis was stopped it stays, within its range, though its output may be disabled by now.
    #[must_use]
    pub fn clamp_stop(&self, output: Output) -> Output {
        Self { disabled: self.disabled && !self.kind.is_position(), ..*self }.clamp(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(kind: OutputKind, min: i32, max: i32, range: Option<(i32, i32)>, reverse: bool) -> Limits {
        let duration_ms = (kind == OutputKind::HwPositionWithDuration).then_some((20, 30_000));
        Limits::new(OutputSpec { kind, min, max, duration_ms }, UserLimits { range, reverse, ..UserLimits::default() })
    }

    fn accept(limits: Limits, value: i32) -> Option<i32> {
        let output = Output { kind: limits.kind, value, duration_ms: 500 };
        limits.accept(0, 0, output).ok().map(|output| output.value)
    }

    #[test]
    fn every_value_of_a_client_comes_back_as_it_was() {
        use OutputKind::{HwPositionWithDuration as Timed, Position, Rotate, Vibrate};
        for (kind, min, max) in
            [(Vibrate, 0, 100), (Vibrate, 20, 100), (Rotate, -100, 100), (Position, 0, 100), (Timed, 0, 100)]
        {
            for range in [None, Some((10, 50)), Some((0, 30)), Some((40, 40))] {
                for reverse in [false, true] {
                    let limits = limits(kind, min, max, range, reverse);
                    for value in -100..=100 {
                        if let Some(hardware) = accept(limits, value) {
                            assert_eq!(limits.for_client(hardware), value, "{kind} {min} {range:?} {reverse}");
                        }
                    }
                    for beyond in [i32::MIN, -1000, 1000, i32::MAX] {
                        let (least, greatest) = limits.description().unwrap().value;
                        assert!((least..=greatest).contains(&limits.for_client(beyond)), "{kind} {range:?} {beyond}");
                    }
                }
            }
        }
    }

    /// The worked values of facts/devices.md section 4.2, and the two where it recommends better.
    #[test]
    fn worked_values() {
        use OutputKind::{HwPositionWithDuration as Timed, Position, Rotate, Vibrate};
        let plain = limits(Vibrate, 0, 127, None, false);
        assert_eq!([1, 127, 128, -1].map(|v| accept(plain, v)), [Some(1), Some(127), None, None]);
        let narrow = limits(Vibrate, 0, 127, Some((10, 60)), false);
        assert_eq!(narrow.description().unwrap().value, (0, 50));
        assert_eq!([0, 1, 50, 51].map(|v| accept(narrow, v)), [Some(0), Some(11), Some(60), None]);
        let both_ways = limits(Rotate, -100, 100, Some((10, 50)), false);
        assert_eq!(both_ways.description().unwrap().value, (-40, 40));
        assert_eq!([1, -1, -40, 41].map(|v| accept(both_ways, v)), [Some(11), Some(-11), Some(-50), None]);
        assert_eq!(accept(limits(Rotate, 0, 10, None, false), -1), None);
        for kind in [Position, Timed] {
            let forward = limits(kind, 0, 1000, Some((200, 800)), false);
            assert_eq!([0, 300, 600].map(|v| accept(forward, v)), [Some(200), Some(500), Some(800)]);
            let reverse = limits(kind, 0, 1000, Some((200, 800)), true);
            assert_eq!([0, 1, 600].map(|v| accept(reverse, v)), [Some(800), Some(799), Some(200)]);
        }
    }

    #[test]
    fn levels_may_begin_above_one() {
        let heat = limits(OutputKind::Temperature, 37, 42, None, false);
        assert_eq!(heat.description().unwrap().value, (0, 6));
        assert_eq!([0, 1, 6, 7].map(|v| accept(heat, v)), [Some(0), Some(37), Some(42), None]);
        assert_eq!(heat.clamp(Output { kind: OutputKind::Temperature, value: 5, duration_ms: 0 }).value, 37);
    }

    #[test]
    fn a_greatest_value_below_the_hardwares_least_leaves_only_off() {
        let heat = limits(OutputKind::Temperature, 37, 42, Some((0, 20)), false);
        assert_eq!([0, 1].map(|v| accept(heat, v)), [Some(0), None]);
        assert_eq!(heat.clamp(Output { kind: OutputKind::Temperature, value: 40, duration_ms: 0 }).value, 0);
    }

    #[test]
    fn durations_are_checked() {
        let timed = limits(OutputKind::HwPositionWithDuration, 0, 99, None, false);
        let output = |duration_ms| Output { kind: OutputKind::HwPositionWithDuration, value: 5, duration_ms };
        assert!(timed.accept(0, 0, output(20)).is_ok());
        let error = timed.accept(3, 1, output(40_000)).unwrap_err().to_string();
        assert_eq!(error, "duration 40000 ms is out of range on feature 1 of device 3; allowed: 20 to 30000");
        assert_eq!(timed.clamp(output(999_999)).duration_ms, 30_000);
    }

    #[test]
    fn nothing_passes_the_clamp() {
        for kind in OutputKind::ALL {
            for (min, max) in [(0, 100), (-100, 100)] {
                let limits = limits(kind, min, max, Some((20, 60)), false);
                for value in [i32::MIN, -1000, -61, -30, -1, 0, 1, 30, 61, 1000, i32::MAX] {
                    let clamped = limits.clamp(Output { kind, value, duration_ms: u32::MAX }).value;
                    let stopped = clamped == 0 && !kind.is_position();
                    assert!(stopped || (20..=60).contains(&clamped.abs()), "{kind} {value} became {clamped}");
                }
            }
        }
    }

    /// A limit goes with the part of the range that it was set for, and never allows more.
    #[test]
    fn limits_are_scaled_to_another_range_and_rounded_to_the_safe_side() {
        let scaled = |range, of, spec_range: (i32, i32)| {
            let spec =
                OutputSpec { kind: OutputKind::Vibrate, min: spec_range.0, max: spec_range.1, duration_ms: None };
            let scaled = UserLimits { range: Some(range), of, ..UserLimits::default() }.scaled_to(spec);
            (scaled.range, scaled.disabled)
        };
        let hundred = Some((0, 100));
        assert_eq!(scaled((0, 40), hundred, (0, 20)), (Some((0, 8)), false));
        assert_eq!(scaled((0, 4), Some((0, 20)), (0, 100)), (Some((0, 20)), false));
        assert_eq!(scaled((0, 44), hundred, (0, 20)), (Some((0, 8)), false));
        assert_eq!(scaled((0, 4), Some((0, 20)), (0, 1)), (Some((0, 0)), false));
        assert_eq!(scaled((11, 60), hundred, (0, 20)), (Some((3, 12)), false));
        assert_eq!(scaled((11, 14), hundred, (0, 20)), (None, true));
        assert_eq!(scaled((0, 400), hundred, (0, 20)), (Some((0, 20)), false));
        // Turning both ways counts by its magnitude; where levels begin above 1, the stricter reading holds.
        assert_eq!(scaled((0, 40), Some((-100, 100)), (0, 20)), (Some((0, 8)), false));
        assert_eq!(scaled((0, 40), Some((37, 42)), (30, 50)), (Some((0, 43)), false));
        assert_eq!(scaled((0, 4), None, (0, 20)), (Some((0, 4)), false));
        assert_eq!(scaled((0, i32::MAX), Some((0, i32::MAX)), (0, i32::MAX)), (Some((0, i32::MAX)), false));
        assert_eq!(scaled((0, i32::MAX), Some((0, i32::MAX)), (0, 3)), (Some((0, 3)), false));
    }

    #[test]
    fn a_move_that_can_only_be_too_fast_is_not_offered() {
        let kind = OutputKind::HwPositionWithDuration;
        let spec = OutputSpec { kind, min: 0, max: 100, duration_ms: Some((20, 400)) };
        let user = |duration_ms| UserLimits { duration_ms: Some(duration_ms), ..UserLimits::default() };
        assert!(user((500, 3000)).scaled_to(spec).disabled);
        assert!(!user((300, 3000)).scaled_to(spec).disabled);
    }

    #[test]
    fn of_two_limits_the_stricter_holds() {
        let user = |low, high| UserLimits { range: Some((low, high)), ..UserLimits::default() };
        assert_eq!(user(0, 4).stricter(user(2, 9)).range, Some((2, 4)));
        assert_eq!(user(0, 4).stricter(UserLimits::default()).range, Some((0, 4)));
        assert!(user(0, 4).stricter(user(5, 9)).disabled);
    }

    #[test]
    fn a_disabled_output_is_hidden_and_only_ever_stopped() {
        let spec = OutputSpec { kind: OutputKind::Vibrate, min: 0, max: 20, duration_ms: None };
        let limits = Limits::new(spec, UserLimits { disabled: true, ..UserLimits::default() });
        assert_eq!(limits.description(), None);
        assert_eq!(limits.clamp(Output { kind: OutputKind::Vibrate, value: 20, duration_ms: 0 }).value, 0);
    }
}
