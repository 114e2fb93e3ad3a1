//! How a device is described to clients, before a wire version gives it a shape.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::derived::Derived;
use super::inputs::InputKind;
use super::outputs::OutputKind;

/// Every device that clients may see, by index.
pub type Descriptions = BTreeMap<u32, Arc<Description>>;

/// Indexes at which there is another device than before.
#[must_use]
pub fn replaced(before: &Descriptions, after: &Descriptions) -> BTreeSet<u32> {
    let other = |index: &&u32| before.get(index).zip(after.get(index)).is_some_and(|(old, new)| !Arc::ptr_eq(old, new));
    after.keys().filter(other).copied().collect()
}

/// One device as clients see it: the user's limits are already applied, disabled outputs left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The index that commands name; the same for the life of the state file.
    pub index: u32,
    /// The model's name from its definition.
    pub name: String,
    /// The user's own name for it, if one was set.
    pub display_name: Option<String>,
    /// Smallest time between two writes in milliseconds; 0 when the hardware takes any rate.
    pub gap_ms: u32,
    /// Features that have an output or an input left, ascending by index; indexes may have holes.
    pub features: Vec<FeatureDescription>,
    /// What the wire makes of it; no part of the description.
    pub derived: Derived,
}

impl Description {
    /// The feature of that index.
    #[must_use]
    pub fn feature(&self, index: u32) -> Option<&FeatureDescription> {
        self.features.iter().find(|feature| feature.index == index)
    }
}

/// One physical thing of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureDescription {
    /// Index within the device, as the definition gives it.
    pub index: u32,
    /// What it is, for people; may be empty.
    pub label: String,
    /// Ways to drive it.
    pub outputs: Vec<OutputDescription>,
    /// Things it measures.
    pub inputs: Vec<InputDescription>,
}

/// One way to drive a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputDescription {
    /// Which way.
    pub kind: OutputKind,
    /// Smallest and greatest value that a client may send.
    pub value: (i32, i32),
    /// Shortest and longest duration in milliseconds; only for timed moves.
    pub duration_ms: Option<(u32, u32)>,
}

/// One thing that a feature measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputDescription {
    /// What is measured.
    pub kind: InputKind,
    /// Ranges of what may be reported, inclusive.
    pub ranges: Vec<(i32, i32)>,
    /// Whether it can be asked.
    pub read: bool,
    /// Whether it can be listened to.
    pub subscribe: bool,
}
