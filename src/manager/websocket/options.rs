//! How the bus is set.

use std::time::Duration;

use crate::link::Deadlines;

/// How the bus is set.
#[derive(Debug, Clone, Copy)]
pub struct WebsocketOptions {
    /// Devices at once.
    pub max_devices: usize,
    /// Time for the first frame.
    pub first_frame: Duration,
    /// Time between two pings.
    pub ping: Duration,
    /// A device from which nothing came for this time is lost.
    pub deadline: Duration,
    /// Limits for the operations of its links.
    pub deadlines: Deadlines,
}
