//! The rules of the wanted state, without any writer.

use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::device::{UserLimits, availability::Availability, availability::Refusal, limits::Limits};
use crate::library::OutputSpec;
use crate::types::{OperatorId, Output, OutputKind};

const ANN: OperatorId = OperatorId(1);
const BOB: OperatorId = OperatorId(2);

fn board(kinds: &[OutputKind]) -> DesiredState {
    let place = |(feature, kind): (usize, &OutputKind)| {
        let timed = *kind == OutputKind::HwPositionWithDuration;
        let spec = OutputSpec { kind: *kind, min: 0, max: 100, duration_ms: timed.then_some((0, 60_000)) };
        let feature = u32::try_from(feature).unwrap();
        OutputChannel { feature, kind: *kind, limits: Limits::new(spec, UserLimits::default()) }
    };
    DesiredState::new(kinds.iter().enumerate().map(place).collect())
}

fn vibrate(value: i32) -> Output {
    Output { kind: OutputKind::Vibrate, value, duration_ms: 0 }
}

fn values(work: &WriteBatch) -> Vec<(u32, i32)> {
    work.changes.iter().map(|change| (change.feature, change.output.value)).collect()
}

#[tokio::test(start_paused = true)]
async fn the_newest_value_wins_and_equal_ones_are_not_written_twice() {
    let wanted = board(&[OutputKind::Vibrate, OutputKind::Vibrate]);
    assert!(wanted.take(false).is_none());
    assert_eq!(wanted.set(ANN, &[(0, vibrate(5)), (1, vibrate(7))], None), Ok(0));
    assert_eq!(wanted.set(ANN, &[(0, vibrate(6))], None), Ok(1));
    let work = wanted.take(false).unwrap();
    assert_eq!(values(&work), [(0, 6), (1, 7)]);
    wanted.done(&work);
    wanted.set(ANN, &[(0, vibrate(6))], None).unwrap();
    assert!(wanted.take(false).is_none());
    wanted.set(ANN, &[(0, vibrate(8))], None).unwrap();
    let work = wanted.take(false).unwrap();
    wanted.set(ANN, &[(0, vibrate(9))], None).unwrap();
    wanted.done(&work);
    assert_eq!(values(&wanted.take(false).unwrap()), [(0, 9)]);
}

/// A client may see the hardware move, and say the same again, before the server learns that the write is done.
#[tokio::test(start_paused = true)]
async fn a_level_that_is_asked_for_again_during_its_write_is_written_once_unless_that_fails() {
    for fails in [false, true] {
        let wanted = board(&[OutputKind::Vibrate, OutputKind::Vibrate]);
        wanted.set(ANN, &[(0, vibrate(5))], None).unwrap();
        let work = wanted.take(false).unwrap();
        wanted.set(BOB, &[(0, vibrate(5)), (1, vibrate(7))], None).unwrap();
        if fails {
            wanted.failed(&work);
        } else {
            wanted.done(&work);
        }
        let next = wanted.take(false).unwrap();
        let expected = if fails { vec![(0, 5), (1, 7)] } else { vec![(1, 7)] };
        assert_eq!(values(&next), expected, "the write failed: {fails}");
        wanted.done(&next);
        // It is Bob's by now.
        wanted.stop(None, Some(BOB));
        assert_eq!(values(&wanted.take(true).unwrap()), [(0, 0), (1, 0)]);
    }
}

#[tokio::test(start_paused = true)]
async fn going_back_to_the_old_value_during_a_write_is_written() {
    let wanted = board(&[OutputKind::Vibrate]);
    wanted.set(ANN, &[(0, vibrate(0))], None).unwrap();
    wanted.done(&wanted.take(false).unwrap());
    wanted.set(ANN, &[(0, vibrate(7))], None).unwrap();
    let work = wanted.take(false).unwrap();
    wanted.set(ANN, &[(0, vibrate(0))], None).unwrap();
    wanted.done(&work);
    assert_eq!(values(&wanted.take(false).unwrap()), [(0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_stays_to_be_written() {
    let wanted = board(&[OutputKind::Vibrate]);
    wanted.set(ANN, &[(0, vibrate(5))], None).unwrap();
    let work = wanted.take(false).unwrap();
    wanted.failed(&work);
    assert_eq!(values(&wanted.take(false).unwrap()), [(0, 5)]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_written_even_when_everything_is_off() {
    let wanted = board(&[OutputKind::Vibrate]);
    for _ in 0..2 {
        let number = wanted.stop(None, None);
        let work = wanted.take(true).unwrap();
        assert_eq!(values(&work), [(0, 0)]);
        wanted.done(&work);
        wanted.confirmed(number).await;
    }
    assert!(wanted.take(true).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_value_after_a_stop_does_not_undo_the_stop() {
    let wanted = board(&[OutputKind::Vibrate]);
    wanted.set(ANN, &[(0, vibrate(5))], None).unwrap();
    let first = wanted.take(false).unwrap();
    wanted.stop(None, None);
    wanted.set(ANN, &[(0, vibrate(5))], None).unwrap();
    wanted.done(&first);
    let stop = wanted.take(true).unwrap();
    assert_eq!(values(&stop), [(0, 0)]);
    wanted.done(&stop);
    assert_eq!(values(&wanted.take(false).unwrap()), [(0, 5)]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_comes_during_a_stop_is_written_too() {
    let wanted = board(&[OutputKind::Vibrate]);
    wanted.stop(None, None);
    let first = wanted.take(true).unwrap();
    let second = wanted.stop(None, None);
    wanted.done(&first);
    assert!(tokio::time::timeout(Duration::from_secs(1), wanted.confirmed(second)).await.is_err());
    wanted.done(&wanted.take(true).unwrap());
    wanted.confirmed(second).await;
}

#[tokio::test(start_paused = true)]
async fn a_later_stop_does_not_confirm_an_earlier_one() {
    let wanted = board(&[OutputKind::Vibrate]);
    let first = wanted.stop(None, None);
    let second = wanted.stop(None, None);
    assert!(tokio::time::timeout(Duration::from_secs(1), wanted.confirmed(first)).await.is_err());
    wanted.done(&wanted.take(true).unwrap());
    wanted.confirmed(first).await;
    wanted.confirmed(second).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_outlives_the_refusal_of_a_value() {
    let wanted = board(&[OutputKind::Vibrate]);
    wanted.set(ANN, &[(0, vibrate(5))], None).unwrap();
    let work = wanted.take(false).unwrap();
    wanted.stop(None, None);
    wanted.refused(&work);
    assert_eq!(values(&wanted.take(true).unwrap()), [(0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn only_what_an_owner_holds_is_stopped() {
    let wanted = board(&[OutputKind::Vibrate, OutputKind::Vibrate, OutputKind::Vibrate]);
    wanted.set(ANN, &[(0, vibrate(5)), (1, vibrate(5))], None).unwrap();
    wanted.set(BOB, &[(1, vibrate(7)), (2, vibrate(7))], None).unwrap();
    wanted.stop(None, Some(ANN));
    assert_eq!(values(&wanted.take(true).unwrap()), [(0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_move_is_stopped_where_it_is() {
    let wanted = board(&[OutputKind::HwPositionWithDuration]);
    let to = |value, duration_ms| Output { kind: OutputKind::HwPositionWithDuration, value, duration_ms };
    wanted.set(ANN, &[(0, to(80, 1000))], None).unwrap();
    wanted.done(&wanted.take(false).unwrap());
    tokio::time::advance(Duration::from_millis(250)).await;
    wanted.stop(None, None);
    let stop = wanted.take(true).unwrap();
    assert_eq!(stop.changes[0].output, to(20, 750));
    wanted.done(&stop);
    tokio::time::advance(Duration::from_secs(2)).await;
    let number = wanted.stop(None, None);
    let rest = wanted.take(true).unwrap();
    assert!(rest.changes.is_empty(), "a move that has ended needs no stop");
    wanted.done(&rest);
    wanted.confirmed(number).await;
}

fn timed(value: i32, duration_ms: u32) -> Output {
    Output { kind: OutputKind::HwPositionWithDuration, value, duration_ms }
}

#[tokio::test(start_paused = true)]
async fn a_move_that_the_hardware_may_have_is_stopped() {
    let wanted = board(&[OutputKind::HwPositionWithDuration]);
    wanted.set(ANN, &[(0, timed(80, 1000))], None).unwrap();
    let work = wanted.take(false).unwrap();
    wanted.stop(None, None);
    wanted.failed(&work);
    let stop = wanted.take(true).unwrap();
    assert_eq!(stop.changes[0].output, timed(0, 1000));
    // Tried again, it still holds at the same place.
    wanted.failed(&stop);
    tokio::time::advance(Duration::from_millis(100)).await;
    assert_eq!(wanted.take(true).unwrap().changes[0].output, timed(0, 1000));
}

/// Found by the property tests: the short move was forgotten when its time was over, and the long one with it.
#[tokio::test(start_paused = true)]
async fn a_move_is_stopped_although_a_shorter_one_that_was_to_take_its_place_failed() {
    let wanted = board(&[OutputKind::HwPositionWithDuration]);
    wanted.set(ANN, &[(0, timed(50, 2000))], None).unwrap();
    wanted.done(&wanted.take(false).unwrap());
    wanted.set(ANN, &[(0, timed(0, 1))], None).unwrap();
    wanted.failed(&wanted.take(false).unwrap());
    tokio::time::advance(Duration::from_millis(1999)).await;
    wanted.stop(None, None);
    let work = wanted.take(true).unwrap();
    assert_eq!(work.changes.len(), 1);
    assert!(work.changes[0].output.duration_ms >= 1999, "{:?}", work.changes);
    wanted.done(&work);
    // It is held by then, wherever it was.
    tokio::time::advance(Duration::from_millis(2001)).await;
    wanted.stop(None, None);
    assert_eq!(values(&wanted.take(true).unwrap()), []);
}

#[tokio::test(start_paused = true)]
async fn a_move_that_a_writer_had_in_hand_when_it_died_is_stopped() {
    let moved = async || {
        let wanted = board(&[OutputKind::HwPositionWithDuration]);
        wanted.set(ANN, &[(0, timed(100, 1000))], None).unwrap();
        let _ = wanted.take(false).unwrap();
        tokio::time::advance(Duration::from_millis(500)).await;
        wanted
    };
    // By the one that closes the link.
    let wanted = moved().await;
    wanted.let_go();
    let stop = wanted.take(true).unwrap();
    assert_eq!(stop.changes[0].output, timed(0, 1000));
    wanted.done(&stop);
    // By the next writer.
    let wanted = moved().await;
    wanted.connected(true, false);
    tokio::time::advance(Duration::from_millis(250)).await;
    wanted.stop(None, None);
    assert_eq!(wanted.take(true).unwrap().changes[0].output, timed(25, 1000));
    // One that was lost long ago is over.
    let wanted = moved().await;
    wanted.set_availability(Availability::Away);
    tokio::time::advance(Duration::from_secs(2)).await;
    wanted.connected(true, false);
    wanted.stop(None, None);
    assert!(wanted.take(true).unwrap().changes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_move_during_which_the_hardware_was_lost_is_stopped_when_it_is_back() {
    let wanted = board(&[OutputKind::HwPositionWithDuration]);
    wanted.set(ANN, &[(0, timed(100, 10_000))], None).unwrap();
    wanted.done(&wanted.take(false).unwrap());
    wanted.set_availability(Availability::Away);
    wanted.stop(None, None);
    tokio::time::advance(Duration::from_secs(2)).await;
    wanted.connected(true, false);
    assert_eq!(wanted.take(true).unwrap().changes[0].output, timed(20, 10_000));
}

#[tokio::test(start_paused = true)]
async fn a_device_that_comes_back_is_stopped_and_then_given_what_is_wanted() {
    let wanted = board(&[OutputKind::Vibrate, OutputKind::Vibrate]);
    wanted.set(ANN, &[(0, vibrate(5))], None).unwrap();
    wanted.done(&wanted.take(false).unwrap());
    wanted.set_availability(Availability::Away);
    let away = wanted.stop(Some(1), None);
    wanted.confirmed(away).await;
    wanted.connected(true, false);
    let stop = wanted.take(true).unwrap();
    assert_eq!(values(&stop), [(0, 0), (1, 0)]);
    wanted.done(&stop);
    assert_eq!(values(&wanted.take(false).unwrap()), [(0, 5)]);
    wanted.set_availability(Availability::Gone("unplugged".to_owned()));
    assert_eq!(wanted.set(ANN, &[(0, vibrate(5))], None), Err(Refusal::Gone("unplugged".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_spray_is_not_repeated_because_a_stop_fails() {
    let wanted = board(&[OutputKind::Spray]);
    wanted.set(ANN, &[(0, Output { kind: OutputKind::Spray, value: 1, duration_ms: 0 })], None).unwrap();
    wanted.done(&wanted.take(false).unwrap());
    wanted.connected(true, false);
    wanted.failed(&wanted.take(true).unwrap());
    wanted.done(&wanted.take(true).unwrap());
    assert!(wanted.take(false).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_jump_ends_a_timed_move_of_the_same_axis() {
    let place = |kind, duration_ms| {
        let spec = OutputSpec { kind, min: 0, max: 100, duration_ms };
        OutputChannel { feature: 0, kind, limits: Limits::new(spec, UserLimits::default()) }
    };
    let timed = OutputKind::HwPositionWithDuration;
    let wanted = DesiredState::new(vec![place(OutputKind::Position, None), place(timed, Some((0, 60_000)))]);
    wanted.set(ANN, &[(0, Output { kind: timed, value: 100, duration_ms: 10_000 })], None).unwrap();
    wanted.done(&wanted.take(false).unwrap());
    tokio::time::advance(Duration::from_secs(1)).await;
    wanted.set(ANN, &[(0, Output { kind: OutputKind::Position, value: 50, duration_ms: 0 })], None).unwrap();
    wanted.done(&wanted.take(false).unwrap());
    wanted.stop(None, None);
    let stop = wanted.take(true).unwrap();
    assert!(stop.changes.is_empty(), "the axis must not go back along the old move");
    wanted.done(&stop);
    wanted.set(ANN, &[(0, Output { kind: timed, value: 80, duration_ms: 100 })], None).unwrap();
    assert_eq!(wanted.take(false).unwrap().changes[0].previous, 50);
}

/// A timed move of 16 ms, a sine of 1 Hz over the whole travel, 60 times a second, as games send it: what is written covers
/// the time between writes, so that the machine moves all the time and no faster than it should.
/// Whichever of the two outputs moved the axis last: where it stands is no longer known, so that it may have to go all the way.
#[tokio::test(start_paused = true)]
async fn after_a_jump_that_failed_a_move_with_limited_speed_takes_the_time_of_the_whole_way() {
    let speed = UserLimits { speed: Some(50), ..UserLimits::default() };
    let place = |kind: OutputKind, user| {
        let spec = OutputSpec { kind, min: 0, max: 100, duration_ms: Some((0, 60_000)) };
        OutputChannel { feature: 0, kind, limits: Limits::new(spec, user) }
    };
    let jump = |value| Output { kind: OutputKind::Position, value, duration_ms: 0 };
    for (fails, takes_ms) in [(false, 1200), (true, 2000)] {
        let jumps = place(OutputKind::Position, UserLimits::default());
        let wanted = DesiredState::new(vec![jumps, place(OutputKind::HwPositionWithDuration, speed)]);
        let next = |output| {
            wanted.set(ANN, &[(0, output)], None).unwrap();
            wanted.take(false).unwrap()
        };
        wanted.done(&next(jump(10)));
        let work = next(jump(90));
        if fails {
            wanted.failed(&work);
        } else {
            wanted.done(&work);
        }
        wanted.stop(None, None);
        wanted.done(&wanted.take(true).unwrap());
        assert_eq!(next(timed(30, 100)).changes[0].output, timed(30, takes_ms), "the jump failed: {fails}");
    }
}

#[tokio::test(start_paused = true)]
async fn moves_that_were_merged_last_until_the_next_one() {
    let gap = Duration::from_millis(75);
    let wanted = board(&[OutputKind::HwPositionWithDuration]).with_gap(gap);
    let begun = Instant::now();
    let mut written: Vec<(Instant, Output)> = Vec::new();
    for frame in 0..600_u32 {
        let second = f64::from(frame) / 60.0;
        let place = (50.0 - 50.0 * (second * std::f64::consts::TAU).cos()).round() as i32;
        let at = begun + Duration::from_secs_f64(second);
        // The writer wakes when the gap is over, between two frames.
        if let Some(free) = written.last().map(|(last, _)| *last + gap).filter(|free| *free < at) {
            tokio::time::sleep_until(free).await;
            if let Some(work) = wanted.take(false) {
                written.push((Instant::now(), work.changes[0].output));
                wanted.done(&work);
            }
        }
        tokio::time::sleep_until(at).await;
        wanted.set(ANN, &[(0, timed(place, 16))], None).unwrap();
        if written.is_empty() {
            let work = wanted.take(false).unwrap();
            written.push((Instant::now(), work.changes[0].output));
            wanted.done(&work);
        }
    }
    // The first was alone; it goes at once and as it is.
    assert_eq!(written[0].1.duration_ms, 16);
    assert!(written.len() > 100, "{}", written.len());
    let moves = &written[1..];
    let moving: u32 = moves[..moves.len() - 1].iter().map(|(_, output)| output.duration_ms).sum();
    let whole = moves[moves.len() - 1].0 - moves[0].0;
    let part = f64::from(moving) / whole.as_millis() as f64;
    assert!((0.95..=1.0).contains(&part), "moving {part} of the time");
}

#[tokio::test(start_paused = true)]
async fn only_what_took_the_place_of_an_unwritten_move_is_stretched() {
    let wanted = board(&[OutputKind::HwPositionWithDuration]).with_gap(Duration::from_millis(75));
    let next = |work: Option<WriteBatch>| work.map(|work| work.changes[0].output);
    // Alone.
    wanted.set(ANN, &[(0, timed(10, 16))], None).unwrap();
    let work = wanted.take(false).unwrap();
    assert_eq!(work.changes[0].output, timed(10, 16));
    // One that comes during the write replaces nothing that was not written.
    wanted.set(ANN, &[(0, timed(20, 16))], None).unwrap();
    wanted.done(&work);
    assert_eq!(next(wanted.take(false)), Some(timed(20, 16)));
    wanted.done(&wanted.take(false).unwrap());
    // Two during one write: the second stands for both.
    wanted.set(ANN, &[(0, timed(30, 16))], None).unwrap();
    let work = wanted.take(false).unwrap();
    wanted.set(ANN, &[(0, timed(40, 16))], None).unwrap();
    wanted.set(ANN, &[(0, timed(50, 16))], None).unwrap();
    wanted.done(&work);
    let work = wanted.take(false).unwrap();
    assert_eq!(work.changes[0].output, timed(50, 75));
    // A write that fails keeps its time, and what takes its place stands for both.
    wanted.failed(&work);
    let work = wanted.take(false).unwrap();
    assert_eq!(work.changes[0].output, timed(50, 75));
    wanted.set(ANN, &[(0, timed(60, 16))], None).unwrap();
    wanted.failed(&work);
    assert_eq!(next(wanted.take(false)), Some(timed(60, 75)));
    wanted.done(&wanted.take(false).unwrap());
    // A slow move stays as slow as it is, a stop voids what was merged, and the next one is alone again.
    for (value, duration_ms) in [(70, 16), (80, 500)] {
        wanted.set(ANN, &[(0, timed(value, duration_ms))], None).unwrap();
    }
    assert_eq!(next(wanted.take(false)), Some(timed(80, 500)));
    wanted.stop(None, None);
    wanted.done(&wanted.take(true).unwrap());
    wanted.set(ANN, &[(0, timed(90, 16))], None).unwrap();
    assert_eq!(next(wanted.take(false)), Some(timed(90, 16)));
}

#[tokio::test(start_paused = true)]
async fn a_move_is_stretched_within_the_limits_only() {
    let spec =
        OutputSpec { kind: OutputKind::HwPositionWithDuration, min: 0, max: 100, duration_ms: Some((0, 60_000)) };
    let user = UserLimits { duration_ms: Some((0, 50)), ..UserLimits::default() };
    let place = OutputChannel { feature: 0, kind: spec.kind, limits: Limits::new(spec, user) };
    let wanted = DesiredState::new(vec![place]).with_gap(Duration::from_millis(75));
    for value in [1, 2] {
        wanted.set(ANN, &[(0, timed(value, 16))], None).unwrap();
    }
    assert_eq!(wanted.take(false).unwrap().changes[0].output, timed(2, 50));
}

/// Nobody knows yet whether the hardware has it, so the link is not closed without a stop.
#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_when_the_link_is_let_go_is_stopped() {
    let wanted = board(&[OutputKind::Vibrate, OutputKind::HwPositionWithDuration]);
    wanted.set(ANN, &[(0, vibrate(0))], None).unwrap();
    wanted.done(&wanted.take(false).unwrap());
    wanted.let_go();
    assert!(!wanted.stopping(), "nothing runs");
    wanted.connected(false, false);
    let timed = Output { kind: OutputKind::HwPositionWithDuration, value: 100, duration_ms: 2000 };
    wanted.set(ANN, &[(1, timed)], None).unwrap();
    let work = wanted.take(false).unwrap();
    wanted.let_go();
    assert!(wanted.stopping());
    // The stop overtakes the write.
    wanted.failed(&work);
    let stop = wanted.take(true).unwrap();
    assert!(values(&stop).contains(&(1, 0)), "{stop:?}");
    wanted.done(&stop);
    assert!(!wanted.stopping());
}
