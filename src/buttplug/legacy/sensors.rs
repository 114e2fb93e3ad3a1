//! Commands that ask inputs or listen to them, translated to requests.

use super::commands::Read;
use super::messages::{DeviceCmd, SensorCmd, fields};
use super::resolve;
use super::table::Sensor;
use crate::buttplug::{
    client::ClientState, error::ProtocolError, frame::Element, request::ReplyForm, request::Request,
};
use crate::types::{Descriptions, InputAction, InputKind};

/// Asks the first input of a kind: BatteryLevelCmd, RSSILevelCmd.
pub fn read_first(
    name: &'static str,
    kind: InputKind,
    element: Element,
    client: &ClientState,
    now: &Descriptions,
) -> Read {
    let form = ReplyForm::new(element.id, name);
    let DeviceCmd { device_index } = fields(name, element)?;
    let device = device_index.0;
    let table = resolve::device(device, client, now)?;
    let Some(sensor) = table.readable(kind) else {
        return Err(ProtocolError::NoSensor { message: name, device, kind, known: names(&table.readable) });
    };
    Ok((Request::Input { device, feature: sensor.feature, kind, action: InputAction::Read }, form))
}

/// SensorReadCmd, SensorSubscribeCmd and SensorUnsubscribeCmd. The reference ignores the index, so clients may send any
/// (facts: devices.md section 7): where the index is none of that type, the first of the type is meant.
pub fn sensor(
    name: &'static str,
    action: InputAction,
    element: Element,
    client: &ClientState,
    now: &Descriptions,
) -> Read {
    let id = element.id;
    let cmd: SensorCmd = fields(name, element)?;
    let (kind, spelling) = sensor_type(name, &cmd.sensor_type)?;
    let device = cmd.device_index.0;
    let table = resolve::device(device, client, now)?;
    let list = if action == InputAction::Read { &table.readable } else { &table.subscribable };
    let at = usize::try_from(cmd.sensor_index.0).ok().and_then(|index| list.get(index));
    let named = at.filter(|sensor| sensor.kind == kind);
    let Some(sensor) = named.or_else(|| list.iter().find(|sensor| sensor.kind == kind)) else {
        return Err(ProtocolError::NoSensor { message: name, device, kind, known: names(list) });
    };
    let form = ReplyForm::new(id, name).spelled(spelling).of_sensor(cmd.sensor_index.0);
    Ok((Request::Input { device, feature: sensor.feature, kind, action }, form))
}

fn sensor_type(message: &'static str, name: &str) -> Result<(InputKind, &'static str), ProtocolError> {
    // Servers of that time wrote both.
    let mixed = ("Rssi", InputKind::Rssi);
    let all = InputKind::ALL.into_iter().map(|kind| (kind.name(), kind)).chain([mixed]);
    let found = all.into_iter().find(|(known, _)| *known == name).map(|(known, kind)| (kind, known));
    found.ok_or_else(|| {
        let why = format!("SensorType {name:?} is not one of Battery, RSSI, Pressure, Button");
        ProtocolError::BadFields { message, why }
    })
}

fn names(sensors: &[Sensor]) -> String {
    let names: Vec<_> = sensors.iter().map(|sensor| sensor.kind.name()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
