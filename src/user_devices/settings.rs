//! What `devices.toml` may say of a device.

use std::collections::BTreeMap;
use std::fmt;

use super::address::same_address;
use crate::types::{Bus, OutputKind};

/// The most bytes that a name, an address or another text may have.
pub const LONGEST_TEXT: usize = 300;
/// The greatest message gap in milliseconds.
pub const MOST_GAP_MS: u32 = 60_000;
/// The greatest percent of the whole range a second that speed and rise can be limited to.
pub const MOST_PERCENT: u32 = 10_000;

/// Feature and kind of an output, written such as `0.vibrate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputName(pub u32, pub OutputKind);

impl OutputName {
    /// Reads a name. Only the form that [`fmt::Display`] writes is one: `00.vibrate` would be a second limit for the same
    /// output.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (feature, kind) = name.split_once('.')?;
        let parsed = Self(feature.parse().ok()?, OutputKind::from_key(kind)?);
        (parsed.to_string() == name).then_some(parsed)
    }
}

impl fmt::Display for OutputName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1.key())
    }
}

/// A limit that somebody has written down: a value, or that there is none any more. A limit that is absent says neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit<T> {
    /// `"unlimited"`: an earlier limit ends.
    Unlimited,
    /// This is the limit.
    At(T),
}

impl<T> Limit<T> {
    /// The value, if there is a limit.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Unlimited => None,
            Self::At(value) => Some(value),
        }
    }
}

/// What the file says of one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutputSettings {
    /// Least and greatest value in the hardware's steps, 0 or more.
    pub range: Option<Limit<(i32, i32)>>,
    /// The whole range that `range` was set for.
    pub of: Option<(i32, i32)>,
    /// Programs do not see the output.
    pub disabled: Option<bool>,
    /// Positions count from the other end.
    pub reverse: Option<bool>,
    /// Shortest and longest duration of a timed move in milliseconds.
    pub duration_ms: Option<Limit<(u32, u32)>>,
    /// Greatest speed of a move in percent of the whole range a second, 1 to 10000.
    pub speed: Option<Limit<u32>>,
    /// Greatest rise of a level in percent of the whole range a second, 1 to 10000.
    pub rise: Option<Limit<u32>>,
}

/// Which entry it is: what tells entries for one address from one another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// Address of the hardware.
    pub address: String,
    /// Bus on which it was found when the entry was written.
    pub bus: Option<Bus>,
    /// Protocol of the model for which the limits were set.
    pub protocol: Option<String>,
    /// Identifier of that model.
    pub identifier: Option<String>,
}

impl Source {
    /// Whether both name the same entry, however its address is written.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let rest = |source: &Self| (source.bus, source.protocol.clone(), source.identifier.clone());
        same_address(&self.address, &other.address) && rest(self) == rest(other)
    }
}

/// What the file says of one device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceSettings {
    /// Which device.
    pub source: Source,
    /// Name of the model, for people who read the file.
    pub model: Option<String>,
    /// The user's own name for it.
    pub display_name: Option<String>,
    /// Index for clients; counts from the next start of the server.
    pub index: Option<u32>,
    /// Smallest time between two writes in milliseconds.
    pub message_gap_ms: Option<u32>,
    /// Only devices with this are taken, if any device has it.
    pub allow: Option<bool>,
    /// The device is never taken.
    pub deny: Option<bool>,
    /// What was in force for this address before no longer holds; the server removes this once it has saved that.
    pub forget: bool,
    /// Limits of outputs.
    pub outputs: BTreeMap<OutputName, OutputSettings>,
    /// The line on which the entry begins, counted from 1.
    pub line: usize,
}
