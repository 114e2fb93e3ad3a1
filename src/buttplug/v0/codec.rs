//! Translates the messages of version 0 to the internal model and back.

use std::sync::Arc;

use super::description::Device;
use crate::buttplug::legacy::{commands, commands::Read, common, events, replies, retired};
use crate::buttplug::{client::ClientState, codec::Codec, frame::Element, request::ReplyForm, request::ServerMessage};
use crate::types::Descriptions;

/// Messages that a client of this version may send, for error texts.
const ALLOWED: &str = "RequestServerInfo, Ping, RequestDeviceList, StartScanning, StopScanning, StopAllDevices, \
                       StopDeviceCmd, SingleMotorVibrateCmd, VorzeA10CycloneCmd, FleshlightLaunchFW12Cmd, \
                       RequestLog, Test";

/// Protocol version 0.
#[derive(Debug, Clone, Copy)]
pub struct V0;

impl Codec for V0 {
    fn version(&self) -> u32 {
        0
    }

    fn read(&self, element: Element, client: &mut ClientState, now: &Descriptions) -> Read {
        match element.name.as_str() {
            "SingleMotorVibrateCmd" => commands::single_motor_vibrate(element, client, now),
            "VorzeA10CycloneCmd" => retired::vorze(element, client, now),
            "FleshlightLaunchFW12Cmd" => retired::fleshlight_launch(element, client, now),
            "RequestLog" => common::request_log(element),
            "Test" => common::test(element),
            _ => common::read(0, ALLOWED, element),
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
