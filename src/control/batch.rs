//! Outputs that are to be set together: each device gets all of its own at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::lookup::find;
use crate::device::DeviceHandle;
use crate::hub::Routes;
use crate::types::{CommandError, Descriptions, Output};

/// Outputs that were checked and are not yet set, with what the caller wants to know each part by (`T`, such as the id of
/// a message). Devices are looked up in the table that was published when the batch was made.
#[derive(Debug)]
pub struct Batch<T> {
    routes: Arc<Routes>,
    pub(super) parts: BTreeMap<u32, Part<T>>,
    pub(super) lasts: Option<Duration>,
}

/// What one device gets.
#[derive(Debug)]
pub(super) struct Part<T> {
    pub device: DeviceHandle,
    pub sets: Vec<(u32, Output)>,
    pub tags: Vec<T>,
}

impl<T> Batch<T> {
    pub(super) fn new(routes: Arc<Routes>) -> Self {
        Self { routes, parts: BTreeMap::new(), lasts: None }
    }

    /// Has its outputs end by themselves after this time, unless they are set again before.
    #[must_use]
    pub fn for_at_most(self, lasts: Duration) -> Self {
        Self { lasts: Some(lasts), ..self }
    }

    /// The devices that the batch can name.
    #[must_use]
    pub fn devices(&self) -> &Arc<Descriptions> {
        &self.routes.descriptions
    }

    /// Adds outputs of one device by feature index; all of them are valid, or none is taken.
    pub(super) fn add(&mut self, tag: T, device: u32, sets: &[(u32, Output)]) -> Result<(), CommandError> {
        let handle = find(&self.routes, device)?;
        let accepted: Result<Vec<_>, CommandError> =
            sets.iter().map(|(feature, output)| Ok((*feature, handle.accept(*feature, *output)?))).collect();
        let accepted = accepted?;
        let empty = || Part { device: handle.clone(), sets: Vec::new(), tags: Vec::new() };
        let part = self.parts.entry(device).or_insert_with(empty);
        part.sets.extend(accepted);
        part.tags.push(tag);
        Ok(())
    }
}
