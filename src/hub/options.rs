//! What the hub is set to.

use std::time::Duration;

use crate::device::Pace;

/// What the hub is set to.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// How long a lost device keeps its place.
    pub grace: Duration,
    /// Restarts of one device within the window before it is given up.
    pub restart_budget: u32,
    /// The window.
    pub restart_window: Duration,
    /// Pause before the first restart; doubled each time.
    pub restart_delay: Duration,
    /// Time for connecting.
    pub connect_timeout: Duration,
    /// Time for identifying and initialising.
    pub init_timeout: Duration,
    /// How devices are driven.
    pub pace: Pace,
    /// Clients at once.
    pub max_sessions: usize,
    /// Where people find the server's page, for messages.
    pub page: String,
}
