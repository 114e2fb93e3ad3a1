//! Devices as version 4 describes them.

use std::collections::BTreeMap;

use super::messages::{Device, Feature, FeatureInput, FeatureOutput};
use crate::buttplug::number::Whole;
use crate::types::{Description, Descriptions, FeatureDescription, InputDescription, OutputDescription};

/// Describes every device.
pub(super) fn devices(devices: &Descriptions) -> BTreeMap<u32, Device> {
    devices.iter().map(|(index, device)| (*index, describe(device))).collect()
}

fn describe(device: &Description) -> Device {
    Device {
        device_index: Whole(device.index),
        device_name: device.name.clone(),
        device_display_name: device.display_name.clone(),
        device_message_timing_gap: Whole(device.gap_ms),
        device_features: device.features.iter().map(|feature| (feature.index, describe_feature(feature))).collect(),
    }
}

/// Describes one feature.
#[must_use]
pub fn describe_feature(feature: &FeatureDescription) -> Feature {
    Feature {
        feature_index: Whole(feature.index),
        feature_description: feature.label.clone(),
        output: feature.outputs.iter().map(describe_output).collect(),
        input: feature.inputs.iter().map(describe_input).collect(),
    }
}

fn describe_output(output: &OutputDescription) -> (String, FeatureOutput) {
    let (value, duration) = (whole(output.value), output.duration_ms.map(whole));
    (output.kind.name().to_owned(), FeatureOutput { value, duration })
}

fn describe_input(input: &InputDescription) -> (String, FeatureInput) {
    let commands = [(input.read, "Read"), (input.subscribe, "Subscribe")];
    let command = commands.into_iter().filter(|(has, _)| *has).map(|(_, name)| name.to_owned()).collect();
    let value = input.ranges.iter().copied().map(whole).collect();
    (input.kind.name().to_owned(), FeatureInput { value, command })
}

fn whole<T>((least, greatest): (T, T)) -> (Whole<T>, Whole<T>) {
    (Whole(least), Whole(greatest))
}
