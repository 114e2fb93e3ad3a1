//! A device for tests of templates.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::names::Names;
use super::packet::PacketTemplate;
use super::scope::Scope;
use crate::types::{Endpoint, OutputKind};

/// Features by index, with the kinds they have, and everything else a line can ask for.
#[derive(Default)]
pub(crate) struct FakeDevice {
    pub(crate) value: f64,
    pub(crate) duration: f64,
    pub(crate) index: u32,
    pub(crate) previous: f64,
    pub(crate) features: BTreeMap<u32, (Vec<OutputKind>, f64)>,
    pub(crate) params: BTreeMap<String, f64>,
    pub(crate) buffers: BTreeMap<String, Vec<u8>>,
    pub(crate) sequence: Cell<u8>,
}

impl FakeDevice {
    pub(crate) fn with(mut self, index: u32, kinds: &[OutputKind], value: f64) -> Self {
        self.features.insert(index, (kinds.to_vec(), value));
        self
    }
}

/// A device with something for every name there is; feature 1 has no output.
pub(crate) fn device() -> FakeDevice {
    let mut device = FakeDevice { value: 7.0, duration: 300.0, index: 2, previous: 55.0, ..FakeDevice::default() }
        .with(0, &[OutputKind::Vibrate], 10.0)
        .with(1, &[], 99.0)
        .with(2, &[OutputKind::Vibrate, OutputKind::Rotate], 20.0)
        .with(5, &[OutputKind::Rotate], 30.0);
    device.params.insert("id".to_owned(), 3.0);
    device.buffers.insert("reply".to_owned(), vec![0x10, 0x20, 0xFF]);
    device
}

/// Names that the device has, and a buffer and a parameter that it has not.
pub(crate) fn names() -> Names {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Names { params: set(&["id", "lost"]), buffers: set(&["reply", "later"]), lets: BTreeMap::new() }
}

impl Scope for FakeDevice {
    fn value(&self) -> f64 {
        self.value
    }

    fn duration(&self) -> f64 {
        self.duration
    }

    fn index(&self) -> f64 {
        f64::from(self.index)
    }

    fn previous(&self) -> f64 {
        self.previous
    }

    fn feature(&self, index: u32) -> f64 {
        self.features.get(&index).map_or(0.0, |(_, value)| *value)
    }

    fn outputs(&self, kind: Option<OutputKind>) -> Vec<(u32, f64)> {
        let having = |kinds: &[OutputKind]| kind.map_or(!kinds.is_empty(), |kind| kinds.contains(&kind));
        let features = self.features.iter().filter(|(_, (kinds, _))| having(kinds));
        features.map(|(index, (_, value))| (*index, *value)).collect()
    }

    fn param(&self, name: &str) -> Option<f64> {
        self.params.get(name).copied()
    }

    fn buffer(&self, name: &str) -> Option<&[u8]> {
        self.buffers.get(name).map(Vec::as_slice)
    }

    fn has(&self, endpoint: Endpoint) -> bool {
        endpoint == Endpoint::TX
    }

    fn next_sequence(&self) -> u8 {
        self.sequence.replace(self.sequence.get().wrapping_add(1))
    }
}

pub(crate) fn line(source: &str) -> PacketTemplate {
    PacketTemplate::parse(source, &names()).unwrap_or_else(|error| panic!("{source}: {error}"))
}

pub(crate) fn encode(source: &str, scope: &dyn Scope) -> Vec<u8> {
    line(source).encode(scope).unwrap_or_else(|error| panic!("{source}: {error}"))
}
