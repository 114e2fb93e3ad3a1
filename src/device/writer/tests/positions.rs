//! Positions that no client named, and the limits: steps of a move, axes that share a packet, the place at the start.

use super::*;
use super::{ANN, Hardware, ms};
use crate::device::{UserLimits, UserSettings};
use crate::link::Confirms;
use crate::types::OutputKind::HwPositionWithDuration as Timed;

/// A Lovense machine that only jumps.
const JUMPS: &str = r#"
name = "Jumps"
driver = "lovense"
[[match]]
btle = { names = ["Jumps"] }
services.ff00 = { tx = "ff01", rx = "ff02" }
[default]
name = "None"
features = []
[[model]]
ids = ["BA"]
name = "Jumps"
features = [{ hw_position = { value = [0, 100], duration_ms = [0, 100000] }, oscillate = [0, 20] }]
"#;

/// Two axes in one packet.
const AXES: &str = r#"
name = "Axes"
[[match]]
btle = { names = ["Axes"] }
services.ff00 = { tx = "ff01" }
[default]
name = "Axes"
features = [
    { hw_position = { value = [0, 100], duration_ms = [0, 10000] } },
    { hw_position = { value = [0, 100], duration_ms = [0, 10000] } },
]
[write]
hw_position = 'tx: {i} {prev} each( {v} )'
"#;

fn hardware(definition: &str, range: (i32, i32)) -> Hardware {
    let limits = UserLimits { range: Some(range), ..UserLimits::default() };
    let limits = [0, 1].map(|feature| ((feature, Timed), limits));
    let user = UserSettings { gap_ms: Some(0), limits: limits.into_iter().collect(), ..UserSettings::default() };
    Hardware::with(definition, &user, Confirms::Everything)
}

fn go(hardware: &Hardware, feature: u32, value: i32, duration_ms: u32) {
    hardware.device.set(ANN, &[(feature, Output { kind: Timed, value, duration_ms })], None).unwrap();
}

/// The next position that a machine which jumps is sent to.
async fn site(hardware: &mut Hardware) -> i32 {
    let text = String::from_utf8(hardware.taken().await).unwrap();
    text.strip_prefix("FSetSite:").and_then(|rest| rest.strip_suffix(';')).unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn no_step_of_a_first_move_is_below_the_users_least() {
    let mut hardware = hardware(JUMPS, (40, 80));
    hardware.start();
    let start = Instant::now();
    go(&hardware, 0, 80, 400);
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push((site(&mut hardware).await, start.elapsed().as_millis()));
    }
    assert_eq!(seen, [(50, 0), (60, 100), (70, 200), (80, 300)]);
    // Past the checks of clients: the clamp is the last line, for the goal and for every step on the way.
    go(&hardware, 0, 0, 400);
    // The machine still needs its time after the last step, so the first is where the move is by then.
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(site(&mut hardware).await);
    }
    assert_eq!(seen, [60, 50, 40]);
    assert!(hardware.quiet(ms(10_000)).await);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_steps_and_the_next_move_begins_where_it_stands() {
    let mut hardware = hardware(JUMPS, (0, 100));
    hardware.start();
    go(&hardware, 0, 100, 1000);
    assert_eq!([site(&mut hardware).await, site(&mut hardware).await], [10, 20]);
    let number = hardware.device.begin_stop(None).unwrap();
    assert_eq!(hardware.taken().await, b"Mply:0:20;");
    hardware.device.wanted().confirmed(number).await;
    assert!(hardware.quiet(ms(10_000)).await);
    go(&hardware, 0, 0, 200);
    assert_eq!([site(&mut hardware).await, site(&mut hardware).await], [10, 0]);
}

#[tokio::test(start_paused = true)]
async fn the_last_step_is_not_left_out_because_a_write_fails() {
    let mut hardware = hardware(JUMPS, (0, 100));
    hardware.start();
    go(&hardware, 0, 100, 200);
    assert_eq!(site(&mut hardware).await, 50);
    let (_, done) = hardware.packet().await;
    let _ = done.send(Err(crate::link::LinkError::Failed("no".to_owned())));
    assert_eq!(site(&mut hardware).await, 100);
    assert!(hardware.quiet(ms(10_000)).await);
}

#[tokio::test(start_paused = true)]
async fn an_axis_that_shares_a_packet_stays_within_its_limits_before_it_was_told_to_move() {
    let mut hardware = hardware(AXES, (20, 80));
    hardware.start();
    go(&hardware, 0, 50, 100);
    assert_eq!(hardware.taken().await, [0, 0, 50, 20]);
}

#[tokio::test(start_paused = true)]
async fn a_move_begins_where_the_hardware_said_that_it_stands() {
    let told = AXES.replace("[[match]]", "start_position = '30 + 40 * i'\n[[match]]");
    let mut hardware = hardware(&told, (0, 100));
    hardware.start();
    go(&hardware, 0, 50, 100);
    assert_eq!(hardware.taken().await, [0, 30, 50, 70]);
    go(&hardware, 1, 10, 100);
    assert_eq!(hardware.taken().await, [1, 70, 50, 10]);
    // A position beyond what the hardware can have is the nearest that it can; one without a value is not known.
    for (source, from) in [("1000", 100), ("-5", 0), ("12.6", 13), ("1 / 0", 0)] {
        let told = AXES.replace("[[match]]", &format!("start_position = '{source}'\n[[match]]"));
        let mut hardware = self::hardware(&told, (0, 100));
        hardware.start();
        go(&hardware, 0, 50, 100);
        assert_eq!(hardware.taken().await, [0, from, 50, from], "{source}");
    }
}
