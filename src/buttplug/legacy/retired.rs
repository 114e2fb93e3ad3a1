//! Commands of versions 0 and 1 for single products, and raw commands.

use std::time::Duration;

use super::commands::{Read, level, timed_move};
use super::messages::{FleshlightLaunchFW12Cmd, VorzeA10CycloneCmd, fields};
use super::resolve;
use crate::buttplug::{
    client::ClientState, error::ProtocolError, frame::Element, request::ReplyForm, request::Request,
};
use crate::types::{Descriptions, Fraction};

/// No move of a Launch command is shorter: rapid reversals damage such devices.
const SHORTEST_MOVE: Duration = Duration::from_millis(150);

/// Every two-way rotator of the device to `Speed` percent (facts: devices.md section 7).
pub fn vorze(element: Element, client: &ClientState, now: &Descriptions) -> Read {
    const NAME: &str = "VorzeA10CycloneCmd";
    let form = ReplyForm::new(element.id, NAME);
    let cmd: VorzeA10CycloneCmd = fields(NAME, element)?;
    let speed = part(NAME, "Speed", cmd.speed.0, 100)?;
    let device = cmd.device_index.0;
    let table = resolve::device(device, client, now)?;
    if table.rotators.is_empty() {
        return Err(ProtocolError::NoActuator { message: NAME, device, what: "two-way rotator" });
    }
    let direction = if cmd.clockwise { 1 } else { -1 };
    let sets = table.rotators.iter().map(|rotator| level(rotator, speed, direction)).collect();
    Ok((Request::Output { device, sets }, form))
}

/// The first axis to `Position` of 99, as fast as a Launch at `Speed` of 99 would go there.
pub fn fleshlight_launch(element: Element, client: &mut ClientState, now: &Descriptions) -> Read {
    const NAME: &str = "FleshlightLaunchFW12Cmd";
    let form = ReplyForm::new(element.id, NAME);
    let cmd: FleshlightLaunchFW12Cmd = fields(NAME, element)?;
    let target = part(NAME, "Position", cmd.position.0, 99)?;
    let speed = part(NAME, "Speed", cmd.speed.0, 99)?;
    let device = cmd.device_index.0;
    let table = resolve::device(device, client, now)?;
    let Some(axis) = table.axes.first() else {
        return Err(ProtocolError::NoActuator { message: NAME, device, what: "axis that makes timed moves" });
    };
    // Where the axis stands is not known before the first move; the farther end makes that one slow enough.
    let target_at = target.value();
    let distance = client.target(device).map_or(target_at.max(1.0 - target_at), |last| (target_at - last).abs());
    client.set_target(device, target_at);
    let duration_ms = u32::try_from(launch_time(distance, speed.value()).as_millis()).unwrap_or(u32::MAX);
    Ok((Request::Output { device, sets: vec![timed_move(axis, target, duration_ms)] }, form))
}

/// How long a Launch takes for a part of its travel at a part of its speed. The formula is the one that the community has
/// measured (facts: devices.md section 7); the slowest speed stands for 0, at which it would take for ever.
fn launch_time(distance: f64, speed: f64) -> Duration {
    let slowest = 1.0 / 99.0;
    let milliseconds = (speed.max(slowest) / 250.0).powf(-0.95) / 90.0 * 100.0 * distance;
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or(Duration::MAX).max(SHORTEST_MOVE)
}

fn part(message: &'static str, field: &str, value: u32, greatest: u32) -> Result<Fraction, ProtocolError> {
    let part = Fraction::new(f64::from(value) / f64::from(greatest)).filter(|_| value <= greatest);
    part.ok_or_else(|| {
        let why = format!("{field}: invalid value: integer `{value}`, expected an integer from 0 to {greatest}");
        ProtocolError::BadFields { message, why }
    })
}

/// The error for a command that this server refuses whatever its fields say; `None` for every other name.
pub fn refusal(name: &str, version: u32) -> Option<ProtocolError> {
    let raw: &[&'static str] = match version {
        0 | 1 => &["RawCmd"],
        _ => &["RawWriteCmd", "RawReadCmd", "RawSubscribeCmd", "RawUnsubscribeCmd"],
    };
    let of_products: &[&'static str] = if version < 2 { &["KiirooCmd", "LovenseCmd"] } else { &[] };
    let find = |names: &[&'static str]| names.iter().copied().find(|known| *known == name);
    let raw = find(raw).map(|message| ProtocolError::RawRefused { message });
    raw.or_else(|| find(of_products).map(|message| ProtocolError::ProductCommand { message }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launch_takes_as_long_as_it_was_measured_to() {
        let whole = |speed| launch_time(1.0, speed).as_millis();
        assert_eq!(whole(1.0), 210);
        assert_eq!(whole(0.5), 407);
        assert_eq!((launch_time(0.5, 0.5).as_millis(), launch_time(0.01, 1.0)), (203, SHORTEST_MOVE));
        assert_eq!(whole(0.0), whole(1.0 / 99.0));
        assert!(whole(0.0) < 20_000);
    }
}
