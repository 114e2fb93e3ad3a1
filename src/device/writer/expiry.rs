//! Ends values whose time is over. It runs beside the loop that writes, so that it waits for no write that hangs.

use std::convert::Infallible;

use crate::device::handle::DeviceHandle;
use crate::patience::until;

/// Stops what has ended, as soon as it has. What ended before is stopped before this first waits.
pub(super) async fn expire(device: &DeviceHandle) -> Infallible {
    loop {
        let next = device.wanted().expire();
        tokio::select! {
            () = device.wanted().ends_sooner() => {}
            () = until(next) => {}
        }
    }
}
