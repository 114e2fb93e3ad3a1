//! What outputs are called and what they carry, in every version of the protocol.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Ways to drive a feature. Names as in protocol version 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "PascalCase")]
pub enum OutputKind {
    /// Vibration strength.
    Vibrate,
    /// Rotation speed; negative is counter-clockwise where the feature turns both ways.
    Rotate,
    /// Speed of a motion that repeats by itself.
    Oscillate,
    /// Squeeze or suction strength.
    Constrict,
    /// A spray; each command is one event.
    Spray,
    /// Heating, or cooling when negative.
    Temperature,
    /// Light.
    Led,
    /// Move to a position at once.
    Position,
    /// Move to a position within a duration; the hardware does the timing.
    HwPositionWithDuration,
}

impl OutputKind {
    /// Every kind, in the order in which one feature's outputs are walked (facts: devices.md section 6, with
    /// the timed position last).
    pub const ALL: [OutputKind; 9] = [
        Self::Constrict,
        Self::Temperature,
        Self::Led,
        Self::Oscillate,
        Self::Position,
        Self::Rotate,
        Self::Spray,
        Self::Vibrate,
        Self::HwPositionWithDuration,
    ];

    /// The name on the wire of protocol version 4.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vibrate => "Vibrate",
            Self::Rotate => "Rotate",
            Self::Oscillate => "Oscillate",
            Self::Constrict => "Constrict",
            Self::Spray => "Spray",
            Self::Temperature => "Temperature",
            Self::Led => "Led",
            Self::Position => "Position",
            Self::HwPositionWithDuration => "HwPositionWithDuration",
        }
    }

    /// The name in definitions and settings.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Vibrate => "vibrate",
            Self::Rotate => "rotate",
            Self::Oscillate => "oscillate",
            Self::Constrict => "constrict",
            Self::Spray => "spray",
            Self::Temperature => "temperature",
            Self::Led => "led",
            Self::Position => "position",
            Self::HwPositionWithDuration => "hw_position",
        }
    }

    /// Finds a kind by its name in definitions and settings.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }

    /// Finds a kind by its name on the wire of protocol version 4.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether the value is a place to go to, which has no "off", instead of a level, whose off is 0.
    #[must_use]
    pub fn is_position(self) -> bool {
        matches!(self, Self::Position | Self::HwPositionWithDuration)
    }

    /// Whether an equal command must reach the hardware again. A level that is set stays set; a move or a spray
    /// is an event.
    #[must_use]
    pub fn is_event(self) -> bool {
        self.is_position() || self == Self::Spray
    }
}

impl fmt::Display for OutputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One value for one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// Which way of driving the feature.
    pub kind: OutputKind,
    /// Level or position in steps. What a client sends is counted from the lower end of the advertised range.
    pub value: i32,
    /// Milliseconds that a timed move takes; 0 for every other kind.
    pub duration_ms: u32,
}

/// How much a stop covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopScope {
    /// One device, or all.
    pub device: Option<u32>,
    /// One feature of that device, or all.
    pub feature: Option<u32>,
    /// Whether subscriptions of this client end.
    pub inputs: bool,
    /// Whether outputs stop.
    pub outputs: bool,
}
