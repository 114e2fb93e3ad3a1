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
    },
    /// Stop outputs, inputs or both.
    Stop(StopScope),
    /// Say this back.
    Echo(String),
    /// Something that this server has nothing to do for.
    Nothing,
    /// Goodbye.
    Disconnect,
}

/// What the reply to a request must look like. A version's codec makes it when it reads the request, and takes it back
/// when it writes the reply; nobody else looks inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyForm {
    /// Id of the request, or 0.
    pub(super) id: u32,
    /// Name of the request; empty when there was none.
    pub name: &'static str,
    /// The client's own spelling of what it asked for, where there are several.
    pub(super) spelling: Option<&'static str>,
    /// The client's own number of the sensor, in versions that count sensors.
    pub(super) sensor: u32,
}

impl ReplyForm {
    /// The form of what nobody asked for.
    pub const EVENT: Self = Self::new(0, "");

    /// The form for a request of that id and name.
    #[must_use]
    pub const fn new(id: u32, name: &'static str) -> Self {
        Self { id, name, spelling: None, sensor: 0 }
    }

    /// Id of the request, or 0 when there was none.
    #[must_use]
    pub const fn id(self) -> u32 {
        self.id
    }

    /// Answers in this spelling.
    #[must_use]
    pub(super) const fn spelled(self, spelling: &'static str) -> Self {
        Self { spelling: Some(spelling), ..self }
    }

    /// Answers with this number of the sensor.
    #[must_use]
    pub(super) const fn of_sensor(self, sensor: u32) -> Self {
        Self { sensor, ..self }
    }

    /// The form of the events that follow from the request.
    #[must_use]
    pub const fn event(self) -> Self {
        Self { id: 0, ..self }
    }
}

/// What the server says; a [`ReplyForm`] says to what.
#[derive(Debug, Clone)]
pub enum ServerMessage {
    /// Done.
    Ok,
    /// Not done.
    Error(ProtocolError),
    /// Answer to the handshake.
    ServerInfo {
        /// What the server calls itself.
        name: String,
        /// Milliseconds within which the client must ping; 0 when it need not.
        max_ping_ms: u32,
    },
    /// Every device.
    DeviceList(Arc<Descriptions>),
    /// Scanning ended by itself.
    ScanningFinished,
    /// What the client asked to hear.
    Echo(String),
    /// A value that was asked for, or listened to.
    Reading(Reading),
}
