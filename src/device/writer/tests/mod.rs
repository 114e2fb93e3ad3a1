//! The rules of time, in paused time, against a link whose other side the test plays.

mod flights;
mod packet_gap;
mod positions;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::write_loop::*;
use crate::device::{Identity, UserSettings, handle::DeviceHandle, messages::Exit};
use crate::events::Metrics;
use crate::library::Definition;
use crate::link::{Clock, Confirms, Deadlines, Link, LinkEnd, LinkError, LinkInfo, Operation, Packet, pair};
use crate::types::{Bus, OperatorId, Output, OutputKind};

pub(super) const ANN: OperatorId = OperatorId(1);

pub(super) const TWO_MOTORS: &str = r#"
name = "Two motors"
[[match]]
btle = { names = ["Two"] }
services.ff00 = { tx = "ff01" }
[default]
name = "Two"
features = [{ vibrate = [0, 100] }, { vibrate = [0, 100] }]
[write]
vibrate = 'tx: {i} {v}'
"#;

pub(super) struct Hardware {
    pub(super) end: LinkEnd,
    pub(super) link: Link,
    pub(super) device: DeviceHandle,
}

impl Hardware {
    pub(super) fn new(definition: &str, gap_ms: u32) -> Self {
        Self::on(definition, gap_ms, Confirms::Everything)
    }

    /// On a link that confirms so.
    pub(super) fn on(definition: &str, gap_ms: u32, confirms: Confirms) -> Self {
        Self::with(definition, &UserSettings { gap_ms: Some(gap_ms), ..UserSettings::default() }, confirms)
    }

    /// For a user who set this.
    pub(super) fn with(definition: &str, user: &UserSettings, confirms: Confirms) -> Self {
        let definition = Arc::new(Definition::parse("test", definition, &crate::driver::names()).unwrap());
        let model = Arc::new(definition.models.first().unwrap_or(&definition.default).clone());
        let endpoints = definition.endpoints();
        let identity =
            Identity { index: 0, bus: Bus::Btle, address: "a".to_owned(), identifier: None, definition, model };
        let device = DeviceHandle::new(identity, user);
        let info = LinkInfo {
            endpoints,
            gap: Duration::ZERO,
            deadlines: Deadlines::default(),
            confirms,
            clock: Clock::system(),
        };
        let (link, end) = pair(info);
        link.set_packet_gap(device.identity().definition.packet_gap_on(Bus::Btle));
        Self { end, link, device }
    }

    pub(super) fn start(&self) -> tokio::task::JoinHandle<Exit> {
        self.start_with(WritePolicy { max_failures: 5, dead_man: None })
    }

    fn start_with(&self, pace: WritePolicy) -> tokio::task::JoinHandle<Exit> {
        let identity = self.device.identity();
        let driver =
            crate::driver::for_definition(&identity.definition).open(&identity.definition, &identity.model, &self.link);
        let metrics = Metrics::new().unwrap();
        tokio::spawn(Writer::new(self.device.clone(), self.link.clone(), driver, pace, metrics).run())
    }

    pub(super) fn set(&self, feature: u32, value: i32) {
        let output = Output { kind: OutputKind::Vibrate, value, duration_ms: 0 };
        self.device.set(ANN, &[(feature, output)], None).unwrap();
    }

    /// The next packet, not yet answered.
    pub(super) async fn packet(&mut self) -> (Vec<u8>, oneshot::Sender<Result<Vec<u8>, LinkError>>) {
        let request =
            tokio::time::timeout(ms(3_600_000), self.end.requests.recv()).await.expect("nothing is written").unwrap();
        let Operation::Write(packet) = request.operation else { panic!("{:?}", request.operation) };
        (packet.data, request.done)
    }

    /// The next packet, which the hardware takes.
    pub(super) async fn taken(&mut self) -> Vec<u8> {
        let (data, done) = self.packet().await;
        let _ = done.send(Ok(Vec::new()));
        data
    }

    /// Whether nothing is written for a while.
    pub(super) async fn quiet(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.end.requests.recv()).await.is_err()
    }
}

pub(super) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[tokio::test(start_paused = true)]
async fn an_idle_device_is_written_at_once_whatever_its_gap() {
    let mut hardware = Hardware::new(TWO_MOTORS, 300);
    hardware.start();
    for value in 1..=5 {
        tokio::time::sleep(ms(1000)).await;
        let start = Instant::now();
        hardware.set(0, value);
        assert_eq!(hardware.taken().await, [0, u8::try_from(value).unwrap()]);
        assert!(start.elapsed() <= ms(1), "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_written_once_a_gap_and_ends_with_its_last_value() {
    let mut hardware = Hardware::new(TWO_MOTORS, 75);
    hardware.start();
    let device = hardware.device.clone();
    let flood = tokio::spawn(async move {
        for n in 0..10_000 {
            let output = Output { kind: OutputKind::Vibrate, value: n % 99, duration_ms: 0 };
            device.set(ANN, &[(0, output)], None).unwrap();
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        let output = Output { kind: OutputKind::Vibrate, value: 100, duration_ms: 0 };
        device.set(ANN, &[(0, output)], None).unwrap();
        Instant::now()
    });
    let mut last_at: Option<Instant> = None;
    loop {
        let data = hardware.taken().await;
        let now = Instant::now();
        if let Some(last) = last_at {
            assert!(now - last >= ms(75), "{:?} after the last write", now - last);
        }
        last_at = Some(now);
        if data == [0, 100] {
            break;
        }
    }
    let ended = flood.await.unwrap();
    assert!(last_at.unwrap() - ended <= ms(76), "the last value came late");
    assert!(hardware.quiet(ms(1000)).await, "a backlog");
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_no_gap() {
    let mut hardware = Hardware::new(TWO_MOTORS, 10_000);
    hardware.start();
    hardware.set(0, 9);
    hardware.taken().await;
    hardware.set(1, 5);
    let start = Instant::now();
    let number = hardware.device.begin_stop(None).unwrap();
    assert_eq!(hardware.taken().await, [0, 0]);
    assert_eq!(hardware.taken().await, [1, 0]);
    hardware.device.wanted().confirmed(number).await;
    assert!(start.elapsed() <= ms(1), "{:?}", start.elapsed());
    assert!(hardware.quiet(ms(60_000)).await, "the value before the stop is void");
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_write_that_hangs() {
    let mut hardware = Hardware::new(TWO_MOTORS, 0);
    hardware.start();
    hardware.set(0, 9);
    let (data, _hanging) = hardware.packet().await;
    assert_eq!(data, [0, 9]);
    let start = Instant::now();
    hardware.device.begin_stop(Some(0)).unwrap();
    assert_eq!(hardware.taken().await, [0, 0]);
    assert!(start.elapsed() <= ms(1), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_stop_voids_the_rest_of_a_batch() {
    let mut hardware = Hardware::new(TWO_MOTORS, 0);
    hardware.start();
    let output = |value| Output { kind: OutputKind::Vibrate, value, duration_ms: 0 };
    hardware.device.set(ANN, &[(0, output(7)), (1, output(8))], None).unwrap();
    let (data, done) = hardware.packet().await;
    assert_eq!(data, [0, 7]);
    hardware.device.begin_stop(None).unwrap();
    let _ = done.send(Ok(Vec::new()));
    assert_eq!(hardware.taken().await, [0, 0]);
    assert_eq!(hardware.taken().await, [1, 0]);
    assert!(hardware.quiet(ms(10_000)).await);
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_repeated_until_it_is_confirmed() {
    let mut hardware = Hardware::new(TWO_MOTORS, 0);
    hardware.start();
    let start = Instant::now();
    let number = hardware.device.begin_stop(Some(1)).unwrap();
    for _ in 0..3 {
        let (data, done) = hardware.packet().await;
        assert_eq!(data, [1, 0]);
        let _ = done.send(Err(LinkError::Failed("no".to_owned())));
    }
    assert!(start.elapsed() < ms(300), "{:?}", start.elapsed());
    assert_eq!(hardware.taken().await, [1, 0]);
    hardware.device.wanted().confirmed(number).await;
    assert!(hardware.quiet(ms(10_000)).await);
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_is_tried_again_while_it_is_the_newest() {
    let mut hardware = Hardware::new(TWO_MOTORS, 0);
    hardware.start();
    hardware.set(0, 7);
    let (_, done) = hardware.packet().await;
    let _ = done.send(Err(LinkError::Failed("no".to_owned())));
    let (data, done) = hardware.packet().await;
    assert_eq!(data, [0, 7]);
    hardware.set(0, 8);
    let _ = done.send(Err(LinkError::Failed("no".to_owned())));
    assert_eq!(hardware.taken().await, [0, 8]);
    assert!(hardware.quiet(ms(10_000)).await);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_keeps_failing_is_given_back() {
    let mut hardware = Hardware::new(TWO_MOTORS, 0);
    let writer = hardware.start();
    hardware.set(0, 7);
    for _ in 0..5 {
        let (_, done) = hardware.packet().await;
        let _ = done.send(Err(LinkError::Failed("no".to_owned())));
    }
    assert_eq!(writer.await.unwrap(), Exit::Failed("5 writes in a row failed".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_lost_link_ends_the_writer() {
    let hardware = Hardware::new(TWO_MOTORS, 0);
    let writer = hardware.start();
    drop(hardware.end);
    assert_eq!(writer.await.unwrap(), Exit::Lost);
}

#[tokio::test(start_paused = true)]
async fn what_no_client_renews_stops_after_the_dead_man_time() {
    let mut hardware = Hardware::new(TWO_MOTORS, 0);
    hardware.start_with(WritePolicy { max_failures: 5, dead_man: Some(ms(5000)) });
    hardware.set(0, 7);
    hardware.taken().await;
    tokio::time::sleep(ms(4000)).await;
    hardware.set(0, 7);
    let renewed = Instant::now();
    assert_eq!(hardware.taken().await, [0, 0]);
    assert_eq!(renewed.elapsed(), ms(5000));
    assert!(hardware.quiet(ms(60_000)).await);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_value_waits_for_no_write_that_hangs() {
    let mut hardware = Hardware::new(TWO_MOTORS, 0);
    hardware.start();
    hardware.set(0, 7);
    hardware.taken().await;
    let output = Output { kind: OutputKind::Vibrate, value: 9, duration_ms: 0 };
    hardware.device.set(ANN, &[(0, output)], Some(ms(300))).unwrap();
    let set = Instant::now();
    let (data, hangs) = hardware.packet().await;
    assert_eq!(data, [0, 9]);
    let (data, done) = hardware.packet().await;
    assert_eq!((data.as_slice(), set.elapsed()), ([0, 0].as_slice(), ms(300)));
    let _ = (hangs.send(Ok(Vec::new())), done.send(Ok(Vec::new())));
    assert!(hardware.quiet(ms(60_000)).await);
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_while_nobody_wrote_is_not_written_any_more() {
    let mut hardware = Hardware::new(TWO_MOTORS, 0);
    let output = |value| Output { kind: OutputKind::Vibrate, value, duration_ms: 0 };
    hardware.device.set(ANN, &[(0, output(9))], Some(ms(300))).unwrap();
    hardware.device.set(ANN, &[(1, output(4))], None).unwrap();
    tokio::time::advance(ms(300)).await;
    hardware.start();
    assert_eq!(hardware.taken().await, [0, 0]);
    assert_eq!(hardware.taken().await, [1, 4]);
    assert!(hardware.quiet(ms(60_000)).await);
}

#[tokio::test(start_paused = true)]
async fn the_last_packet_is_repeated_where_the_hardware_wants_that() {
    let repeating = TWO_MOTORS.replace("[default]", "[repeat]\nevery_ms = 500\n[default]");
    let mut hardware = Hardware::new(&repeating, 75);
    hardware.device.wanted().connected(false, true);
    hardware.start();
    assert_eq!(hardware.taken().await, [0, 0]);
    assert_eq!(hardware.taken().await, [1, 0]);
    let stopped = Instant::now();
    assert_eq!(hardware.taken().await, [0, 0]);
    assert_eq!(stopped.elapsed(), ms(500));
    assert_eq!(hardware.taken().await, [1, 0]);
    tokio::time::sleep(ms(200)).await;
    hardware.set(1, 4);
    assert_eq!(hardware.taken().await, [1, 4]);
    let written = Instant::now();
    assert_eq!(hardware.taken().await, [1, 4]);
    assert_eq!(written.elapsed(), ms(500));
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_speaks_by_itself_is_silent_from_the_stop_on() {
    let controller = TWO_MOTORS
        .replace("[[match]]", "driver = \"nintendo-joycon\"\n[[match]]")
        .replace("features = [{ vibrate = [0, 100] }, { vibrate = [0, 100] }]", "features = [{ vibrate = [0, 1000] }]");
    let controller = controller.split("[write]").next().unwrap();
    let level = |data: &[u8]| (data[0] == 0x10).then(|| data[3]);
    let mut hardware = Hardware::new(controller, 0);
    hardware.start();
    hardware.set(0, 500);
    assert_eq!(level(&hardware.taken().await), Some(0x88));
    for _ in 0..100 {
        let written = Instant::now();
        assert_eq!(level(&hardware.taken().await), Some(0x88));
        assert_eq!(written.elapsed(), ms(15));
    }
    // The stop comes while a repetition is on its way and hangs, and is refused three times.
    let (_, hanging) = hardware.packet().await;
    let start = Instant::now();
    let number = hardware.device.begin_stop(None).unwrap();
    for _ in 0..3 {
        let (data, done) = hardware.packet().await;
        assert_eq!(level(&data), Some(0));
        let _ = done.send(Err(LinkError::Failed("no".to_owned())));
    }
    let _ = hanging.send(Ok(Vec::new()));
    assert_eq!(level(&hardware.taken().await), Some(0));
    hardware.device.wanted().confirmed(number).await;
    assert!(start.elapsed() < ms(300), "{:?}", start.elapsed());
    assert!(hardware.quiet(ms(10_000)).await);
    // A new value is written and repeated like the first.
    hardware.set(0, 1000);
    assert_eq!(level(&hardware.taken().await), Some(0xC8));
    assert_eq!(level(&hardware.taken().await), Some(0xC8));
}

#[tokio::test(start_paused = true)]
async fn a_stroker_that_is_told_short_moves_all_the_time_moves_all_the_time() {
    let stroker = TWO_MOTORS
        .replace(
            "features = [{ vibrate = [0, 100] }, { vibrate = [0, 100] }]",
            "features = [{ hw_position = { value = [0, 99], duration_ms = [0, 10000] } }]",
        )
        .replace("vibrate = 'tx: {i} {v}'", "hw_position = 'tx: {v} {d:u16be}'");
    let mut hardware = Hardware::new(&stroker, 75);
    hardware.start();
    let device = hardware.device.clone();
    tokio::spawn(async move {
        for frame in 0..300 {
            let value = (frame * 7) % 100;
            let output = Output { kind: OutputKind::HwPositionWithDuration, value, duration_ms: 16 };
            device.set(ANN, &[(0, output)], None).unwrap();
            tokio::time::sleep(Duration::from_micros(16_667)).await;
        }
    });
    let mut written = Vec::new();
    for _ in 0..60 {
        let data = hardware.taken().await;
        written.push((Instant::now(), u32::from(data[1]) * 256 + u32::from(data[2])));
    }
    assert_eq!(written[0].1, 16, "the first goes at once and as it is");
    for pair in written[1..].windows(2) {
        let until_next = (pair[1].0 - pair[0].0).as_millis();
        assert!(until_next.abs_diff(u128::from(pair[0].1)) <= 1, "a move of {} ms in {until_next} ms", pair[0].1);
    }
}
