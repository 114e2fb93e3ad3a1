//! Whether a device can be reached, and why it takes no values.

/// Whether the hardware can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It is connected.
    Connected,
    /// It is lost and may come back.
    Away,
    /// It was given up, for this reason.
    Gone(String),
}

/// Why a value is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Outputs are held, for this reason.
    Held(String),
    /// The device was given up, for this reason.
    Gone(String),
}
