//! Translates the messages of version 3 to the internal model and back.

use std::sync::Arc;

use super::description::Device;
use crate::buttplug::legacy::{commands, commands::Read, common, events, replies, sensors};
use crate::buttplug::{client::ClientState, codec::Codec, frame::Element, request::ReplyForm, request::ServerMessage};
use crate::types::{Descriptions, InputAction};

/// Messages that a client of this version may send, for error texts.
const ALLOWED: &str = "RequestServerInfo, Ping, RequestDeviceList, StartScanning, StopScanning, StopAllDevices, \
                       StopDeviceCmd, ScalarCmd, LinearCmd, RotateCmd, VibrateCmd, SensorReadCmd, SensorSubscribeCmd, \
                       SensorUnsubscribeCmd";

/// Protocol version 3.
#[derive(Debug, Clone, Copy)]
pub struct V3;

impl Codec for V3 {
    fn version(&self) -> u32 {
        3
    }

    fn read(&self, element: Element, client: &mut ClientState, now: &Descriptions) -> Read {
        match element.name.as_str() {
            "ScalarCmd" => commands::scalar(element, client, now),
            "LinearCmd" => commands::linear(element, client, now),
            "RotateCmd" => commands::rotate(element, client, now),
            // Not in the specification of this version; the reference takes it (facts: messages.md 2.1).
            "VibrateCmd" => commands::vibrate(element, client, now),
            "SensorReadCmd" => sensors::sensor("SensorReadCmd", InputAction::Read, element, client, now),
            "SensorSubscribeCmd" => sensors::sensor("SensorSubscribeCmd", InputAction::Subscribe, element, client, now),
            "SensorUnsubscribeCmd" => {
                sensors::sensor("SensorUnsubscribeCmd", InputAction::Unsubscribe, element, client, now)
            }
            _ => common::read(3, ALLOWED, element),
        }
    }

    fn write(&self, form: &ReplyForm, message: &ServerMessage) -> Option<String> {
        replies::write::<Device>(form, message)
    }

    fn knows_devices_at_handshake(&self) -> bool {
        false
    }

    fn devices_changed(&self, before: &Descriptions, after: &Arc<Descriptions>) -> Vec<String> {
        events::changed::<Device>(before, after)
    }

    fn before_list(&self, before: &Descriptions, after: &Arc<Descriptions>) -> Vec<String> {
        events::removed::<Device>(before, after)
    }
}
