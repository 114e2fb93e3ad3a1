//! Who listens to which input of a device. Outlives the actor, so that listening goes on after a reconnect.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::types::{Endpoint, InputKind, OperatorId, Reading};

/// Where readings of a session go.
pub type ReadingSink = Arc<dyn Fn(Reading) + Send + Sync>;

type Listeners = BTreeMap<OperatorId, ReadingSink>;

/// The listeners of one device.
#[derive(Default)]
pub struct Subscriptions {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    listeners: BTreeMap<(u32, InputKind), Listeners>,
    /// The endpoint that carries each input, once it was subscribed to.
    endpoints: BTreeMap<(u32, InputKind), Endpoint>,
}

impl fmt::Debug for Subscriptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscriptions({})", self.count())
    }
}

impl Subscriptions {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session listens. Twice is as good as once.
    pub fn add(&self, owner: OperatorId, feature: u32, kind: InputKind, sink: ReadingSink) {
        self.inner().listeners.entry((feature, kind)).or_default().insert(owner, sink);
    }

    /// The input comes from this endpoint.
    pub fn carried_by(&self, feature: u32, kind: InputKind, endpoint: Endpoint) {
        self.inner().endpoints.insert((feature, kind), endpoint);
    }

    /// A session no longer listens to one input. Returns the endpoint that nobody needs any more.
    pub fn remove_one(&self, owner: OperatorId, feature: u32, kind: InputKind) -> Option<Endpoint> {
        self.inner().remove(owner, feature, kind)
    }

    /// A session no longer listens to a feature or to anything. Returns the endpoints that nobody needs any more.
    pub fn remove(&self, owner: OperatorId, feature: Option<u32>) -> Vec<Endpoint> {
        let mut inner = self.inner();
        let chosen: Vec<_> =
            inner.listeners.keys().filter(|(index, _)| feature.is_none_or(|only| only == *index)).copied().collect();
        chosen.into_iter().filter_map(|(feature, kind)| inner.remove(owner, feature, kind)).collect()
    }

    /// Inputs that somebody listens to.
    #[must_use]
    pub fn inputs(&self) -> Vec<(u32, InputKind)> {
        self.inner().listeners.keys().copied().collect()
    }

    /// Tells everybody who listens.
    pub fn tell(&self, reading: Reading) {
        // The sinks are called outside the lock.
        let sinks: Vec<_> = match self.inner().listeners.get(&(reading.feature, reading.kind)) {
            Some(listeners) => listeners.values().cloned().collect(),
            None => Vec::new(),
        };
        for sink in sinks {
            sink(reading);
        }
    }

    /// How many listen, over all inputs.
    #[must_use]
    pub fn count(&self) -> usize {
        self.inner().listeners.values().map(BTreeMap::len).sum()
    }
}

impl Inner {
    fn remove(&mut self, owner: OperatorId, feature: u32, kind: InputKind) -> Option<Endpoint> {
        let listeners = self.listeners.get_mut(&(feature, kind))?;
        listeners.remove(&owner)?;
        if !listeners.is_empty() {
            return None;
        }
        self.listeners.remove(&(feature, kind));
        let endpoint = self.endpoints.remove(&(feature, kind))?;
        let shared = self.endpoints.values().any(|other| *other == endpoint);
        (!shared).then_some(endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_let_go_with_its_last_listener() {
        let subscriptions = Subscriptions::default();
        let (ann, bob) = (OperatorId(1), OperatorId(2));
        let sink: ReadingSink = Arc::new(|_| {});
        for (owner, feature) in [(ann, 0), (ann, 1), (bob, 0)] {
            subscriptions.add(owner, feature, InputKind::Pressure, Arc::clone(&sink));
            subscriptions.carried_by(feature, InputKind::Pressure, Endpoint::RX);
        }
        assert_eq!(subscriptions.remove_one(ann, 5, InputKind::Pressure), None);
        assert_eq!(subscriptions.remove(ann, None), []);
        assert_eq!(subscriptions.count(), 1);
        assert_eq!(subscriptions.remove_one(bob, 0, InputKind::Pressure), Some(Endpoint::RX));
        assert_eq!(subscriptions.count(), 0);
    }
}
