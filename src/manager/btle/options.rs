//! How the bus is set.

use std::time::Duration;

use uuid::Uuid;

use crate::link::Deadlines;

/// How the bus is set.
#[derive(Debug, Clone)]
pub struct BtleOptions {
    /// Name or address of the adapter; empty is the first.
    pub adapter: String,
    /// Only hardware that advertises one of these services is looked for; empty is all.
    pub services: Vec<Uuid>,
    /// Time from one look for known hardware to the next while nobody scans; `None` is no looks.
    pub look_every: Option<Duration>,
    /// Limits for the operations of links.
    pub deadlines: Deadlines,
}
