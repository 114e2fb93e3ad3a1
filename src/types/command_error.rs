//! What may be wrong with a command, whoever sends it.

use thiserror::Error;

use super::inputs::InputKind;
use super::outputs::OutputKind;

/// Why a device does not do what was asked of it. The text names the thing, the bad value and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "each variant's text says what it and its fields mean")]
pub enum CommandError {
    #[error("the server is shutting down")]
    ShuttingDown,
    #[error("the server has disconnected this operator")]
    Disconnected,
    #[error(
        "this connection may only watch and stop: its token has the scope watch; one with the scope drive is needed"
    )]
    WatchOnly,
    #[error("there is no device with index {index}; connected: {known}")]
    UnknownDevice { index: u32, known: String },
    #[error("device {device} has no feature {feature}; it has {known}")]
    UnknownFeature { device: u32, feature: u32, known: String },
    #[error("feature {feature} of device {device} has no {kind} output; it has {known}")]
    NoSuchOutput { device: u32, feature: u32, kind: OutputKind, known: String },
    #[error("feature {feature} of device {device} has no {kind} input; it has {known}")]
    NoSuchInput { device: u32, feature: u32, kind: InputKind, known: String },
    #[error("{kind} on feature {feature} of device {device} cannot be {action}; allowed: {allowed}")]
    InputAction { device: u32, feature: u32, kind: InputKind, action: &'static str, allowed: &'static str },
    #[error("{kind} value {value} is out of range on feature {feature} of device {device}; allowed: {min} to {max}")]
    ValueRange { device: u32, feature: u32, kind: OutputKind, value: i64, min: i32, max: i32 },
    #[error("duration {value} ms is out of range on feature {feature} of device {device}; allowed: {min} to {max}")]
    DurationRange { device: u32, feature: u32, value: u32, min: u32, max: u32 },
    #[error("device {device} is out of reach: {why}")]
    DeviceUnreachable { device: u32, why: String },
    #[error("device {device} takes no outputs now: {why}")]
    OutputsRefused { device: u32, why: String },
    #[error("reading {kind} from device {device} failed: {why}")]
    InputFailed { device: u32, kind: InputKind, why: String },
    #[error("device {device} did not confirm the stop within {limit_ms} ms; it is repeated until it does")]
    StopUnconfirmed { device: u32, limit_ms: u128 },
}

impl CommandError {
    /// There is no device of this index; `known` are those that there are.
    pub fn unknown_device<'a>(index: u32, known: impl ExactSizeIterator<Item = &'a u32>) -> Self {
        const SHOWN: usize = 10;
        let count = known.len();
        let shown: Vec<_> = known.take(SHOWN).map(ToString::to_string).collect();
        let known = match count {
            0 => "none".to_owned(),
            count if count > SHOWN => format!("{} and {} more", shown.join(", "), count - SHOWN),
            _ => shown.join(", "),
        };
        Self::UnknownDevice { index, known }
    }
}
