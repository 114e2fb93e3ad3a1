//! What the templates of a definition see of a device.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::driver::{contract::Change, levels::Levels};
use crate::library::{Definition, Model, template::Scope};
use crate::link::Link;
use crate::types::{Endpoint, OutputKind};

/// Bytes by their name in the steps.
pub(super) type Buffers = BTreeMap<String, Vec<u8>>;

/// What of a device does not change while it is connected.
pub(super) struct Device {
    pub(super) definition: Arc<Definition>,
    pub(super) model: Arc<Model>,
    /// What the connect steps read.
    pub(super) buffers: Buffers,
    pub(super) link: Link,
}

/// What a template can see while it is rendered.
pub(super) struct View<'a> {
    pub(super) device: &'a Device,
    pub(super) buffers: &'a Buffers,
    /// A notification that is at hand, under its name.
    pub(super) heard: Option<(&'a str, &'a [u8])>,
    pub(super) levels: Option<&'a Levels>,
    pub(super) change: Option<&'a Change>,
    /// The feature that is meant where nothing is commanded.
    pub(super) feature: u32,
    pub(super) sequence: &'a AtomicU8,
}

impl<'a> View<'a> {
    /// Nothing is commanded and nothing heard.
    pub(super) fn new(device: &'a Device, buffers: &'a Buffers, sequence: &'a AtomicU8) -> Self {
        Self { device, buffers, heard: None, levels: None, change: None, feature: 0, sequence }
    }
}

impl Scope for View<'_> {
    fn value(&self) -> f64 {
        self.change.map_or(0.0, |change| change.output.value.into())
    }

    fn duration(&self) -> f64 {
        self.change.map_or(0.0, |change| change.output.duration_ms.into())
    }

    fn index(&self) -> f64 {
        self.change.map_or(self.feature, |change| change.feature).into()
    }

    fn kind(&self) -> Option<OutputKind> {
        self.change.map(|change| change.output.kind)
    }

    fn kind_of(&self, feature: u32) -> Option<OutputKind> {
        match self.levels {
            Some(levels) => levels.kind(feature),
            None => Levels::new(&self.device.model).kind(feature),
        }
    }

    fn previous(&self) -> f64 {
        self.change.map_or(0.0, |change| change.previous.into())
    }

    fn feature(&self, index: u32) -> f64 {
        self.levels.map_or(0.0, |levels| levels.feature(index).into())
    }

    fn outputs(&self, kind: Option<OutputKind>) -> Vec<(u32, f64)> {
        match self.levels {
            Some(levels) => levels.outputs(kind).into_iter().map(|(index, value)| (index, value.into())).collect(),
            None => Levels::new(&self.device.model).outputs(kind).iter().map(|(index, _)| (*index, 0.0)).collect(),
        }
    }

    fn param(&self, name: &str) -> Option<f64> {
        self.device.model.set.get(name).copied()
    }

    fn buffer(&self, name: &str) -> Option<&[u8]> {
        match self.heard {
            Some((known, bytes)) if known == name => Some(bytes),
            _ => self.buffers.get(name).map(Vec::as_slice),
        }
    }

    fn has(&self, endpoint: Endpoint) -> bool {
        self.device.link.has(endpoint)
    }

    fn next_sequence(&self) -> u8 {
        self.sequence.fetch_add(1, Ordering::Relaxed)
    }
}
