//! Finds devices in the routing table.

use crate::device::DeviceHandle;
use crate::hub::Routes;
use crate::types::CommandError;

/// The device of that index.
pub(super) fn find(routes: &Routes, index: u32) -> Result<&DeviceHandle, CommandError> {
    routes.devices.get(&index).ok_or_else(|| CommandError::unknown_device(index, routes.devices.keys()))
}
