//! The user's limits change while the device is driven.

use std::time::Duration;

use tokio::time::Instant;

use super::slot::OutputChannel;
use super::state::DesiredState;
use crate::types::Output;

impl DesiredState {
    /// Other limits hold from now on. A level is brought within them and written at once; a position waits for its next
    /// command, but a move that leads out of them is stopped; so is an output that is disabled now. What was wanted beyond
    /// the limits is forgotten: it does not come back when they are loosened.
    pub fn change_limits(&self, channels: &[OutputChannel], gap: Duration) {
        let now = Instant::now();
        let mut board = self.board();
        board.gap = gap;
        let mut to_stop = Vec::new();
        for slot in &mut board.slots {
            let place = (slot.place.feature, slot.place.kind);
            let own = |channel: &&OutputChannel| (channel.feature, channel.kind) == place;
            let Some(channel) = channels.iter().find(own) else { continue };
            slot.place = *channel;
            slot.ramp.limit(channel.limits.pace());
            if channel.limits.is_disabled() {
                if slot.wanted.is_some() || slot.under_way || slot.may_run(now) {
                    slot.clear();
                    to_stop.push(place);
                }
                continue;
            }
            let within = |output: Output| channel.limits.clamp(output);
            let beyond = slot.wanted.is_some_and(|wanted| within(wanted).value != wanted.value);
            slot.wanted = slot.wanted.map(within);
            if place.1.is_position() {
                let out = |target| within(Output { kind: place.1, value: target, duration_ms: 0 }).value != target;
                if slot.motion.leads(out, now) || (slot.under_way && beyond) {
                    // A command that waits to be written is newer, and within the limits by now.
                    if slot.under_way || !slot.dirty {
                        slot.clear();
                    }
                    to_stop.push(place);
                }
            } else if slot.wanted.is_some() && !place.1.is_event() {
                // What was kept for a repeat is dropped, so that every level is written again; and a write under way may
                // bring what was allowed before.
                slot.version += 1;
                slot.dirty = true;
            }
        }
        self.ask_stops(board, |slot| to_stop.contains(&(slot.place.feature, slot.place.kind)), |_| ());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{DesiredState, Limits, UserLimits, desired::WriteBatch};
    use crate::library::OutputSpec;
    use crate::types::{OperatorId, OutputKind};

    fn channel(kind: OutputKind, user: UserLimits) -> OutputChannel {
        let duration_ms = (kind == OutputKind::HwPositionWithDuration).then_some((0, 20_000));
        let spec = OutputSpec { kind, min: 0, max: 100, duration_ms };
        OutputChannel { feature: 0, kind, limits: Limits::new(spec, user) }
    }

    fn up_to(high: i32) -> UserLimits {
        UserLimits { range: Some((0, high)), ..UserLimits::default() }
    }

    /// A device that was commanded to do this, and does.
    fn doing(kind: OutputKind, value: i32) -> DesiredState {
        let wanted = DesiredState::new(vec![channel(kind, UserLimits::default())]);
        set(&wanted, kind, value);
        wanted.done(&wanted.take(false).unwrap());
        wanted
    }

    fn set(wanted: &DesiredState, kind: OutputKind, value: i32) {
        wanted.set(OperatorId(1), &[(0, Output { kind, value, duration_ms: 1000 })], None).unwrap();
    }

    fn change(wanted: &DesiredState, kind: OutputKind, user: UserLimits) {
        wanted.change_limits(&[channel(kind, user)], Duration::ZERO);
    }

    fn values(batch: Option<WriteBatch>) -> Option<Vec<i32>> {
        batch.map(|batch| batch.changes.iter().map(|change| change.output.value).collect())
    }

    #[tokio::test(start_paused = true)]
    async fn a_level_that_is_too_high_is_lowered_at_once_and_never_rises_by_itself() {
        let wanted = doing(OutputKind::Vibrate, 80);
        change(&wanted, OutputKind::Vibrate, up_to(30));
        let batch = wanted.take(false).unwrap();
        wanted.done(&batch);
        assert_eq!(values(Some(batch)), Some(vec![30]));
        change(&wanted, OutputKind::Vibrate, UserLimits::default());
        assert_eq!(values(wanted.take(false)), Some(vec![30]));
    }

    /// What the hardware has already is no reason not to write: it is beyond the limits now.
    #[tokio::test(start_paused = true)]
    async fn a_command_that_was_checked_against_the_old_limits_keeps_to_the_new_ones() {
        let wanted = doing(OutputKind::Vibrate, 80);
        change(&wanted, OutputKind::Vibrate, up_to(30));
        set(&wanted, OutputKind::Vibrate, 80);
        assert_eq!(values(wanted.take(false)), Some(vec![30]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_under_way_is_corrected() {
        let wanted = doing(OutputKind::Vibrate, 10);
        set(&wanted, OutputKind::Vibrate, 80);
        let batch = wanted.take(false).unwrap();
        change(&wanted, OutputKind::Vibrate, up_to(30));
        wanted.done(&batch);
        assert_eq!(values(wanted.take(false)), Some(vec![30]));
    }

    #[tokio::test(start_paused = true)]
    async fn an_output_that_is_disabled_is_stopped() {
        for kind in [OutputKind::Vibrate, OutputKind::HwPositionWithDuration] {
            let wanted = doing(kind, 80);
            tokio::time::advance(Duration::from_millis(500)).await;
            change(&wanted, kind, UserLimits { disabled: true, ..UserLimits::default() });
            let expected = if kind.is_position() { 40 } else { 0 };
            assert_eq!(values(wanted.take(true)), Some(vec![expected]), "{kind}");
            assert_eq!(values(wanted.take(false)), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_position_waits_for_its_next_command_but_no_move_leads_out_of_the_limits() {
        let kind = OutputKind::HwPositionWithDuration;
        let wanted = doing(kind, 80);
        tokio::time::advance(Duration::from_millis(250)).await;
        change(&wanted, kind, up_to(90));
        assert_eq!((values(wanted.take(true)), values(wanted.take(false))), (None, None));
        change(&wanted, kind, up_to(50));
        assert_eq!(values(wanted.take(true)), Some(vec![20]));
        let wanted = doing(kind, 80);
        tokio::time::advance(Duration::from_millis(1000)).await;
        change(&wanted, kind, up_to(50));
        assert_eq!((values(wanted.take(true)), values(wanted.take(false))), (None, None), "it has arrived");
        // One that is on its way to the hardware.
        let wanted = doing(kind, 10);
        tokio::time::advance(Duration::from_millis(1000)).await;
        set(&wanted, kind, 80);
        let batch = wanted.take(false).unwrap();
        change(&wanted, kind, up_to(50));
        wanted.done(&batch);
        assert_eq!(values(wanted.take(true)), Some(vec![10]));
        assert_eq!(values(wanted.take(false)), None);
    }

    /// The shorter one was to take its place; the hardware has not confirmed that.
    #[tokio::test(start_paused = true)]
    async fn a_move_that_may_go_on_after_another_failed_does_not_lead_out_of_the_limits() {
        let kind = OutputKind::HwPositionWithDuration;
        let wanted = doing(kind, 80);
        set(&wanted, kind, 20);
        wanted.failed(&wanted.take(false).unwrap());
        change(&wanted, kind, up_to(50));
        assert!(wanted.take(true).is_some());
    }
}
