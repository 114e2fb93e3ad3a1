//! What the hub keeps of each device and manager.

use std::sync::Arc;

use super::restart_policy::Budget;
use crate::device::DeviceHandle;
use crate::library::{Candidate, Hardware};
use crate::link::Link;
use crate::manager::{BusSpec, Connector, ManagerExit, ManagerHandle};

/// A device and what is needed to start it again.
#[derive(Debug)]
pub(super) struct DeviceEntry {
    pub handle: DeviceHandle,
    pub hardware: Hardware,
    pub connector: Arc<dyn Connector>,
    pub candidates: Vec<Candidate>,
    /// Which actor of this device is the present one.
    pub generation: u64,
    pub state: LinkState,
    pub link: Option<Link>,
    pub budget: Budget,
    /// What takes the address over once the present connection is closed. Until then that keeps its own connector.
    pub take_over: Option<Successor>,
    /// Why it is let go for good once its present connection is closed, if so.
    pub leaving: Option<String>,
    /// Why it was lost, when its grace is over while it is being opened again.
    pub overdue: Option<String>,
}

/// Hardware that has dialled in under the address of a device that is connected.
#[derive(Debug)]
pub(super) struct Successor {
    pub hardware: Hardware,
    pub connector: Arc<dyn Connector>,
    pub candidates: Vec<Candidate>,
}

impl DeviceEntry {
    /// Whether this is the device of that hardware.
    pub(super) fn matches(&self, hardware: &Hardware) -> bool {
        let identity = self.handle.identity();
        identity.bus == hardware.bus && identity.address == hardware.address
    }

    /// Whether this actor of it has ended and no other was started.
    pub(super) fn is_lost(&self, generation: u64) -> bool {
        self.generation == generation && self.state == LinkState::Away
    }
}

/// Whether an actor drives the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkState {
    /// One does.
    Connected,
    /// The hardware is lost, or the actor is being started again.
    Away,
}

/// A manager and what is needed to start it again.
#[derive(Debug)]
pub(super) struct ManagerEntry {
    pub bus: BusSpec,
    pub running: Option<ManagerHandle>,
    pub generation: u64,
    pub budget: Budget,
    /// Why it does not run, if so.
    pub failed: Option<ManagerExit>,
}
