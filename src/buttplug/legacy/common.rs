//! Messages that every one of versions 0 to 3 knows, and the answer to those that none knows.

use super::commands::Read;
use super::messages::{self, DeviceCmd, fields};
use super::retired;
use crate::buttplug::{error::ProtocolError, frame::Element, request::ReplyForm, request::Request};
use crate::types::StopScope;

/// What a client may ask the server to log, the most quiet first.
const LOG_LEVELS: [&str; 7] = ["Off", "Fatal", "Error", "Warn", "Info", "Debug", "Trace"];

/// Reads a message that all of these versions know; `allowed` are the names that this one does, for the error.
pub fn read(version: u32, allowed: &'static str, element: Element) -> Read {
    let id = element.id;
    let plain = |name, request| Ok((request, ReplyForm::new(id, name)));
    match element.name.as_str() {
        "Ping" => plain("Ping", Request::Ping),
        "StartScanning" => plain("StartScanning", Request::StartScanning),
        "StopScanning" => plain("StopScanning", Request::StopScanning),
        "RequestDeviceList" => plain("RequestDeviceList", Request::DeviceList),
        "StopAllDevices" => plain("StopAllDevices", Request::Stop(everything(None))),
        "StopDeviceCmd" => {
            let DeviceCmd { device_index } = fields("StopDeviceCmd", element)?;
            plain("StopDeviceCmd", Request::Stop(everything(Some(device_index.0))))
        }
        name => Err(retired::refusal(name, version).unwrap_or_else(|| ProtocolError::UnknownMessage {
            name: name.to_owned(),
            version,
            allowed: allowed.to_owned(),
        })),
    }
}

fn everything(device: Option<u32>) -> StopScope {
    StopScope { device, feature: None, inputs: true, outputs: true }
}

/// RequestLog. Nothing follows it: what the server logs is about other people's devices, too (facts: sessions.md 11).
pub fn request_log(element: Element) -> Read {
    const NAME: &str = "RequestLog";
    let form = ReplyForm::new(element.id, NAME);
    let messages::RequestLog { log_level } = fields(NAME, element)?;
    if LOG_LEVELS.contains(&log_level.as_str()) {
        return Ok((Request::Nothing, form));
    }
    let why = format!("LogLevel {log_level:?} is not one of {}", LOG_LEVELS.join(", "));
    Err(ProtocolError::BadFields { message: NAME, why })
}

/// Test: the text comes back, unless it asks for an error.
pub fn test(element: Element) -> Read {
    const NAME: &str = "Test";
    let form = ReplyForm::new(element.id, NAME);
    match fields(NAME, element)? {
        messages::Test { test_string } if test_string == "Error" => Err(ProtocolError::ErrorAskedFor),
        messages::Test { test_string } => Ok((Request::Echo(test_string), form)),
    }
}
