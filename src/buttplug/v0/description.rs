//! Devices as version 0 describes them.

use serde::Serialize;

use crate::buttplug::legacy::{replies::DeviceShape, table::DeviceTable};
use crate::types::Description;

/// One device.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Device {
    device_index: u32,
    device_name: String,
    /// Names of the commands that it takes.
    device_messages: Vec<&'static str>,
}

impl DeviceShape for Device {
    const VERSION: u32 = 0;

    fn describe(device: &Description) -> Self {
        let table = DeviceTable::of(device);
        let vibrates = (!table.vibrators.is_empty()).then_some("SingleMotorVibrateCmd");
        Self {
            device_index: device.index,
            device_name: device.name.clone(),
            device_messages: vibrates.into_iter().chain(["StopDeviceCmd"]).collect(),
        }
    }
}
