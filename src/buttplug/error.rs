//! The one table of errors that clients are told: each with its code and its text.

use thiserror::Error;

use crate::types::{CommandError, InputKind, OutputKind};
use crate::words::counted;

/// The five codes of the protocol (facts: sessions.md section 5.1). They are for logs and people, not for
/// automatic recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ErrorCode {
    /// Something inside the server.
    Unknown = 0,
    /// The handshake.
    Handshake = 1,
    /// The ping timer.
    Ping = 2,
    /// A message that could not be understood.
    Message = 3,
    /// A device or what was asked of it.
    Device = 4,
}

/// Whatever may be wrong with a request. The text names the thing, the bad value and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "each variant's text says what it and its fields mean")]
pub enum ProtocolError {
    #[error("{name} came before the handshake; the first message must be RequestServerInfo")]
    HandshakeExpected { name: String },
    #[error("the handshake was already done on this connection; RequestServerInfo may be sent once")]
    HandshakeRepeated,
    #[error(
        "client {client} asks for protocol version {asked}, which is not supported; this server speaks {supported}"
    )]
    VersionUnsupported { client: String, asked: u64, supported: &'static str },
    #[error("RequestServerInfo: {why} (client {client}, protocol version {asked}; this server speaks {supported})")]
    HandshakeFields { client: String, asked: String, why: String, supported: &'static str },
    #[error("no RequestServerInfo came within {limit_ms} ms of connecting")]
    HandshakeTimeout { limit_ms: u128 },
    #[error("the server already has {}, as many as `sessions.max` allows", counted(*limit, "client"))]
    TooManySessions { limit: usize },

    #[error("no Ping came for {limit_ms} ms (the MaxPingTime in ServerInfo); every output of this client was stopped")]
    PingTimeout { limit_ms: u128 },

    #[error("the frame is not valid JSON: {why}")]
    NotJson { why: String },
    #[error("a frame must be a JSON array of messages, not {got}")]
    NotArray { got: &'static str },
    #[error("the array of messages is empty; a frame carries one message or more")]
    EmptyFrame,
    #[error("a message must be an object with exactly one key, its name; got {got}")]
    NotOneKey { got: String },
    #[error("{message}: Id must be an integer from 1 to 4294967295, not {got}")]
    BadId { message: String, got: String },
    #[error("{name} is not a message that a client may send in protocol version {version}; allowed: {allowed}")]
    UnknownMessage { name: String, version: u32, allowed: String },
    #[error("{message}: {why}")]
    BadFields { message: &'static str, why: String },
    #[error("StopCmd: FeatureIndex {feature} needs a DeviceIndex beside it")]
    FeatureWithoutDevice { feature: u32 },
    #[error("binary frames are not understood; send JSON in text frames")]
    BinaryFrame,
    #[error("the frame is larger than the {limit} bytes that `sessions.max_frame_bytes` allows")]
    FrameTooLarge { limit: usize },
    #[error("{limit} requests of this connection are still waiting for a device; wait for their replies")]
    TooManyPending { limit: usize },

    #[error("Test: the text Error asks for an error, and this is it")]
    ErrorAskedFor,
    #[error(
        "{message} is refused: this server sends no raw bytes of clients to devices, because it could neither limit what \
         they do nor stop it"
    )]
    RawRefused { message: &'static str },
    #[error(
        "{message} is refused: no device of this server takes commands of single products; DeviceMessages names those \
         that a device takes"
    )]
    ProductCommand { message: &'static str },

    #[error("{message}: device {device} has no {what}")]
    NoActuator { message: &'static str, device: u32, what: &'static str },
    #[error("{message}: device {device} has no {what} with index {index}; allowed: 0 to {}", count.saturating_sub(1))]
    ActuatorIndex { message: &'static str, device: u32, index: u32, what: &'static str, count: usize },
    #[error("ScalarCmd: the feature at index {index} of device {device} takes no {kind} here; it takes {known}")]
    ActuatorType { device: u32, index: u32, kind: OutputKind, known: String },
    #[error(
        "ScalarCmd: Scalar {value} is out of range for {kind} at index {index} of device {device}; allowed: a number from 0 to 1"
    )]
    ScalarRange { device: u32, index: u32, kind: OutputKind, value: String },
    #[error("{message}: device {device} has no {kind} sensor for this command; it has: {known}")]
    NoSensor { message: &'static str, device: u32, kind: InputKind, known: String },
    #[error(
        "device {device} has changed since it was described to this client, so that its command may mean something else \
         now; the new description is on its way"
    )]
    DeviceChanged { device: u32 },

    /// What was asked of a device.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl ProtocolError {
    /// The code that goes with the text.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Command(CommandError::ShuttingDown | CommandError::Disconnected) => ErrorCode::Unknown,
            Self::HandshakeExpected { .. }
            | Self::HandshakeRepeated
            | Self::VersionUnsupported { .. }
            | Self::HandshakeTimeout { .. }
            | Self::TooManySessions { .. } => ErrorCode::Handshake,
            Self::PingTimeout { .. } => ErrorCode::Ping,
            Self::NotJson { .. }
            | Self::NotArray { .. }
            | Self::EmptyFrame
            | Self::NotOneKey { .. }
            | Self::BadId { .. }
            | Self::UnknownMessage { .. }
            | Self::BadFields { .. }
            | Self::HandshakeFields { .. }
            | Self::FeatureWithoutDevice { .. }
            | Self::BinaryFrame
            | Self::FrameTooLarge { .. }
            | Self::TooManyPending { .. }
            | Self::ErrorAskedFor
            | Self::RawRefused { .. }
            | Self::ProductCommand { .. } => ErrorCode::Message,
            Self::NoActuator { .. }
            | Self::ActuatorIndex { .. }
            | Self::ActuatorType { .. }
            | Self::ScalarRange { .. }
            | Self::NoSensor { .. }
            | Self::DeviceChanged { .. }
            | Self::Command(_) => ErrorCode::Device,
        }
    }
}
