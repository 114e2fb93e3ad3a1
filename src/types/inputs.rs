//! What inputs are called and what they carry, in every version of the protocol.

use std::fmt;

/// Things a feature can measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum InputKind {
    /// Charge in percent, 0 to 100.
    Battery,
    /// Radio signal strength in dBm.
    #[cfg_attr(feature = "server", schema(rename = "RSSI"))]
    Rssi,
    /// Pressure in units of the device.
    Pressure,
    /// 1 down, 0 up.
    Button,
}

impl InputKind {
    /// Every kind.
    pub const ALL: [InputKind; 4] = [Self::Battery, Self::Rssi, Self::Pressure, Self::Button];

    /// The name on the wire of protocol version 4, in the spelling of the specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Battery => "Battery",
            Self::Rssi => "RSSI",
            Self::Pressure => "Pressure",
            Self::Button => "Button",
        }
    }

    /// The name in definitions.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Battery => "battery",
            Self::Rssi => "rssi",
            Self::Pressure => "pressure",
            Self::Button => "button",
        }
    }

    /// Finds a kind by its name in definitions.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }
}

impl fmt::Display for InputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One input of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputAddress {
    /// Index of the device.
    pub device: u32,
    /// Index of the feature.
    pub feature: u32,
    /// What is measured.
    pub kind: InputKind,
}

/// What to do with an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputAction {
    /// Ask once.
    Read,
    /// Report every change until told to stop.
    Subscribe,
    /// Stop reporting.
    Unsubscribe,
}

impl InputAction {
    /// The word for error texts.
    #[must_use]
    pub fn participle(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Subscribe => "subscribed to",
            Self::Unsubscribe => "unsubscribed from",
        }
    }
}

/// One measured value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Index of the device.
    pub device: u32,
    /// Index of the feature.
    pub feature: u32,
    /// What was measured.
    pub kind: InputKind,
    /// The value, in the unit of its kind.
    pub value: i32,
}
