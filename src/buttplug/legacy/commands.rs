//! Commands that set outputs, translated to requests. Every part of a message is valid, or none is taken.

use super::messages::{self, LinearCmd, RotateCmd, ScalarCmd, SingleMotorVibrateCmd, VibrateCmd, fields};
use super::resolve;
use super::table::Actuator;
use crate::buttplug::{
    client::ClientState, error::ProtocolError, frame::Element, request::ReplyForm, request::Request,
};
use crate::types::{Descriptions, Fraction, Output, OutputKind};

/// A request and the form of its reply.
pub type Read = Result<(Request, ReplyForm), ProtocolError>;

/// Every vibrator of a device to one level.
pub fn single_motor_vibrate(element: Element, client: &ClientState, now: &Descriptions) -> Read {
    const NAME: &str = "SingleMotorVibrateCmd";
    let form = ReplyForm::new(element.id, NAME);
    let cmd: SingleMotorVibrateCmd = fields(NAME, element)?;
    let device = cmd.device_index.0;
    let table = resolve::device(device, client, now)?;
    if table.vibrators.is_empty() {
        return Err(ProtocolError::NoActuator { message: NAME, device, what: "vibrator" });
    }
    let sets = table.vibrators.iter().map(|vibrator| level(vibrator, cmd.speed, 1)).collect();
    Ok((Request::Output { device, sets }, form))
}

/// Vibrators by their position among the vibrators.
pub fn vibrate(element: Element, client: &ClientState, now: &Descriptions) -> Read {
    const NAME: &str = "VibrateCmd";
    let form = ReplyForm::new(element.id, NAME);
    let cmd: VibrateCmd = fields(NAME, element)?;
    at_least_one(NAME, "Speeds", cmd.speeds.len())?;
    let device = cmd.device_index.0;
    let table = resolve::device(device, client, now)?;
    let sets = cmd.speeds.iter().map(|part| {
        let vibrator = resolve::actuator(NAME, device, &table.vibrators, part.index.0, "vibrator")?;
        Ok(level(vibrator, part.speed, 1))
    });
    Ok((Request::Output { device, sets: sets.collect::<Result<_, ProtocolError>>()? }, form))
}

/// Two-way rotators by their position among them.
pub fn rotate(element: Element, client: &ClientState, now: &Descriptions) -> Read {
    const NAME: &str = "RotateCmd";
    let form = ReplyForm::new(element.id, NAME);
    let cmd: RotateCmd = fields(NAME, element)?;
    at_least_one(NAME, "Rotations", cmd.rotations.len())?;
    let device = cmd.device_index.0;
    let table = resolve::device(device, client, now)?;
    let sets = cmd.rotations.iter().map(|part| {
        let rotator = resolve::actuator(NAME, device, &table.rotators, part.index.0, "two-way rotator")?;
        Ok(level(rotator, part.speed, if part.clockwise { 1 } else { -1 }))
    });
    Ok((Request::Output { device, sets: sets.collect::<Result<_, ProtocolError>>()? }, form))
}

/// Timed moves by the position of their axis among those that make them.
pub fn linear(element: Element, client: &mut ClientState, now: &Descriptions) -> Read {
    const NAME: &str = "LinearCmd";
    const WHAT: &str = "axis that makes timed moves";
    let form = ReplyForm::new(element.id, NAME);
    let cmd: LinearCmd = fields(NAME, element)?;
    let device = cmd.device_index.0;
    let table = resolve::device(device, client, now)?;
    if table.axes.is_empty() {
        return Err(ProtocolError::NoActuator { message: NAME, device, what: WHAT });
    }
    let sets = cmd.vectors.iter().map(|part| {
        let axis = resolve::actuator(NAME, device, &table.axes, part.index.0, WHAT)?;
        Ok(timed_move(axis, part.position, part.duration.0))
    });
    let sets = sets.collect::<Result<_, ProtocolError>>()?;
    if let Some(last) = cmd.vectors.iter().rfind(|part| part.index.0 == 0) {
        client.set_target(device, last.position.value());
    }
    Ok((Request::Output { device, sets }, form))
}

/// Outputs by their position in the list of scalars. The position gives the feature, the message's type the output of it.
pub fn scalar(element: Element, client: &ClientState, now: &Descriptions) -> Read {
    const NAME: &str = "ScalarCmd";
    let form = ReplyForm::new(element.id, NAME);
    let cmd: ScalarCmd = fields(NAME, element)?;
    at_least_one(NAME, "Scalars", cmd.scalars.len())?;
    let kinds: Vec<_> = cmd.scalars.iter().map(actuator_type).collect::<Result<_, _>>()?;
    let device = cmd.device_index.0;
    let table = resolve::device(device, client, now)?;
    let sets = cmd.scalars.iter().zip(kinds).map(|(part, kind)| {
        let index = part.index.0;
        let entry = resolve::actuator(NAME, device, &table.scalars, index, "scalar output")?;
        let of_feature = table.scalars.iter().filter(|actuator| actuator.feature == entry.feature);
        let Some(actuator) = of_feature.clone().find(|actuator| actuator.kind == kind) else {
            let known: Vec<_> = of_feature.map(|actuator| actuator.kind.name()).collect();
            return Err(ProtocolError::ActuatorType { device, index, kind, known: known.join(", ") });
        };
        let value = part.scalar.0;
        let Some(part) = Fraction::new(value) else {
            return Err(ProtocolError::ScalarRange { device, index, kind, value: value.to_string() });
        };
        Ok(match kind {
            OutputKind::Position => {
                (actuator.feature, Output { kind, value: part.position(actuator.steps), duration_ms: 0 })
            }
            _ => level(actuator, part, 1),
        })
    });
    Ok((Request::Output { device, sets: sets.collect::<Result<_, ProtocolError>>()? }, form))
}

fn actuator_type(part: &messages::Scalar) -> Result<OutputKind, ProtocolError> {
    OutputKind::from_name(&part.actuator_type).ok_or_else(|| {
        let kinds = OutputKind::ALL.iter().filter(|kind| **kind != OutputKind::HwPositionWithDuration);
        let known: Vec<_> = kinds.map(|kind| kind.name()).collect();
        let why = format!("ActuatorType {:?} is not one of {}", part.actuator_type, known.join(", "));
        ProtocolError::BadFields { message: "ScalarCmd", why }
    })
}

fn at_least_one(message: &'static str, field: &str, count: usize) -> Result<(), ProtocolError> {
    if count > 0 {
        return Ok(());
    }
    Err(ProtocolError::BadFields { message, why: format!("{field} is empty; it must have at least 1 element") })
}

/// One actuator at a part of its greatest level, in a direction.
pub(super) fn level(actuator: &Actuator, part: Fraction, direction: i32) -> (u32, Output) {
    let value = direction * part.level(actuator.steps);
    (actuator.feature, Output { kind: actuator.kind, value, duration_ms: 0 })
}

/// A timed move. Clients of these versions are not told how long a move may take, so it takes what is nearest.
pub(super) fn timed_move(axis: &Actuator, part: Fraction, duration_ms: u32) -> (u32, Output) {
    let (shortest, longest) = axis.duration_ms.unwrap_or((0, u32::MAX));
    let duration_ms = duration_ms.clamp(shortest, longest.max(shortest));
    (axis.feature, Output { kind: axis.kind, value: part.timed_position(axis.steps), duration_ms })
}
