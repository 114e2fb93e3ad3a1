//! What a server is doing: `/health` and `/debug/actors` as types. `hapticd health` and the page read the same.
//!
//! A reader of another version sees what it knows: what is missing in the JSON has its default, what is new is ignored.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bus::Bus;
use super::operator::OperatorId;
use super::outputs::OutputKind;

/// The body of `/health`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Health {
    /// `ok`, or `shutting down`.
    pub status: String,
    /// `server.name`.
    pub name: String,
    /// The version of hapticd.
    pub version: String,
    /// Why there is nothing else, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the server is doing; missing when its hub does not answer.
    #[serde(flatten)]
    pub server: Option<ServerStatus>,
}

/// What the hub and everything under it is doing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ServerStatus {
    /// The devices, by index.
    pub devices: Vec<DeviceStatus>,
    /// The devices that went last, the newest first; 20 at most.
    pub gone: Vec<GoneDevice>,
    /// The buses that are switched on.
    pub buses: Vec<BusStatus>,
    /// How many clients are connected.
    pub sessions: usize,
    /// Whether somebody scans.
    pub scanning: bool,
    /// How many operators scan.
    pub scanned_for_by: usize,
    /// How many pieces of hardware are being opened.
    pub opening: usize,
    /// How many definitions are loaded.
    pub definitions: usize,
    /// Whether the server ends.
    pub shutting_down: bool,
    /// Whether outputs are held after an emergency stop.
    pub held: bool,
    /// Why no output is taken, apart from a hold.
    pub outputs_refused: Option<String>,
    /// The file of known devices.
    pub state: StateStatus,
}

/// A device that went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct GoneDevice {
    /// The index that it had.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Why it went, for people.
    pub why: String,
}

/// The file of known devices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct StateStatus {
    /// Where it is, if devices are saved.
    #[cfg_attr(feature = "server", schema(value_type = Option<String>))]
    pub file: Option<PathBuf>,
    /// Where the user's settings of devices are, if anywhere.
    #[cfg_attr(feature = "server", schema(value_type = Option<String>))]
    pub devices_file: Option<PathBuf>,
    /// How many devices the server knows.
    pub known: usize,
    /// What is wrong with it, and what to do.
    pub problems: Vec<String>,
}

/// One bus.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct BusStatus {
    /// Its name in settings and metrics.
    pub bus: String,
    /// Whether its manager runs.
    pub running: bool,
    /// How it is.
    pub state: BusState,
    /// Why it does not work, if so.
    pub error: Option<String>,
    /// Restarts of its manager within the last minute.
    pub restarts: usize,
}

/// How a bus is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum BusState {
    /// It has not found out yet.
    #[default]
    #[serde(rename = "starting")]
    Starting,
    /// It finds hardware.
    #[serde(rename = "working")]
    Working,
    /// It does not; it is tried again.
    #[serde(rename = "not working", other)]
    NotWorking,
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct DeviceStatus {
    /// Its index for clients.
    pub index: u32,
    /// The model's name.
    pub name: String,
    /// The user's own name for it.
    pub display_name: Option<String>,
    /// Where it was found.
    #[cfg_attr(feature = "server", schema(value_type = String))]
    pub bus: Bus,
    /// Its protocol.
    pub protocol: String,
    /// What tells it from others on its bus, without control characters.
    pub address: String,
    /// Whether it can be reached.
    #[cfg_attr(feature = "server", schema(value_type = String))]
    pub state: DeviceState,
    /// What each output should be doing.
    pub outputs: Vec<OutputStatus>,
    /// Outputs that nobody may use, and why.
    pub refused: Vec<String>,
    /// How many subscriptions there are, over all inputs and operators.
    pub subscriptions: usize,
    /// Restarts of its actor within `devices.restart_window_ms`.
    pub restarts: usize,
}

impl Default for DeviceStatus {
    fn default() -> Self {
        Self {
            index: 0,
            name: String::new(),
            display_name: None,
            bus: Bus::Btle,
            protocol: String::new(),
            address: String::new(),
            state: DeviceState::Away,
            outputs: Vec::new(),
            refused: Vec::new(),
            subscriptions: 0,
            restarts: 0,
        }
    }
}

/// Whether a device can be reached; in JSON `connected`, `away` or `gone: ` and the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum DeviceState {
    /// It is connected.
    Connected,
    /// It is lost and may come back.
    Away,
    /// It was given up, for this reason.
    Gone(String),
}

impl From<DeviceState> for String {
    fn from(state: DeviceState) -> Self {
        match state {
            DeviceState::Connected => "connected".to_owned(),
            DeviceState::Away => "away".to_owned(),
            DeviceState::Gone(why) => format!("gone: {why}"),
        }
    }
}

impl From<String> for DeviceState {
    fn from(text: String) -> Self {
        match (text.as_str(), text.strip_prefix("gone: ")) {
            ("connected", _) => Self::Connected,
            (_, Some(why)) => Self::Gone(why.to_owned()),
            _ => Self::Away,
        }
    }
}

/// One output of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct OutputStatus {
    /// Index of the feature.
    pub feature: u32,
    /// Which of its outputs, by its name in definitions.
    #[cfg_attr(feature = "server", schema(value_type = String))]
    #[serde(with = "output_key")]
    pub output: OutputKind,
    /// The newest value in the hardware's steps; nothing after a stop.
    pub wanted: Option<i32>,
    /// What the hardware is known to have.
    pub written: Option<i32>,
    /// The newest value, or where an axis is known to rest, in the steps that clients use.
    #[serde(default)]
    pub value: Option<i32>,
    /// Who set the value.
    pub owner: Option<OperatorId>,
    /// Milliseconds since its owner set the first of its values.
    #[serde(default)]
    pub owned_ms: Option<u64>,
    /// Milliseconds until the value ends by itself, if it does.
    #[serde(default)]
    pub left_ms: Option<u64>,
    /// Who drove the output before its owner, if somebody did.
    #[serde(default)]
    pub replaced: Option<OperatorId>,
    /// Whether a stop waits for its confirmation.
    pub stopping: bool,
}

/// Outputs by their names in definitions.
mod output_key {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::types::outputs::OutputKind;

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub fn serialize<S: Serializer>(kind: &OutputKind, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(kind.key())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OutputKind, D::Error> {
        let key = String::deserialize(deserializer)?;
        OutputKind::from_key(&key).ok_or_else(|| D::Error::custom(format!("there is no output {key:?}")))
    }
}

/// What an actor is doing at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorState {
    /// It has not found out yet whether it can work.
    Starting,
    /// It works.
    Running,
    /// The server ends.
    ShuttingDown,
    /// It does not run; its supervisor starts it again.
    NotRunning,
    /// It has just ended.
    Ended,
    /// It did not answer within so many milliseconds: it is busy or stuck.
    Unresponsive {
        /// The time that it had.
        within_ms: u64,
    },
    /// A session whose client has not shaken hands.
    AwaitingHandshake,
    /// A session whose client has shaken hands, or a device that is connected.
    Connected,
    /// A device that is lost and may come back.
    Away,
}

impl fmt::Display for ActorState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::ShuttingDown => "shutting down",
            Self::NotRunning => "not running",
            Self::Ended => "ended",
            Self::Unresponsive { within_ms } => return write!(f, "does not answer within {within_ms} ms"),
            Self::AwaitingHandshake => "awaiting handshake",
            Self::Connected => "connected",
            Self::Away => "away",
        })
    }
}

impl Serialize for ActorState {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What an actor reports of itself, and what its supervisor knows of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActorStatus {
    /// Which actor it is, such as `device 3`; set by its supervisor.
    pub actor: String,
    /// What it is doing.
    pub state: ActorState,
    /// Which actor in this place, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// How often its supervisor started it again lately.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarts: Option<usize>,
    /// What went wrong last, unless it works again.
    pub last_error: Option<String>,
    /// What is particular to this kind of actor.
    #[serde(flatten)]
    pub details: Map<String, Value>,
    /// The actors that it supervises.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ActorStatus>,
}

impl ActorStatus {
    /// An actor of which only its state is known.
    #[must_use]
    pub fn new(state: ActorState) -> Self {
        Self {
            actor: String::new(),
            state,
            generation: None,
            restarts: None,
            last_error: None,
            details: Map::new(),
            children: Vec::new(),
        }
    }

    /// Adds particulars: the fields of an object. Anything else is left out.
    #[must_use]
    pub fn with(mut self, details: Value) -> Self {
        if let Value::Object(details) = details {
            self.details.extend(details);
        }
        self
    }

    /// Sets what went wrong last.
    #[must_use]
    pub fn with_error(mut self, error: Option<String>) -> Self {
        self.last_error = error;
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_goes_over_the_wire_and_back() {
        let output = OutputStatus {
            feature: 1,
            output: OutputKind::HwPositionWithDuration,
            wanted: Some(3),
            written: None,
            value: Some(2),
            owner: Some(OperatorId(7)),
            owned_ms: Some(20),
            left_ms: None,
            replaced: Some(OperatorId(2)),
            stopping: false,
        };
        let state = DeviceState::Gone("it was let go".to_owned());
        let device =
            DeviceStatus { index: 2, bus: Bus::LovenseDongle, state, outputs: vec![output], ..Default::default() };
        let bus = BusStatus { bus: "hid".to_owned(), state: BusState::NotWorking, ..Default::default() };
        let server = ServerStatus { devices: vec![device], buses: vec![bus], sessions: 1, ..Default::default() };
        let health = Health { status: "ok".to_owned(), server: Some(server), ..Default::default() };
        let text = serde_json::to_value(&health).unwrap();
        let output = json!({
            "feature": 1, "output": "hw_position", "wanted": 3, "written": null, "value": 2, "owner": 7, "owned_ms": 20,
            "left_ms": null, "replaced": 2, "stopping": false,
        });
        assert_eq!(text["devices"][0]["outputs"][0], output);
        assert_eq!(
            (&text["devices"][0]["bus"], &text["devices"][0]["state"]),
            (&json!("lovense_dongle"), &json!("gone: it was let go"))
        );
        assert_eq!(text["buses"][0]["state"], "not working");
        assert!(text.get("error").is_none(), "{text}");
        assert_eq!(serde_json::from_value::<Health>(text).unwrap(), health);
    }

    #[test]
    fn a_server_of_another_version_is_understood_as_far_as_it_goes() {
        let health: Health =
            serde_json::from_value(json!({"version": "9", "new": 1, "buses": [{"bus": "x", "state": "asleep"}]}))
                .unwrap();
        let server = health.server.unwrap();
        assert_eq!((server.buses[0].state, server.sessions, server.state.problems.len()), (BusState::NotWorking, 0, 0));
    }

    #[test]
    fn an_actor_is_one_object() {
        let status = ActorStatus::new(ActorState::Unresponsive { within_ms: 200 }).with(json!({"sockets": 2}));
        let expected = json!({"actor": "", "state": "does not answer within 200 ms", "last_error": null, "sockets": 2});
        assert_eq!(serde_json::to_value(status).unwrap(), expected);
    }
}
