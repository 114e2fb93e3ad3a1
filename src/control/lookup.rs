//! Finds devices in the routing table.

use crate::device::DeviceHandle;
use crate::hub::Routes;
use crate::types::CommandError;

/// The device of that index.
pub(super) fn find(routes: &Routes, index: u32) -> Result<&DeviceHandle, CommandError> {
    routes.devices.get(&index).ok_or_else(|| {
        const SHOWN: usize = 10;
        let shown: Vec<_> = routes.devices.keys().take(SHOWN).map(ToString::to_string).collect();
        let known = match routes.devices.len() {
            0 => "none".to_owned(),
            count if count > SHOWN => format!("{} and {} more", shown.join(", "), count - SHOWN),
            _ => shown.join(", "),
        };
        CommandError::UnknownDevice { index, known }
    })
}
