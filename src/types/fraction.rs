//! Fractions of a range, and the steps that they mean (facts: devices.md section 4.3).

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
