//! What every visitor of the server holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{broadcast, watch};

use super::operator::Operator;
use super::operators::Operators;
use crate::device::DeviceHandle;
use crate::events::Metrics;
use crate::hub::HubHandle;
use crate::types::{
    ActorStatus, Description, Descriptions, DeviceStatus, OperatorId, OperatorInfo, OperatorKind, OutputStatus,
    ServerEvent, ServerStatus,
};

/// A device as clients see it, and what it is doing.
#[derive(Debug, Clone)]
pub struct DeviceView {
    /// What it can do.
    pub description: Arc<Description>,
    /// What it is doing. Only the hub knows how often it was restarted: see [`Control::status`].
    pub status: DeviceStatus,
}

impl From<&DeviceHandle> for DeviceView {
    fn from(device: &DeviceHandle) -> Self {
        Self { description: device.description(), status: device.observe() }
    }
}

/// The front door of one server. Copies share it.
#[derive(Debug, Clone)]
pub struct Control {
    hub: HubHandle,
    operators: Arc<Operators>,
}

impl Control {
    /// The front door of the server with this hub.
    #[must_use]
    pub fn new(hub: HubHandle) -> Self {
        Self { hub, operators: Arc::default() }
    }

    /// Lets somebody drive devices: of this kind, who calls itself `name`, at `address` (for people; may be empty).
    ///
    /// # Errors
    /// As many sessions as there may be (`sessions.max`), when there are so many. Other kinds are not limited.
    pub fn attach(&self, kind: OperatorKind, name: &str, address: &str) -> Result<Operator, usize> {
        let guard = self.hub.admit(kind)?;
        let (name, address) = (name.to_owned(), address.to_owned());
        Ok(Operator::new(self.hub.clone(), guard, Arc::clone(&self.operators), kind, name, address))
    }

    /// The devices of this moment as clients see them.
    #[must_use]
    pub fn devices(&self) -> Arc<Descriptions> {
        Arc::clone(&self.hub.routes().descriptions)
    }

    /// The devices of this moment and what they are doing; nothing waits for the hub.
    #[must_use]
    pub fn device_views(&self) -> Vec<DeviceView> {
        self.hub.routes().devices.values().map(DeviceView::from).collect()
    }

    /// One device of this moment and what it is doing.
    #[must_use]
    pub fn device_view(&self, index: u32) -> Option<DeviceView> {
        self.hub.routes().devices.get(&index).map(DeviceView::from)
    }

    /// What the outputs are doing of the devices on which that has changed since the last call with the same `seen`.
    #[must_use]
    pub fn changed_outputs(&self, seen: &mut BTreeMap<u32, u64>) -> Vec<(u32, Vec<OutputStatus>)> {
        let routes = self.hub.routes();
        seen.retain(|index, _| routes.devices.contains_key(index));
        let changed = routes.devices.iter().filter(|(index, device)| {
            let version = device.wanted().version();
            seen.insert(**index, version) != Some(version)
        });
        changed.map(|(index, device)| (*index, device.wanted().observe())).collect()
    }

    /// The devices as clients see them, now and whenever they change. Whoever looks rarely misses what was in between,
    /// and never the newest.
    #[must_use]
    pub fn watch_devices(&self) -> watch::Receiver<Arc<Descriptions>> {
        self.hub.watch_descriptions()
    }

    /// Whether outputs are held after an emergency stop, now and whenever that changes.
    #[must_use]
    pub fn watch_hold(&self) -> watch::Receiver<bool> {
        self.hub.watch_hold()
    }

    /// What happens from now on. Whoever reads too slowly is told how many events it has missed.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<ServerEvent> {
        self.hub.metrics().subscribe()
    }

    /// Who drives devices at the moment.
    #[must_use]
    pub fn operators(&self) -> Vec<OperatorInfo> {
        self.operators.list()
    }

    /// Has an operator go: its outputs stop, its connection is closed. Returns whether there was one of that id.
    #[must_use]
    pub fn disconnect(&self, operator: OperatorId) -> bool {
        let known = self.operators.disconnect(operator);
        if known {
            // At once, whatever keeps the operator itself from going.
            self.hub.release(operator);
        }
        known
    }

    /// Stops every output of every device at once. With `hold`, outputs are refused afterwards until
    /// [`Control::resume`]. Returns the devices that did not confirm within a second; their stop is repeated.
    pub async fn stop_all(&self, hold: bool) -> Vec<String> {
        self.hub.stop_all(hold).await
    }

    /// Outputs are taken again.
    pub async fn resume(&self) {
        self.hub.resume().await;
    }

    /// What the server is doing; nothing when its hub is no more.
    pub async fn status(&self) -> Option<ServerStatus> {
        self.hub.observe().await
    }

    /// What every actor reports of itself; nothing when the hub is no more.
    pub async fn actors(&self) -> Option<ActorStatus> {
        self.hub.observe_actors().await
    }

    /// Whether the server ends.
    #[must_use]
    pub fn is_shutting_down(&self) -> bool {
        self.hub.is_shutting_down()
    }

    /// What is wrong with the file of known devices and with `devices.toml`, and what to do about it.
    #[must_use]
    pub fn state_problems(&self) -> Arc<Vec<String>> {
        self.hub.state_problems()
    }

    /// The metrics of this server.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        self.hub.metrics()
    }
}
