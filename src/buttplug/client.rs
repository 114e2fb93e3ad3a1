//! What a codec keeps of one client between its frames.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use crate::types::Descriptions;

/// What a client was given before it was given anything; one for all, so that what follows is the same for all.
static NONE: LazyLock<Arc<Descriptions>> = LazyLock::new(Arc::default);

/// What a codec keeps of one client between its frames.
#[derive(Debug, Clone, Default)]
pub struct ClientState {
    /// The devices as the client was last given them; `None` before it was given any.
    given: Option<Arc<Descriptions>>,
    /// Where this client last sent the first axis of a device, as a fraction of its travel.
    targets: BTreeMap<u32, f64>,
}

impl ClientState {
    /// A client that knows these devices; `None` when it has been given none.
    #[must_use]
    pub fn new(given: Option<Arc<Descriptions>>) -> Self {
        Self { given, targets: BTreeMap::new() }
    }

    /// The devices as the client was last given them; `None` before it was given any.
    #[must_use]
    pub fn given(&self) -> Option<&Arc<Descriptions>> {
        self.given.as_ref()
    }

    /// The devices as the client was last given them, none before it was given any.
    #[must_use]
    pub fn given_or_none(&self) -> &Arc<Descriptions> {
        self.given.as_ref().unwrap_or(&NONE)
    }

    /// Whether these are the devices that it was last given.
    #[must_use]
    pub fn knows(&self, devices: &Arc<Descriptions>) -> bool {
        self.given.as_ref().is_some_and(|given| Arc::ptr_eq(given, devices))
    }

    /// Notes that the client has been given these devices, and returns those that it was given before.
    pub fn give(&mut self, devices: Arc<Descriptions>) -> Arc<Descriptions> {
        let before = self.given.replace(devices).unwrap_or_else(|| Arc::clone(&NONE));
        // Another device under the same index stands somewhere else.
        let after = self.given.as_ref();
        let same = |index: &u32| {
            before
                .get(index)
                .zip(after.and_then(|after| after.get(index)))
                .is_some_and(|(old, new)| Arc::ptr_eq(old, new))
        };
        self.targets.retain(|index, _| same(index));
        before
    }

    /// Where this client last sent the first axis of a device, 0 to 1, if it did.
    pub(super) fn target(&self, device: u32) -> Option<f64> {
        self.targets.get(&device).copied()
    }

    /// Notes where this client sends the first axis of a device, 0 to 1.
    pub(super) fn set_target(&mut self, device: u32, target: f64) {
        self.targets.insert(device, target);
    }
}
