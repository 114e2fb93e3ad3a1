//! What the server says to clients of versions 0 to 3; a version gives its own shape of a device.

use serde::Serialize;

use crate::buttplug::{request::ReplyForm, request::ServerMessage};
use crate::types::{Description, InputKind, Reading};

/// How a version describes a device.
pub trait DeviceShape: Serialize {
    /// The number of the version.
    const VERSION: u32;

    /// Describes a device.
    fn describe(device: &Description) -> Self;
}

/// A message of the server, by name.
#[derive(Debug, Serialize)]
#[serde(rename_all_fields = "PascalCase")]
pub(super) enum Wire<'a, D> {
    Ok {
        id: u32,
    },
    Error {
        id: u32,
        error_message: String,
        error_code: u32,
    },
    ServerInfo {
        id: u32,
        server_name: &'a str,
        max_ping_time: u32,
        message_version: u32,
        #[serde(flatten)]
        build: Option<Build>,
    },
    DeviceList {
        id: u32,
        devices: Vec<D>,
    },
    DeviceAdded {
        id: u32,
        #[serde(flatten)]
        device: D,
    },
    DeviceRemoved {
        id: u32,
        device_index: u32,
    },
    ScanningFinished {
        id: u32,
    },
    Test {
        id: u32,
        test_string: &'a str,
    },
    BatteryLevelReading {
        id: u32,
        device_index: u32,
        battery_level: f64,
    },
    #[serde(rename = "RSSILevelReading")]
    RssiLevelReading {
        id: u32,
        device_index: u32,
        #[serde(rename = "RSSILevel")]
        rssi_level: i32,
    },
    SensorReading {
        id: u32,
        device_index: u32,
        sensor_index: u32,
        sensor_type: &'static str,
        data: [i32; 1],
    },
}

/// What versions 0 and 1 are told of the server's own version. The reference sends zeros, and so does this server.
#[derive(Debug, Serialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Build {
    major_version: u32,
    minor_version: u32,
    build_version: u32,
}

impl<D: Serialize> Wire<'_, D> {
    pub(super) fn frame(&self) -> Option<String> {
        serde_json::to_string(&[self]).ok()
    }
}

/// The frame for one message; `None` when the version has no word for it.
pub fn write<D: DeviceShape>(form: &ReplyForm, message: &ServerMessage) -> Option<String> {
    let id = form.id;
    let wire: Wire<'_, D> = match message {
        ServerMessage::Ok => Wire::Ok { id },
        ServerMessage::Error(error) => {
            Wire::Error { id, error_message: error.to_string(), error_code: error.code() as u32 }
        }
        ServerMessage::ServerInfo { name, max_ping_ms } => Wire::ServerInfo {
            id,
            server_name: name,
            max_ping_time: *max_ping_ms,
            message_version: D::VERSION,
            build: (D::VERSION < 2).then(Build::default),
        },
        ServerMessage::DeviceList(devices) => {
            Wire::DeviceList { id, devices: devices.values().map(|device| D::describe(device)).collect() }
        }
        ServerMessage::ScanningFinished => Wire::ScanningFinished { id },
        ServerMessage::Echo(text) => Wire::Test { id, test_string: text },
        ServerMessage::Reading(reading) => self::reading(form, reading)?,
    };
    wire.frame()
}

fn reading<D>(form: &ReplyForm, reading: &Reading) -> Option<Wire<'static, D>> {
    let (id, device_index) = (form.id, reading.device);
    Some(match (form.name, reading.kind) {
        ("BatteryLevelCmd", InputKind::Battery) => {
            let battery_level = f64::from(reading.value.clamp(0, 100)) / 100.0;
            Wire::BatteryLevelReading { id, device_index, battery_level }
        }
        ("RSSILevelCmd", InputKind::Rssi) => Wire::RssiLevelReading { id, device_index, rssi_level: reading.value },
        ("SensorReadCmd" | "SensorSubscribeCmd", kind) => {
            let sensor_type = form.spelling.unwrap_or(kind.name());
            Wire::SensorReading { id, device_index, sensor_index: form.sensor, sensor_type, data: [reading.value] }
        }
        _ => return None,
    })
}
