//! Device events: what is different between the devices that a client was given and those that there are.

use std::sync::Arc;

use super::replies::{DeviceShape, Wire};
use crate::types::{Descriptions, description::replaced};

/// DeviceRemoved for what is gone or has changed, then DeviceAdded for what is new or has changed.
pub fn changed<D: DeviceShape>(before: &Descriptions, after: &Descriptions) -> Vec<String> {
    let new = after.iter().filter(|(index, device)| !before.get(index).is_some_and(|old| Arc::ptr_eq(old, device)));
    let added = new.filter_map(|(_, device)| Wire::DeviceAdded { id: 0, device: D::describe(device) }.frame());
    removed::<D>(before, after).into_iter().chain(added).collect()
}

/// DeviceRemoved for what is gone or has changed.
pub fn removed<D: DeviceShape>(before: &Descriptions, after: &Descriptions) -> Vec<String> {
    let changed = replaced(before, after);
    let gone = before.keys().filter(|index| !after.contains_key(index) || changed.contains(index));
    let frame = |index: &u32| {
        let removed: Wire<'_, D> = Wire::DeviceRemoved { id: 0, device_index: *index };
        removed.frame()
    };
    gone.filter_map(frame).collect()
}
