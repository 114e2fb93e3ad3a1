//! The battery of toys that have the standard Bluetooth battery service and nothing else to measure.

use crate::driver::{contract::Boxed, contract::DriverError, contract::Inputs};
use crate::link::Link;
use crate::types::{Endpoint, InputKind};

/// The standard battery level, 0 to 100 percent.
pub(super) struct StandardBattery;

impl Inputs for StandardBattery {
    fn read(&self, _: u32, kind: InputKind, link: Link) -> Boxed<'static, Result<i32, DriverError>> {
        Box::pin(async move {
            if kind != InputKind::Battery {
                return Err(DriverError::Unexpected(format!("this hardware has no {kind}")));
            }
            let level = link.read(Endpoint::BATTERY).await?.first().copied();
            let level = level.ok_or_else(|| DriverError::Unexpected("the battery level is empty".to_owned()))?;
            Ok(i32::from(level).min(100))
        })
    }
}
