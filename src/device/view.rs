//! What the user set for a device, and how the device looks because of it.

use std::sync::Arc;
use std::time::Duration;

use super::description::describe;
use super::desired::OutputChannel;
use super::identity::{Identity, UserSettings};
use super::limits::{Limits, UserLimits};
use crate::types::{Description, OutputKind};

/// How a device looks under what the user set. A change makes a new one.
#[derive(Debug)]
pub(super) struct View {
    /// What the user set.
    pub user: UserSettings,
    /// What clients see.
    pub description: Arc<Description>,
    /// Every output with its limits.
    pub channels: Vec<OutputChannel>,
    /// Time between two writes.
    pub gap: Duration,
}

impl View {
    pub(super) fn new(identity: &Identity, user: &UserSettings) -> Self {
        let channels = identity.model.outputs().map(|(feature, spec)| {
            let place = (feature, spec.kind);
            let limits = user.limits.get(&place).copied().unwrap_or_default();
            let disabled = limits.disabled || user.refused.contains_key(&place);
            OutputChannel { feature, kind: spec.kind, limits: Limits::new(spec, UserLimits { disabled, ..limits }) }
        });
        let channels: Vec<_> = channels.collect();
        let own = user.gap_ms.map(|ms| Duration::from_millis(ms.into()));
        let gap = own.unwrap_or_else(|| identity.definition.gap_on(identity.bus));
        let description = Arc::new(describe(identity, user, &channels, gap));
        Self { user: user.clone(), description, channels, gap }
    }

    /// One output with its limits, if the model has it.
    pub(super) fn channel(&self, feature: u32, kind: OutputKind) -> Option<&OutputChannel> {
        self.channels.iter().find(|channel| (channel.feature, channel.kind) == (feature, kind))
    }
}
