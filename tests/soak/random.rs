//! Numbers that look random and come again with the same seed.

use std::ops::Range;
use std::time::Duration;

/// A stream of numbers (splitmix64). Every actor has streams of its own, so that what one decides does not depend on
/// when another did.
pub struct Random(u64);

impl Random {
    /// The stream of this number out of all that belong to the seed.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut of_stream = Self(stream);
        Self(seed ^ of_stream.next())
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number of the range.
    pub fn of(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// Whether something happens that happens so many times of a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.of(0..100) < percent
    }

    /// A time of so many milliseconds.
    pub fn ms(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.of(range))
    }

    /// One of these.
    pub fn choose<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() { None } else { from.get(self.next() as usize % from.len()) }
    }
}
