//! A device as clients see it.

use std::time::Duration;

use super::desired::OutputChannel;
use super::identity::{Identity, UserSettings};
use crate::types::{Derived, Description, FeatureDescription, InputDescription};

/// Describes a device: the limits are applied, what is disabled is left out.
pub(super) fn describe(
    identity: &Identity,
    user: &UserSettings,
    places: &[OutputChannel],
    gap: Duration,
) -> Description {
    let features = identity.model.features.iter().map(|feature| {
        let own = places.iter().filter(|place| place.feature == feature.index);
        let inputs = feature.inputs.iter().map(|input| InputDescription {
            kind: input.kind,
            ranges: vec![(input.min, input.max)],
            read: input.read,
            subscribe: input.subscribe,
        });
        FeatureDescription {
            index: feature.index,
            label: feature.label.clone(),
            outputs: own.filter_map(|place| place.limits.description()).collect(),
            inputs: inputs.collect(),
        }
    });
    Description {
        index: identity.index,
        name: identity.model.name.clone(),
        display_name: user.display_name.clone(),
        gap_ms: u32::try_from(gap.as_millis()).unwrap_or(u32::MAX),
        // A feature with nothing left is left out (facts: devices.md section 2).
        features: features.filter(|feature| !(feature.outputs.is_empty() && feature.inputs.is_empty())).collect(),
        derived: Derived::default(),
    }
}
