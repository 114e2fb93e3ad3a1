//! What the hub shares with everybody who holds a handle to it: the routing table above all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::device::DeviceHandle;
use crate::events::Metrics;
use crate::types::Descriptions;

/// Every device that sessions can reach, as it was when the table was published.
#[derive(Debug, Default)]
pub struct Routes {
    /// Devices by index.
    pub devices: BTreeMap<u32, DeviceHandle>,
    /// The same devices as clients see them.
    pub descriptions: Arc<Descriptions>,
}

/// What all handles share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) routes: ArcSwap<Routes>,
    /// The descriptions of the newest table, for those who wait for changes.
    pub(super) descriptions: watch::Sender<Arc<Descriptions>>,
    /// Whether outputs are held.
    pub(super) hold: watch::Sender<bool>,
    pub(super) metrics: Metrics,
    pub(super) next_operator: AtomicU64,
    pub(super) sessions: AtomicUsize,
    pub(super) max_sessions: usize,
    pub(super) shutting_down: AtomicBool,
    /// What is wrong with the file of known devices and with `devices.toml`.
    pub(super) state_problems: ArcSwap<Vec<String>>,
    /// Why outputs are refused while held.
    pub(super) held: String,
}
