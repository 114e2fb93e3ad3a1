//! A stop is only confirmed when nothing from before it can arrive any more, in paused time.

use futures_util::FutureExt;

use super::*;
use super::{ANN, Hardware, ms};
use crate::link::Operation;
use crate::types::{Output, OutputKind};

const MACHINE: &str = r#"
name = "Machine"
[[match]]
btle = { names = ["Machine"] }
services.ff00 = { tx = "ff01", txmode = "ff02" }
[default]
name = "Machine"
features = [
    { position = [0, 100] }, { vibrate = [0, 100] }, { oscillate = [0, 100] },
    { hw_position = { value = [0, 100], duration_ms = [0, 60000] } },
]
[write]
position = 'tx: 01 {v}'
vibrate = 'tx: 02 {v}'
oscillate = 'txmode: 03 {v}'
hw_position = 'tx: 04 {v}'
"#;

fn hardware() -> (Hardware, tokio::task::JoinHandle<Exit>) {
    let hardware = Hardware::new(MACHINE, 0);
    let writer = hardware.start();
    (hardware, writer)
}

fn set(hardware: &Hardware, feature: u32, kind: OutputKind, value: i32, duration_ms: u32) {
    hardware.device.set(ANN, &[(feature, Output { kind, value, duration_ms })], None).unwrap();
}

fn is_confirmed(hardware: &Hardware, number: u64) -> bool {
    hardware.device.wanted().confirmed(number).now_or_never().is_some()
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_confirmed_when_the_jump_that_hung_has_ended() {
    for refused in [false, true] {
        let (mut hardware, _writer) = hardware();
        set(&hardware, 0, OutputKind::Position, 50, 0);
        let (data, hanging) = hardware.packet().await;
        assert_eq!(data, [1, 50]);
        let number = hardware.device.begin_stop(None).unwrap();
        assert_eq!([hardware.taken().await, hardware.taken().await], [[2, 0], [3, 0]]);
        tokio::time::sleep(ms(1500)).await;
        assert!(!is_confirmed(&hardware, number), "the jump may still arrive");
        assert!(hardware.device.wanted().stopping(), "the shutdown waits for it");
        let answer = if refused { Err(LinkError::Failed("no".to_owned())) } else { Ok(Vec::new()) };
        let _ = hanging.send(answer);
        tokio::time::sleep(ms(1)).await;
        assert!(is_confirmed(&hardware, number) && !hardware.device.wanted().stopping());
        assert!(hardware.quiet(ms(10_000)).await, "there is nothing to be written again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_jump_that_never_ends_costs_the_link() {
    let (mut hardware, writer) = hardware();
    set(&hardware, 0, OutputKind::Position, 50, 0);
    let (_, _hanging) = hardware.packet().await;
    let began = Instant::now();
    let number = hardware.device.begin_stop(Some(0)).unwrap();
    // The last stop of a link that is given up.
    for expected in [[2, 0], [3, 0]] {
        assert_eq!(hardware.taken().await, expected);
        assert_eq!(began.elapsed().as_millis() / 10, 200, "{:?}", began.elapsed());
    }
    assert!(!is_confirmed(&hardware, number), "the link is still open");
    let exit = writer.await.unwrap();
    let Exit::Failed(why) = exit else { panic!("{exit:?}") };
    assert_eq!(why, "a write to tx hangs, which may still arrive after the stop");
}

#[tokio::test(start_paused = true)]
async fn a_jump_that_had_no_answer_in_time_costs_the_link_at_the_stop() {
    let (mut hardware, writer) = hardware();
    set(&hardware, 0, OutputKind::Position, 50, 0);
    let (_, _hanging) = hardware.packet().await;
    // It is tried again and taken, which says nothing of the first.
    assert_eq!(hardware.taken().await, [1, 50]);
    assert!(hardware.quiet(ms(1000)).await);
    let began = Instant::now();
    let number = hardware.device.begin_stop(Some(0)).unwrap();
    assert_eq!([hardware.taken().await, hardware.taken().await], [[2, 0], [3, 0]]);
    assert!(!is_confirmed(&hardware, number));
    assert!(matches!(writer.await.unwrap(), Exit::Failed(_)));
    assert!(began.elapsed() <= ms(10), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_a_bus_has_given_up_may_still_arrive() {
    let (mut hardware, writer) = hardware();
    set(&hardware, 0, OutputKind::Position, 50, 0);
    let (_, done) = hardware.packet().await;
    let _ = done.send(Err(LinkError::Timeout { what: "a write".to_owned(), limit_ms: 1000 }));
    assert_eq!(hardware.taken().await, [1, 50]);
    hardware.device.begin_stop(Some(0)).unwrap();
    assert_eq!([hardware.taken().await, hardware.taken().await], [[2, 0], [3, 0]]);
    assert!(matches!(writer.await.unwrap(), Exit::Failed(_)));
}

#[tokio::test(start_paused = true)]
async fn a_level_that_hangs_is_made_up_for_by_the_stop_behind_it_and_by_no_other() {
    let (mut hardware, _writer) = hardware();
    set(&hardware, 1, OutputKind::Vibrate, 9, 0);
    let (_, _hanging) = hardware.packet().await;
    let number = hardware.device.begin_stop(Some(1)).unwrap();
    assert_eq!(hardware.taken().await, [2, 0]);
    tokio::time::sleep(ms(1)).await;
    assert!(is_confirmed(&hardware, number), "endpoints keep the order");
    // The other endpoint may be faster than the one on which a write hangs.
    set(&hardware, 2, OutputKind::Oscillate, 9, 0);
    let (_, hanging) = hardware.packet().await;
    let other = hardware.device.begin_stop(Some(1)).unwrap();
    assert_eq!(hardware.taken().await, [2, 0]);
    tokio::time::sleep(ms(1)).await;
    assert!(is_confirmed(&hardware, other), "that stop was of something else");
    let (data, again) = hardware.packet().await;
    assert_eq!(data, [3, 9], "what was not stopped is written again");
    let number = hardware.device.begin_stop(Some(2)).unwrap();
    let (data, stop) = hardware.packet().await;
    assert_eq!(data, [3, 0]);
    let _ = stop.send(Err(LinkError::Failed("no".to_owned())));
    let _ = (hanging.send(Ok(Vec::new())), again.send(Ok(Vec::new())));
    assert!(!is_confirmed(&hardware, number));
    assert_eq!(hardware.taken().await, [3, 0]);
    tokio::time::sleep(ms(1)).await;
    assert!(is_confirmed(&hardware, number));
}

#[tokio::test(start_paused = true)]
async fn a_timed_move_that_hangs_is_held_at_once_and_waited_for() {
    let (mut hardware, _writer) = hardware();
    set(&hardware, 3, OutputKind::HwPositionWithDuration, 100, 10_000);
    let (data, hanging) = hardware.packet().await;
    assert_eq!(data, [4, 100]);
    tokio::time::sleep(ms(500)).await;
    let number = hardware.device.begin_stop(Some(3)).unwrap();
    let began = Instant::now();
    let hold = hardware.taken().await;
    assert!(hold[1] <= 5 && began.elapsed() <= ms(1), "{hold:?}");
    tokio::time::sleep(ms(1)).await;
    assert!(!is_confirmed(&hardware, number));
    let _ = hanging.send(Ok(Vec::new()));
    tokio::time::sleep(ms(1)).await;
    assert!(is_confirmed(&hardware, number));
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_comes_while_another_waits_is_written_at_once() {
    let (mut hardware, _writer) = hardware();
    set(&hardware, 1, OutputKind::Vibrate, 9, 0);
    hardware.taken().await;
    set(&hardware, 0, OutputKind::Position, 50, 0);
    let (_, hanging) = hardware.packet().await;
    let jump = hardware.device.begin_stop(Some(0)).unwrap();
    tokio::time::sleep(ms(100)).await;
    let began = Instant::now();
    let level = hardware.device.begin_stop(Some(1)).unwrap();
    assert_eq!(hardware.taken().await, [2, 0]);
    assert!(began.elapsed() <= ms(1), "{:?}", began.elapsed());
    let _ = hanging.send(Ok(Vec::new()));
    tokio::time::sleep(ms(1)).await;
    assert!(is_confirmed(&hardware, jump) && is_confirmed(&hardware, level));
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_the_bus_when_a_stop_comes_is_never_written() {
    let (mut hardware, _writer) = hardware();
    // The bus is busy with others' requests.
    let busy: Vec<_> = (0..40).map(|_| hardware.link.clone()).collect();
    for link in busy {
        tokio::spawn(async move { link.subscribe(crate::types::Endpoint::TX).await });
    }
    tokio::time::sleep(ms(1)).await;
    set(&hardware, 0, OutputKind::Position, 50, 0);
    tokio::time::sleep(ms(1)).await;
    let number = hardware.device.begin_stop(Some(0)).unwrap();
    tokio::time::sleep(ms(1)).await;
    assert!(is_confirmed(&hardware, number), "the bus has nothing that could arrive");
    while let Some(Some(request)) = hardware.end.requests.recv().now_or_never() {
        assert!(!matches!(request.operation, Operation::Write(_)), "{:?}", request.operation);
    }
}
