//! Values end by themselves: after the time that they were set for, or when nobody has set them again for the time of the
//! dead man.

use std::time::Duration;

use tokio::time::Instant;

use super::slot::{Inner, OutputSlot};
use super::state::DesiredState;

impl Inner {
    /// When a value ends that is set now.
    pub(super) fn end_of(&self, lasts: Option<Duration>, now: Instant) -> Option<Instant> {
        lasts.into_iter().chain(self.dead_man).min().and_then(|lasts| now.checked_add(lasts))
    }
}

impl DesiredState {
    /// Says how long a value lasts that nobody sets again, from the next one that is set.
    pub fn set_dead_man(&self, dead_man: Option<Duration>) {
        self.board().dead_man = dead_man;
    }

    /// Stops what has ended. Returns when to look again.
    pub fn expire(&self) -> Option<Instant> {
        let now = Instant::now();
        let late = |slot: &OutputSlot| slot.ends_at().is_some_and(|ends| ends <= now);
        let mut board = self.board();
        let next = board.slots.iter().filter_map(OutputSlot::ends_at).filter(|ends| *ends > now).min();
        board.looked_at = next;
        if board.slots.iter().any(late) {
            self.ask_stops(board, late, OutputSlot::clear);
        }
        next
    }

    /// Returns when a value was set that ends sooner than any before it.
    pub async fn ends_sooner(&self) {
        self.sooner.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::desired::{OutputChannel, WriteBatch};
    use crate::device::{UserLimits, limits::Limits};
    use crate::library::OutputSpec;
    use crate::types::{OperatorId, Output, OutputKind};

    const ANN: OperatorId = OperatorId(1);
    const BOB: OperatorId = OperatorId(2);

    fn vibrate(value: i32) -> Output {
        Output { kind: OutputKind::Vibrate, value, duration_ms: 0 }
    }

    fn two_motors() -> DesiredState {
        let channel = |feature| {
            let spec = OutputSpec { kind: OutputKind::Vibrate, min: 0, max: 10, duration_ms: None };
            OutputChannel { feature, kind: spec.kind, limits: Limits::new(spec, UserLimits::default()) }
        };
        DesiredState::new(vec![channel(0), channel(1)])
    }

    fn values(batch: Option<WriteBatch>) -> Vec<(u32, i32)> {
        let changes = batch.map(|batch| batch.changes).unwrap_or_default();
        changes.iter().map(|change| (change.feature, change.output.value)).collect()
    }

    fn seconds(count: u64) -> Option<Duration> {
        Some(Duration::from_secs(count))
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_renews_is_stopped() {
        let wanted = two_motors();
        wanted.set_dead_man(seconds(5));
        wanted.set(ANN, &[(0, vibrate(5)), (1, vibrate(0))], None).unwrap();
        wanted.done(&wanted.take(false).unwrap());
        pass(3).await;
        wanted.set(ANN, &[(0, vibrate(5))], None).unwrap();
        pass(3).await;
        assert_eq!(wanted.expire(), Some(Instant::now() + Duration::from_secs(2)));
        pass(2).await;
        assert_eq!(wanted.expire(), None);
        assert_eq!(values(wanted.take(true)), [(0, 0)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_ends_after_its_own_time_and_the_next_has_its_own() {
        let wanted = two_motors();
        wanted.set(ANN, &[(0, vibrate(5)), (1, vibrate(6))], seconds(4)).unwrap();
        wanted.done(&wanted.take(false).unwrap());
        pass(3).await;
        // The same level again is not written, but lasts as long again; without a time it lasts.
        wanted.set(ANN, &[(0, vibrate(5))], seconds(4)).unwrap();
        wanted.set(ANN, &[(1, vibrate(7))], None).unwrap();
        pass(3).await;
        wanted.expire();
        assert_eq!(values(wanted.take(true)), []);
        pass(1).await;
        assert_eq!(wanted.expire(), None);
        assert_eq!(values(wanted.take(true)), [(0, 0)]);
        assert_eq!(values(wanted.take(false)), [(1, 7)]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_dead_man_lets_nothing_last_longer() {
        let wanted = two_motors();
        wanted.set_dead_man(seconds(5));
        wanted.set(ANN, &[(0, vibrate(5))], seconds(60)).unwrap();
        wanted.set(ANN, &[(1, vibrate(5))], seconds(2)).unwrap();
        assert_eq!(wanted.expire(), Some(Instant::now() + Duration::from_secs(2)));
        pass(5).await;
        assert_eq!(wanted.expire(), None);
        // A time that no clock reaches never ends by itself.
        wanted.set_dead_man(None);
        wanted.set(ANN, &[(0, vibrate(5))], Some(Duration::MAX)).unwrap();
        assert_eq!(wanted.expire(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_known_who_drives_since_when_until_when_and_whom_they_replaced() {
        let wanted = two_motors();
        wanted.set(ANN, &[(0, vibrate(5))], None).unwrap();
        pass(1).await;
        wanted.set(BOB, &[(0, vibrate(5))], seconds(9)).unwrap();
        pass(2).await;
        wanted.set(BOB, &[(0, vibrate(6))], seconds(9)).unwrap();
        pass(2).await;
        let [output, other] = wanted.observe().try_into().unwrap();
        assert_eq!((output.owner, output.owned_ms, output.left_ms), (Some(BOB), Some(4000), Some(7000)));
        assert_eq!((output.replaced, other.owner, other.owned_ms), (Some(ANN), None, None));
        wanted.stop(None, None);
        let stopped = wanted.observe().remove(0);
        assert_eq!((stopped.owner, stopped.owned_ms, stopped.left_ms, stopped.replaced), (None, None, None, None));
    }
}
