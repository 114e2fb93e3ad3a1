//! Where hardware is found.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where hardware is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bus {
    /// Bluetooth LE.
    Btle,
    /// Serial ports.
    Serial,
    /// HID.
    Hid,
    /// Plain USB.
    Usb,
    /// Devices that dial in over WebSocket.
    Websocket,
    /// Bluetooth toys behind Lovense's USB dongle.
    LovenseDongle,
    /// Gamepads, by what the system offers for their motors.
    Gamepad,
}

impl Bus {
    /// Every bus.
    pub const ALL: [Self; 7] =
        [Self::Btle, Self::Serial, Self::Hid, Self::Usb, Self::Websocket, Self::LovenseDongle, Self::Gamepad];

    /// The name in settings, definitions and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Btle => "btle",
            Self::Serial => "serial",
            Self::Hid => "hid",
            Self::Usb => "usb",
            Self::Websocket => "websocket",
            Self::LovenseDongle => "lovense_dongle",
            Self::Gamepad => "gamepad",
        }
    }

    /// Milliseconds between two writes that the bus asks for where a definition asks for nothing (facts:
    /// server-behaviours.md section 6).
    #[must_use]
    pub fn gap_ms(self) -> u64 {
        if self.recognised_as() == Self::Btle { 75 } else { 0 }
    }

    /// Least milliseconds between the packets of one command that the bus asks for. The Lovense dongle drops the second of
    /// two packets that come at once; users found 40 ms to be enough.
    #[must_use]
    pub fn packet_gap_ms(self) -> u64 {
        if self == Self::LovenseDongle { 40 } else { 0 }
    }

    /// The bus whose `[[match]]` entries recognise what is found here. What is behind the dongle is a Bluetooth toy.
    #[must_use]
    pub fn recognised_as(self) -> Self {
        if self == Self::LovenseDongle { Self::Btle } else { self }
    }
}

impl fmt::Display for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
