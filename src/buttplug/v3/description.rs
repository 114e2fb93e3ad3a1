//! Devices as version 3 describes them.

use serde::Serialize;

use crate::buttplug::legacy::{replies::DeviceShape, table::Actuator, table::DeviceTable, table::Sensor};
use crate::types::{Description, OutputKind};

/// One device.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Device {
    device_index: u32,
    device_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_display_name: Option<String>,
    device_message_timing_gap: u32,
    device_messages: DeviceMessages,
}

/// What may be sent to it. An empty list is left out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct DeviceMessages {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scalar_cmd: Vec<OutputFeature>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rotate_cmd: Vec<OutputFeature>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    linear_cmd: Vec<OutputFeature>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sensor_read_cmd: Vec<InputFeature>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sensor_subscribe_cmd: Vec<InputFeature>,
    stop_device_cmd: Nothing,
}

#[derive(Debug, Serialize)]
struct Nothing {}

/// One output.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct OutputFeature {
    feature_descriptor: String,
    step_count: i32,
    actuator_type: &'static str,
}

/// One input.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct InputFeature {
    feature_descriptor: String,
    sensor_type: &'static str,
    sensor_range: Vec<(i32, i32)>,
}

impl DeviceShape for Device {
    const VERSION: u32 = 3;

    fn describe(device: &Description) -> Self {
        let table = DeviceTable::of(device);
        let outputs = |list: &[Actuator]| list.iter().map(output).collect();
        let inputs = |list: &[Sensor]| list.iter().map(input).collect();
        Self {
            device_index: device.index,
            device_name: device.name.clone(),
            device_display_name: device.display_name.clone(),
            device_message_timing_gap: device.gap_ms,
            device_messages: DeviceMessages {
                scalar_cmd: outputs(&table.scalars),
                rotate_cmd: outputs(&table.rotators),
                linear_cmd: outputs(&table.axes),
                sensor_read_cmd: inputs(&table.readable),
                sensor_subscribe_cmd: inputs(&table.subscribable),
                stop_device_cmd: Nothing {},
            },
        }
    }
}

fn output(actuator: &Actuator) -> OutputFeature {
    let actuator_type = match actuator.kind {
        OutputKind::HwPositionWithDuration => OutputKind::Position.name(),
        kind => kind.name(),
    };
    OutputFeature { feature_descriptor: actuator.label.clone(), step_count: actuator.steps, actuator_type }
}

fn input(sensor: &Sensor) -> InputFeature {
    InputFeature {
        feature_descriptor: sensor.label.clone(),
        sensor_type: sensor.kind.name(),
        sensor_range: sensor.ranges.clone(),
    }
}
