//! The time between packets, and packets that nobody confirms: in paused time.

use super::*;
use super::{ANN, Hardware, TWO_MOTORS, ms};
use crate::link::Confirms;
use crate::types::{Endpoint, Output, OutputKind};

const GAP: u64 = 40;

/// Two motors that need time between packets, without a message gap.
fn hardware(confirms: Confirms) -> Hardware {
    let definition = TWO_MOTORS.replace("[[match]]", &format!("packet_gap_ms = {GAP}\n[[match]]"));
    Hardware::on(&definition, 0, confirms)
}

fn both(hardware: &Hardware, first: i32, second: i32) {
    let output = |value| Output { kind: OutputKind::Vibrate, value, duration_ms: 0 };
    hardware.device.set(ANN, &[(0, output(first)), (1, output(second))], None).unwrap();
}

/// The next packets, which the hardware takes, and the milliseconds since `start` at which they come.
async fn taken(hardware: &mut Hardware, count: usize, start: Instant) -> Vec<(Vec<u8>, u128)> {
    let mut taken = Vec::new();
    for _ in 0..count {
        let data = hardware.taken().await;
        taken.push((data, start.elapsed().as_millis()));
    }
    taken
}

fn packets(expected: &[([u8; 2], u128)]) -> Vec<(Vec<u8>, u128)> {
    expected.iter().map(|(data, at)| (data.to_vec(), *at)).collect()
}

/// Something that asks the hardware for a value by a packet of its own.
fn read(hardware: &Hardware) -> tokio::task::JoinHandle<()> {
    let link = hardware.link.clone();
    tokio::spawn(async move {
        link.write(Packet { endpoint: Endpoint::TX, data: vec![0xAA, 0xAA], ack: false }).await.unwrap();
    })
}

#[tokio::test(start_paused = true)]
async fn the_packets_of_one_command_keep_the_time_that_the_hardware_needs() {
    let mut hardware = hardware(Confirms::Everything);
    hardware.start();
    let start = Instant::now();
    both(&hardware, 1, 2);
    assert_eq!(taken(&mut hardware, 2, start).await, packets(&[([0, 1], 0), ([1, 2], 40)]));
    // The next one comes too early, and is no command of one packet.
    both(&hardware, 3, 4);
    assert_eq!(taken(&mut hardware, 2, start).await, packets(&[([0, 3], 80), ([1, 4], 120)]));
}

#[tokio::test(start_paused = true)]
async fn packets_go_together_where_nothing_is_said() {
    let mut hardware = Hardware::new(TWO_MOTORS, 0);
    hardware.start();
    let start = Instant::now();
    both(&hardware, 1, 2);
    assert_eq!(taken(&mut hardware, 2, start).await, packets(&[([0, 1], 0), ([1, 2], 0)]));
}

#[tokio::test(start_paused = true)]
async fn commands_of_one_packet_each_do_not_wait_for_each_other() {
    let mut hardware = hardware(Confirms::Everything);
    hardware.start();
    let start = Instant::now();
    for value in 1..=5 {
        hardware.set(0, value);
        assert_eq!(hardware.taken().await, [0, u8::try_from(value).unwrap()]);
    }
    hardware.device.begin_stop(Some(0)).unwrap();
    assert_eq!(hardware.taken().await, [0, 0]);
    assert_eq!(start.elapsed(), ms(0));
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_at_most_one_gap_a_packet() {
    let mut hardware = hardware(Confirms::Everything);
    hardware.start();
    let start = Instant::now();
    both(&hardware, 1, 2);
    assert_eq!(taken(&mut hardware, 1, start).await, packets(&[([0, 1], 0)]));
    tokio::time::sleep(ms(5)).await;
    let number = hardware.device.begin_stop(None).unwrap();
    // The rest of the command is void, and the gap that it waited for is the stop's.
    assert_eq!(taken(&mut hardware, 2, start).await, packets(&[([0, 0], 40), ([1, 0], 80)]));
    hardware.device.wanted().confirmed(number).await;
    assert_eq!(start.elapsed(), ms(80));
    assert!(hardware.quiet(ms(10_000)).await);
}

#[tokio::test(start_paused = true)]
async fn a_reads_packet_keeps_away_from_outputs_and_a_stop_from_it() {
    let mut hardware = hardware(Confirms::Everything);
    hardware.start();
    let start = Instant::now();
    hardware.set(0, 1);
    assert_eq!(taken(&mut hardware, 1, start).await, packets(&[([0, 1], 0)]));
    let reads = read(&hardware);
    assert_eq!(taken(&mut hardware, 1, start).await, packets(&[([0xAA, 0xAA], 40)]));
    reads.await.unwrap();
    tokio::time::sleep(ms(1)).await;
    hardware.device.begin_stop(Some(0)).unwrap();
    assert_eq!(taken(&mut hardware, 1, start).await, packets(&[([0, 0], 80)]));
}

#[tokio::test(start_paused = true)]
async fn a_read_that_waits_holds_no_stop_up_and_comes_between_no_packets_of_one() {
    let mut hardware = hardware(Confirms::Everything);
    hardware.start();
    let start = Instant::now();
    both(&hardware, 1, 2);
    assert_eq!(taken(&mut hardware, 2, start).await, packets(&[([0, 1], 0), ([1, 2], 40)]));
    let reads = read(&hardware);
    tokio::time::sleep(ms(10)).await;
    hardware.device.begin_stop(None).unwrap();
    let expected = packets(&[([0, 0], 80), ([1, 0], 120), ([0xAA, 0xAA], 160)]);
    assert_eq!(taken(&mut hardware, 3, start).await, expected);
    reads.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_nobody_confirms_is_written_twice_and_nothing_else_is() {
    let mut hardware = hardware(Confirms::Nothing);
    hardware.start();
    let start = Instant::now();
    hardware.set(0, 1);
    assert_eq!(taken(&mut hardware, 1, start).await, packets(&[([0, 1], 0)]));
    tokio::time::sleep(ms(5)).await;
    // The first may be lost in the gap after the value; the second is not.
    let number = hardware.device.begin_stop(Some(0)).unwrap();
    assert_eq!(taken(&mut hardware, 2, start).await, packets(&[([0, 0], 5), ([0, 0], 45)]));
    hardware.device.wanted().confirmed(number).await;
    assert!(hardware.quiet(ms(10_000)).await);
    let start = Instant::now();
    hardware.device.begin_stop(None).unwrap();
    let expected = [([0, 0], 0), ([1, 0], 40), ([0, 0], 80), ([1, 0], 120)];
    assert_eq!(taken(&mut hardware, 4, start).await, packets(&expected));
    assert!(hardware.quiet(ms(10_000)).await);
}

#[tokio::test(start_paused = true)]
async fn packets_with_response_are_confirmed_where_the_link_says_so() {
    let definition = TWO_MOTORS.replace("'tx: {i} {v}'", "['if {i == 0} tx: 00 {v}', 'if {i == 1} tx ack: 01 {v}']");
    let mut hardware = Hardware::on(&definition, 0, Confirms::responses());
    hardware.start();
    let start = Instant::now();
    hardware.device.begin_stop(None).unwrap();
    assert_eq!(taken(&mut hardware, 3, start).await, packets(&[([0, 0], 0), ([1, 0], 0), ([0, 0], 0)]));
    assert!(hardware.quiet(ms(10_000)).await);
}

/// Hardware that drops every packet that comes less than the gap after the one before, taken or not.
#[tokio::test(start_paused = true)]
async fn a_dongle_that_drops_the_second_of_two_packets_is_stopped_all_the_same() {
    for pause in 0..100 {
        let mut hardware = hardware(Confirms::Nothing);
        hardware.start();
        both(&hardware, 7, 8);
        let reads = read(&hardware);
        tokio::time::sleep(ms(pause)).await;
        let number = hardware.device.begin_stop(None).unwrap();
        let (mut levels, mut last): ([u8; 2], Option<Instant>) = ([0, 0], None);
        while let Ok(Some(request)) = tokio::time::timeout(ms(1000), hardware.end.requests.recv()).await {
            let crate::link::Operation::Write(packet) = request.operation else {
                panic!("{:?}", request.operation)
            };
            let heard = last.is_none_or(|last| last.elapsed() >= ms(GAP));
            last = Some(Instant::now());
            if heard && packet.data[0] < 2 {
                levels[usize::from(packet.data[0])] = packet.data[1];
            }
            let _ = request.done.send(Ok(Vec::new()));
        }
        assert_eq!(levels, [0, 0], "stopped after {pause} ms");
        hardware.device.wanted().confirmed(number).await;
        reads.await.unwrap();
    }
}
