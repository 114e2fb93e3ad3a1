//! Requests and replies as the program thinks of them, whatever the wire version.

use std::sync::Arc;

use super::error::ProtocolError;
use crate::types::{Descriptions, InputAction, InputKind, Output, Reading, StopScope};

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Keep the ping timer from running out.
    Ping,
    /// List the devices.
    DeviceList,
    /// Look for hardware until told to stop.
    StartScanning,
    /// This client needs no more scanning.
    StopScanning,
    /// Set outputs of one device. One message is one entry or more; all are valid or none is taken.
    Output {
        /// Index of the device.
        device: u32,
        /// Feature index and value of each output.
        sets: Vec<(u32, Output)>,
    },
    /// Ask or listen to an input.
    Input {
        /// Index of the device.
        device: u32,
        /// Index of the feature.
        feature: u32,
        /// What to measure.
        kind: InputKind,
        /// Ask once, start or stop listening.
        action: InputAction,
        /// The client wrote `Rssi` where the specification writes `RSSI`; it is answered in its own spelling.
        mixed_case: bool,
    },
    /// Stop outputs, inputs or both.
    Stop(StopScope),
    /// Goodbye.
    Disconnect,
}

/// What the server says. `id` is that of the request, or 0 for an event.
#[derive(Debug, Clone)]
pub enum ServerMessage {
    /// Done.
    Ok {
        /// Id of the request.
        id: u32,
    },
    /// Not done.
    Error {
        /// Id of the request, 0 when it could not be read or nothing was asked.
        id: u32,
        /// What was wrong.
        error: ProtocolError,
    },
    /// Answer to the handshake.
    ServerInfo {
        /// Id of the request.
        id: u32,
        /// What the server calls itself.
        name: String,
        /// Milliseconds within which the client must ping; 0 when it need not.
        max_ping_ms: u32,
    },
    /// Every device.
    DeviceList {
        /// Id of the request.
        id: u32,
        /// The devices.
        devices: Arc<Descriptions>,
    },
    /// Scanning ended by itself.
    ScanningFinished,
    /// A value that was asked for (`id` of the request) or listened to (`id` 0).
    Reading {
        /// Id of the request, or 0.
        id: u32,
        /// The value.
        reading: Reading,
        /// Spell RSSI as `Rssi`, as the client did.
        mixed_case: bool,
    },
}
