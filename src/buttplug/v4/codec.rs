//! Translates the messages of version 4 to the internal model and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::description;
use super::messages::{self as wire, InputCmd, OnlyId, OutputCmd, StopCmd};
use crate::buttplug::{
    client::ClientState, codec::Codec, codec::fields, error::ProtocolError, frame::Element, number::Rounded,
    number::Whole, request::ReplyForm, request::Request, request::ServerMessage,
};
use crate::types::{
    Descriptions, InputAction, InputKind, Output, OutputKind, StopScope, description::replaced as replaced_devices,
};

/// Messages that a client of this version may send, for error texts.
const ALLOWED: &str = "RequestServerInfo, Ping, RequestDeviceList, StartScanning, StopScanning, OutputCmd, InputCmd, \
                       StopCmd, Disconnect";
/// The reference server and the Rust client write `Rssi`, the specification `RSSI` (facts: messages.md 3).
const MIXED_CASE_RSSI: &str = "Rssi";

/// Protocol version 4.
#[derive(Debug, Clone, Copy)]
pub struct V4;

impl Codec for V4 {
    fn version(&self) -> u32 {
        4
    }

    fn read(
        &self,
        element: Element,
        _: &mut ClientState,
        _: &Descriptions,
    ) -> Result<(Request, ReplyForm), ProtocolError> {
        let Element { name, id, body } = element;
        let only_id = |name: &'static str, body, request| {
            fields::<OnlyId>(name, body).map(|_| (request, ReplyForm::new(id, name)))
        };
        match name.as_str() {
            "Ping" => only_id("Ping", body, Request::Ping),
            "RequestDeviceList" => only_id("RequestDeviceList", body, Request::DeviceList),
            "StartScanning" => only_id("StartScanning", body, Request::StartScanning),
            "StopScanning" => only_id("StopScanning", body, Request::StopScanning),
            "Disconnect" => only_id("Disconnect", body, Request::Disconnect),
            "OutputCmd" => Ok((output(fields("OutputCmd", body)?)?, ReplyForm::new(id, "OutputCmd"))),
            "InputCmd" => {
                let cmd: InputCmd = fields("InputCmd", body)?;
                let form = ReplyForm::new(id, "InputCmd");
                Ok((input(&cmd)?, if cmd.r#type == MIXED_CASE_RSSI { form.spelled(MIXED_CASE_RSSI) } else { form }))
            }
            "StopCmd" => Ok((stop(&fields("StopCmd", body)?)?, ReplyForm::new(id, "StopCmd"))),
            _ => Err(ProtocolError::UnknownMessage { name, version: 4, allowed: ALLOWED.to_owned() }),
        }
    }

    fn write(&self, form: &ReplyForm, message: &ServerMessage) -> Option<String> {
        let id = Whole(form.id);
        let message = match message {
            ServerMessage::Ok => wire::ServerMessage::Ok(OnlyId { id }),
            ServerMessage::Error(error) => wire::ServerMessage::Error(wire::ErrorMessage {
                id,
                error_code: Whole(error.code() as u32),
                error_message: error.to_string(),
            }),
            ServerMessage::ServerInfo { name, max_ping_ms } => wire::ServerMessage::ServerInfo(wire::ServerInfo {
                id,
                server_name: name.clone(),
                max_ping_time: Whole(*max_ping_ms),
                protocol_version_major: Whole(4),
                protocol_version_minor: Whole(0),
            }),
            ServerMessage::DeviceList(devices) => {
                wire::ServerMessage::DeviceList(wire::DeviceList { id, devices: description::devices(devices) })
            }
            // No request of this version asks for it.
            ServerMessage::Echo(_) => return None,
            ServerMessage::ScanningFinished => wire::ServerMessage::ScanningFinished(OnlyId { id }),
            ServerMessage::Reading(reading) => {
                let kind = form.spelling.unwrap_or(reading.kind.name()).to_owned();
                wire::ServerMessage::InputReading(wire::InputReading {
                    id,
                    device_index: Whole(reading.device),
                    feature_index: Whole(reading.feature),
                    reading: BTreeMap::from([(kind, wire::InputValue { value: Rounded(reading.value) })]),
                })
            }
        };
        serde_json::to_string(&[message]).ok()
    }

    fn knows_devices_at_handshake(&self) -> bool {
        true
    }

    fn before_list(&self, before: &Descriptions, after: &Arc<Descriptions>) -> Vec<String> {
        // Unless an index means another device now, the list alone says everything.
        if replaced_devices(before, after).is_empty() { Vec::new() } else { self.devices_changed(before, after) }
    }

    fn devices_changed(&self, before: &Descriptions, after: &Arc<Descriptions>) -> Vec<String> {
        let list = |devices| self.write(&ReplyForm::EVENT, &ServerMessage::DeviceList(devices));
        let replaced = replaced_devices(before, after);
        // Clients compare lists by index, so another device at the same index has to be missing once.
        let without = (!replaced.is_empty()).then(|| {
            let left = after.iter().filter(|(index, _)| !replaced.contains(index));
            Arc::new(left.map(|(index, device)| (*index, Arc::clone(device))).collect())
        });
        without.into_iter().chain([Arc::clone(after)]).filter_map(list).collect()
    }
}

fn bad(message: &'static str, why: String) -> ProtocolError {
    ProtocolError::BadFields { message, why }
}

fn output(cmd: OutputCmd) -> Result<Request, ProtocolError> {
    const NAME: &str = "OutputCmd";
    let kinds = cmd.command.len();
    let mut entries = cmd.command.into_iter();
    let (Some((name, payload)), None) = (entries.next(), entries.next()) else {
        return Err(bad(NAME, format!("Command must have exactly one key, an output type; got {kinds}")));
    };
    let Some(kind) = OutputKind::from_name(&name) else {
        let known: Vec<_> = OutputKind::ALL.iter().map(|kind| kind.name()).collect();
        return Err(bad(NAME, format!("Command has no output type {name:?}; allowed: {}", known.join(", "))));
    };
    let duration_ms = match (kind, payload.duration) {
        (OutputKind::HwPositionWithDuration, None) => {
            return Err(bad(NAME, "HwPositionWithDuration needs a Duration in milliseconds".to_owned()));
        }
        (OutputKind::HwPositionWithDuration, Some(Rounded(duration))) => duration,
        _ => 0,
    };
    let output = Output { kind, value: payload.value.0, duration_ms };
    Ok(Request::Output { device: cmd.device_index.0, sets: vec![(cmd.feature_index.0, output)] })
}

fn input(cmd: &InputCmd) -> Result<Request, ProtocolError> {
    const NAME: &str = "InputCmd";
    let kind = InputKind::ALL.into_iter().find(|kind| kind.name() == cmd.r#type);
    let Some(kind) = kind.or((cmd.r#type == MIXED_CASE_RSSI).then_some(InputKind::Rssi)) else {
        let why = format!("Type {:?} is not one of Battery, RSSI, Pressure, Button", cmd.r#type);
        return Err(bad(NAME, why));
    };
    let action = match cmd.command.as_str() {
        "Read" | "read" => InputAction::Read,
        "Subscribe" | "subscribe" => InputAction::Subscribe,
        "Unsubscribe" | "unsubscribe" => InputAction::Unsubscribe,
        other => {
            return Err(bad(NAME, format!("Command {other:?} is not one of Read, Subscribe, Unsubscribe")));
        }
    };
    Ok(Request::Input { device: cmd.device_index.0, feature: cmd.feature_index.0, kind, action })
}

fn stop(cmd: &StopCmd) -> Result<Request, ProtocolError> {
    let (device, feature) = (cmd.device_index.map(|index| index.0), cmd.feature_index.map(|index| index.0));
    if let (None, Some(feature)) = (device, feature) {
        return Err(ProtocolError::FeatureWithoutDevice { feature });
    }
    Ok(Request::Stop(StopScope { device, feature, inputs: cmd.inputs, outputs: cmd.outputs }))
}
