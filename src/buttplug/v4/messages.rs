//! The messages of version 4 as they stand on the wire, to be read and written by servers and clients alike.
//!
//! A server refuses fields that it does not know in a client's message; a client ignores those that it does not know in
//! a server's message, so that a newer server may say more.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::buttplug::{handshake::RequestServerInfo, number::Rounded, number::Whole};

/// What a client sends, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the protocol's own names; their meaning is in `request`")]
pub enum ClientMessage {
    RequestServerInfo(RequestServerInfo),
    Ping(OnlyId),
    RequestDeviceList(OnlyId),
    StartScanning(OnlyId),
    StopScanning(OnlyId),
    OutputCmd(OutputCmd),
    InputCmd(InputCmd),
    StopCmd(StopCmd),
    Disconnect(OnlyId),
}

/// What a server sends, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the protocol's own names; their meaning is in `request`")]
pub enum ServerMessage {
    Ok(OnlyId),
    Error(ErrorMessage),
    ServerInfo(ServerInfo),
    DeviceList(DeviceList),
    ScanningFinished(OnlyId),
    InputReading(InputReading),
}

/// A message that carries nothing but its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct OnlyId {
    /// Id of the request, or 0 for an event.
    pub id: Whole<u32>,
}

/// Sets one output of one feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct OutputCmd {
    /// Id of the request.
    pub id: Whole<u32>,
    /// Index of the device.
    pub device_index: Whole<u32>,
    /// Index of the feature.
    pub feature_index: Whole<u32>,
    /// The value by the name of the output type; exactly one entry.
    pub command: BTreeMap<String, OutputValue>,
}

/// The value of an output. Unknown fields are ignored in here, as the reference server does (facts: messages.md 1.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OutputValue {
    /// In steps of the output.
    pub value: Rounded<i32>,
    /// Milliseconds; for timed moves alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Rounded<u32>>,
}

/// Reads an input, or starts or ends a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct InputCmd {
    /// Id of the request.
    pub id: Whole<u32>,
    /// Index of the device.
    pub device_index: Whole<u32>,
    /// Index of the feature.
    pub feature_index: Whole<u32>,
    /// Name of the input type.
    pub r#type: String,
    /// `Read`, `Subscribe` or `Unsubscribe`.
    pub command: String,
}

/// Stops everything, a device or a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct StopCmd {
    /// Id of the request.
    pub id: Whole<u32>,
    /// Index of the device; every device without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_index: Option<Whole<u32>>,
    /// Index of the feature; every feature without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature_index: Option<Whole<u32>>,
    /// End subscriptions.
    #[serde(default = "yes")]
    pub inputs: bool,
    /// Set outputs to 0.
    #[serde(default = "yes")]
    pub outputs: bool,
}

fn yes() -> bool {
    true
}

/// A request was refused, or the connection is about to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ErrorMessage {
    /// Id of the request, or 0.
    pub id: Whole<u32>,
    /// 0 to 4, see [`crate::buttplug::ErrorCode`].
    pub error_code: Whole<u32>,
    /// For people.
    pub error_message: String,
}

/// The answer to the handshake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ServerInfo {
    /// Id of the request.
    pub id: Whole<u32>,
    /// What the server calls itself.
    pub server_name: String,
    /// Milliseconds within which a client must ping; 0 when it need not.
    pub max_ping_time: Whole<u32>,
    /// 4.
    pub protocol_version_major: Whole<u32>,
    /// 0.
    pub protocol_version_minor: Whole<u32>,
}

/// Every device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeviceList {
    /// Id of the request, or 0 when devices came or went.
    pub id: Whole<u32>,
    /// Devices by index.
    pub devices: BTreeMap<u32, Device>,
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Device {
    /// Its index.
    pub device_index: Whole<u32>,
    /// The model's name.
    pub device_name: String,
    /// The user's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_display_name: Option<String>,
    /// Smallest time between two commands in milliseconds.
    pub device_message_timing_gap: Whole<u32>,
    /// Features by index.
    pub device_features: BTreeMap<u32, Feature>,
}

/// One feature of a device. An empty `Output` or `Input` is left out: the JavaScript client calls methods on null
/// (facts: messages.md 7.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Feature {
    /// Its index.
    pub feature_index: Whole<u32>,
    /// What it is, for people.
    pub feature_description: String,
    /// Outputs by the name of their type.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub output: BTreeMap<String, FeatureOutput>,
    /// Inputs by the name of their type.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub input: BTreeMap<String, FeatureInput>,
}

/// What an output takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FeatureOutput {
    /// Smallest and greatest value.
    pub value: (Whole<i32>, Whole<i32>),
    /// Shortest and longest duration in milliseconds; for timed moves alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<(Whole<u32>, Whole<u32>)>,
}

/// What an input reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FeatureInput {
    /// Ranges of the value.
    pub value: Vec<(Whole<i32>, Whole<i32>)>,
    /// What may be asked: `Read`, `Subscribe`.
    pub command: Vec<String>,
}

/// A value of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InputReading {
    /// Id of the request, or 0 for a subscription.
    pub id: Whole<u32>,
    /// Index of the device.
    pub device_index: Whole<u32>,
    /// Index of the feature.
    pub feature_index: Whole<u32>,
    /// The value by the name of the input type.
    pub reading: BTreeMap<String, InputValue>,
}

/// The value of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InputValue {
    /// In the unit of its type.
    pub value: Rounded<i32>,
}
