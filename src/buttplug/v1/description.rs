//! Devices as version 1 describes them.

use serde::Serialize;

use crate::buttplug::legacy::{replies::DeviceShape, table::Actuator, table::DeviceTable};
use crate::types::Description;

/// One device.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Device {
    device_index: u32,
    device_name: String,
    device_messages: DeviceMessages,
}

/// What may be sent to it. What it lacks is left out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct DeviceMessages {
    #[serde(skip_serializing_if = "Option::is_none")]
    vibrate_cmd: Option<Counted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotate_cmd: Option<Counted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    linear_cmd: Option<Counted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    single_motor_vibrate_cmd: Option<Nothing>,
    stop_device_cmd: Nothing,
}

#[derive(Debug, Serialize)]
struct Nothing {}

/// How many features a command addresses.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Counted {
    feature_count: usize,
}

impl DeviceShape for Device {
    const VERSION: u32 = 1;

    fn describe(device: &Description) -> Self {
        let table = DeviceTable::of(device);
        Self {
            device_index: device.index,
            device_name: device.name.clone(),
            device_messages: DeviceMessages {
                vibrate_cmd: counted(&table.vibrators),
                rotate_cmd: counted(&table.rotators),
                linear_cmd: counted(&table.axes),
                single_motor_vibrate_cmd: (!table.vibrators.is_empty()).then_some(Nothing {}),
                stop_device_cmd: Nothing {},
            },
        }
    }
}

fn counted(list: &[Actuator]) -> Option<Counted> {
    (!list.is_empty()).then_some(Counted { feature_count: list.len() })
}
