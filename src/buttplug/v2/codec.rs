//! Translates the messages of version 2 to the internal model and back.

use std::sync::Arc;

use super::description::Device;
use crate::buttplug::legacy::{commands, commands::Read, common, events, replies, sensors};
use crate::buttplug::{client::ClientState, codec::Codec, frame::Element, request::ReplyForm, request::ServerMessage};
use crate::types::{Descriptions, InputKind};

/// Messages that a client of this version may send, for error texts.
const ALLOWED: &str = "RequestServerInfo, Ping, RequestDeviceList, StartScanning, StopScanning, StopAllDevices, \
                       StopDeviceCmd, VibrateCmd, LinearCmd, RotateCmd, BatteryLevelCmd, RSSILevelCmd, RequestLog";

/// Protocol version 2.
#[derive(Debug, Clone, Copy)]
pub struct V2;

impl Codec for V2 {
    fn version(&self) -> u32 {
        2
    }

    fn read(&self, element: Element, client: &mut ClientState, now: &Descriptions) -> Read {
        match element.name.as_str() {
            "VibrateCmd" => commands::vibrate(element, client, now),
            "LinearCmd" => commands::linear(element, client, now),
            "RotateCmd" => commands::rotate(element, client, now),
            "BatteryLevelCmd" => sensors::read_first("BatteryLevelCmd", InputKind::Battery, element, client, now),
            "RSSILevelCmd" => sensors::read_first("RSSILevelCmd", InputKind::Rssi, element, client, now),
            "RequestLog" => common::request_log(element),
            _ => common::read(2, ALLOWED, element),
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
