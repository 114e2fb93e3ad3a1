//! What the hub is set to.

use std::time::Duration;

use crate::device::WritePolicy;

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
    pub pace: WritePolicy,
    /// Clients at once.
    pub max_sessions: usize,
    /// Where people find the server's page, for messages.
    pub page: String,
}

#[cfg(test)]
impl HubOptions {
    /// Short times, few restarts, ten clients.
    pub(crate) fn for_tests() -> Self {
        let ms = Duration::from_millis;
        Self {
            grace: ms(3000),
            restart_budget: 3,
            restart_window: ms(60_000),
            restart_delay: ms(100),
            connect_timeout: ms(1000),
            init_timeout: ms(1000),
            pace: WritePolicy { max_failures: 3, dead_man: None },
            max_sessions: 10,
            page: "http://127.0.0.1:1".to_owned(),
        }
    }
}
