//! Stops that have begun.

use std::time::Duration;

use tokio::time::Instant;

use crate::device::DeviceHandle;
use crate::types::CommandError;

/// Time to wait for the confirmation of a stop before the caller is told that there is none; the stop itself goes on.
/// The reference server's second (facts: messages.md section 7.4).
const CONFIRMED_WITHIN: Duration = Duration::from_secs(1);

/// Stops that have begun: nothing has to be awaited for them to happen.
#[derive(Debug)]
pub struct Stopping {
    pub(super) devices: Vec<(DeviceHandle, u64)>,
}

impl Stopping {
    /// Waits until every stop is confirmed, all at once.
    ///
    /// # Errors
    /// The first device that does not confirm within a second. Its stop is repeated until it does.
    pub async fn confirmed(self) -> Result<(), CommandError> {
        let end = Instant::now() + CONFIRMED_WITHIN;
        for (device, number) in self.devices {
            if tokio::time::timeout_at(end, device.wanted().confirmed(number)).await.is_err() {
                let limit_ms = CONFIRMED_WITHIN.as_millis();
                return Err(CommandError::StopUnconfirmed { device: device.index(), limit_ms });
            }
        }
        Ok(())
    }
}
