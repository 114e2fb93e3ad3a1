//! Timed moves of hardware that only jumps: the server plays them as positions, one after the other.
//!
//! Here is only where a move should be at which time. Who plays it brings every position within the user's limits and has
//! it encoded like any other output, so that nothing is made up behind the limits.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::contract::Change;
use crate::types::Output;

/// The moves of one device that are under way.
#[derive(Debug, Clone)]
pub struct Moves {
    /// Time between two positions.
    step: Duration,
    running: BTreeMap<u32, Move>,
    /// The position that each feature was last given.
    given: BTreeMap<u32, i32>,
    /// The hardware takes no new position before this.
    not_before: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Move {
    from: i32,
    to: Output,
    began: Instant,
}

impl Moves {
    /// No moves, of hardware that takes a new position after this time.
    #[must_use]
    pub fn new(step: Duration) -> Self {
        Self { step, running: BTreeMap::new(), given: BTreeMap::new(), not_before: None }
    }

    /// Begins a move from where the feature was last sent, in place of the one that may be under way.
    pub fn start(&mut self, change: &Change, now: Instant) {
        let Change { feature, output: to, previous } = *change;
        let given = self.given.get(&feature).copied();
        let from = given.unwrap_or(previous);
        self.running.remove(&feature);
        // Where the hardware really is, is not known before it was told once.
        if given != Some(to.value) {
            self.running.insert(feature, Move { from, to, began: now });
        }
    }

    /// The feature stays where it was last sent.
    pub fn cancel(&mut self, feature: u32) {
        self.running.remove(&feature);
    }

    /// When positions are due.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        let first = self.running.values().map(|one| one.began).min()?;
        Some(self.not_before.map_or(first, |time| time.max(first)))
    }

    /// The positions that are due, by feature: each is where its move should be when the next can be given. They are
    /// further apart than a step where writes are further apart (`gap`), so that a move takes its time all the same.
    ///
    /// The reference server adds a whole-number step each time, so that a move takes up to twice its time.
    pub fn due(&mut self, now: Instant, gap: Duration) -> Vec<(u32, Output)> {
        if self.next().is_none_or(|time| time > now) {
            return Vec::new();
        }
        let ahead = self.step.max(gap);
        let mut positions = Vec::new();
        self.running.retain(|feature, Move { from, to, began }| {
            let takes = Duration::from_millis(to.duration_ms.into());
            let by_then = now.saturating_duration_since(*began) + ahead;
            let part = if by_then < takes { by_then.as_secs_f64() / takes.as_secs_f64() } else { 1.0 };
            let value = from.saturating_add((f64::from(to.value.saturating_sub(*from)) * part).round() as i32);
            let duration_ms = u32::try_from(ahead.as_millis()).unwrap_or(u32::MAX);
            positions.push((*feature, Output { value, duration_ms, ..*to }));
            by_then < takes
        });
        self.given.extend(positions.iter().map(|(feature, output)| (*feature, output.value)));
        self.not_before = Some(now + self.step);
        positions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::OutputKind;

    const STEP: Duration = Duration::from_millis(100);

    fn to(value: i32, duration_ms: u32, previous: i32) -> Change {
        let output = Output { kind: OutputKind::HwPositionWithDuration, value, duration_ms };
        Change { feature: 0, output, previous }
    }

    /// The positions and the milliseconds after which they come, until the move has ended.
    async fn played(moves: &mut Moves, gap: Duration) -> Vec<(i32, u128)> {
        let (begun, mut seen) = (Instant::now(), Vec::new());
        while let Some(next) = moves.next() {
            tokio::time::sleep_until(next).await;
            seen.extend(
                moves.due(Instant::now(), gap).iter().map(|(_, output)| (output.value, begun.elapsed().as_millis())),
            );
            // Asked for something else in between, nothing comes early.
            assert!(moves.due(Instant::now(), gap).is_empty());
            tokio::time::sleep(gap).await;
        }
        seen
    }

    #[tokio::test(start_paused = true)]
    async fn a_move_takes_its_time_and_ends_at_its_goal() {
        let mut moves = Moves::new(STEP);
        moves.start(&to(100, 300, 0), Instant::now());
        assert_eq!(played(&mut moves, Duration::ZERO).await, [(33, 0), (67, 100), (100, 200)]);
        tokio::time::sleep(STEP).await;
        moves.start(&to(0, 0, 100), Instant::now());
        assert_eq!(played(&mut moves, Duration::ZERO).await, [(0, 0)]);
        moves.start(&to(0, 1000, 0), Instant::now());
        assert_eq!(moves.next(), None, "it is there already");
    }

    #[tokio::test(start_paused = true)]
    async fn a_longer_gap_makes_longer_steps() {
        let mut moves = Moves::new(STEP);
        moves.start(&to(100, 1000, 0), Instant::now());
        assert_eq!(played(&mut moves, Duration::from_millis(250)).await, [(25, 0), (50, 250), (75, 500), (100, 750)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_move_begins_where_the_old_one_is_and_a_cancelled_one_says_nothing() {
        let mut moves = Moves::new(STEP);
        moves.start(&to(100, 1000, 50), Instant::now());
        assert_eq!(moves.due(Instant::now(), Duration::ZERO)[0].1.value, 55);
        tokio::time::sleep(STEP / 2).await;
        moves.start(&to(0, 200, 100), Instant::now());
        // The hardware still needs its time after the last position.
        assert_eq!(played(&mut moves, Duration::ZERO).await, [(14, 50), (0, 150)]);
        moves.start(&to(100, 1000, 0), Instant::now());
        moves.cancel(0);
        assert_eq!(moves.next(), None);
    }
}
