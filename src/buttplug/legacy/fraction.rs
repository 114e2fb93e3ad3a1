//! Fractions of a range, and the steps that they mean (facts: devices.md section 4.3).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A fraction this far outside 0 to 1 is a rounding error of the client, such as `0.1f * 10`, and taken as 0 or 1.
const SLACK: f64 = 1e-5;
/// A level below this is off.
const OFF_BELOW: f64 = 1e-6;
/// `100 * 0.07` is 7.000000000000001 in binary, and means step 7.
const TOLERANCE: f64 = 1e-9;

/// A number from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fraction(f64);

impl Fraction {
    /// The fraction, unless the number is out of range by more than a rounding error.
    #[must_use]
    pub fn new(number: f64) -> Option<Self> {
        (-SLACK..=1.0 + SLACK).contains(&number).then(|| Self(number.clamp(0.0, 1.0)))
    }

    /// The number, 0 to 1.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }

    /// The step of a level: any fraction above 0 is at least the first.
    #[must_use]
    pub fn level(self, steps: i32) -> i32 {
        if self.0 < OFF_BELOW { 0 } else { self.position(steps) }
    }

    /// The step of a position that is jumped to.
    #[must_use]
    pub fn position(self, steps: i32) -> i32 {
        within((f64::from(steps) * self.0 - TOLERANCE).ceil(), steps)
    }

    /// The step of a timed move.
    #[must_use]
    pub fn timed_position(self, steps: i32) -> i32 {
        within((f64::from(steps) * self.0 + TOLERANCE).trunc(), steps)
    }
}

fn within(step: f64, steps: i32) -> i32 {
    // The conversion saturates, and the range is far from its ends.
    (step as i32).clamp(0, steps)
}

impl<'de> Deserialize<'de> for Fraction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a number from 0 to 1";
        let number = deserializer.deserialize_any(AnyNumber { expected })?;
        Self::new(number).ok_or_else(|| D::Error::invalid_value(Unexpected::Float(number), &expected))
    }
}

/// A finite number of any size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amount(pub f64);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNumber { expected: "a number from 0 to 1" }).map(Self)
    }
}

struct AnyNumber {
    expected: &'static str,
}

impl Visitor<'_> for AnyNumber {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fraction(text: &str) -> Result<f64, String> {
        serde_json::from_str::<Fraction>(text).map(Fraction::value).map_err(|error| error.to_string())
    }

    /// The worked values of facts/devices.md section 4.3, with the tolerance that it recommends.
    #[test]
    fn worked_values() {
        for (steps, part, level, timed) in [
            (127, 0.5, 64, 63),
            (127, 0.3, 39, 38),
            (20, 0.001, 1, 0),
            (20, 0.3, 6, 6),
            (100, 0.07, 7, 7),
            (100, 0.29, 29, 29),
        ] {
            let fraction = Fraction::new(part).unwrap();
            assert_eq!((fraction.level(steps), fraction.timed_position(steps)), (level, timed), "{part} of {steps}");
        }
        let tiny = Fraction::new(0.000_000_1).unwrap();
        assert_eq!((tiny.level(1000), tiny.position(1000)), (0, 1));
    }

    #[test]
    fn every_step_survives_as_a_fraction() {
        for steps in [1, 2, 3, 5, 7, 20, 99, 100, 127, 255, 1000, 65_535] {
            for step in 0..=steps {
                for part in [f64::from(step) / f64::from(steps), f64::from(step) * (1.0 / f64::from(steps))] {
                    let fraction = Fraction::new(part).unwrap();
                    let found = [fraction.level(steps), fraction.position(steps), fraction.timed_position(steps)];
                    assert_eq!(found, [step; 3], "{part} of {steps}");
                }
            }
        }
    }

    #[test]
    fn a_rounding_error_is_taken_and_anything_more_is_refused_with_the_range() {
        for (text, value) in
            [("1.0000001192092896", 1.0), ("-1e-7", 0.0), ("1", 1.0), ("0", 0.0), ("0.5", 0.5), ("-0.0", 0.0)]
        {
            assert_eq!(fraction(text), Ok(value), "{text}");
        }
        for text in ["1.001", "-0.001", "2", "-1", "1e300", "\"NaN\"", "null", "true", "[0.5]", "{}", "\"0.5\""] {
            let error = fraction(text).unwrap_err();
            assert!(error.contains("a number from 0 to 1"), "{text}: {error}");
        }
        assert_eq!(Fraction::new(f64::NAN), None);
    }
}
