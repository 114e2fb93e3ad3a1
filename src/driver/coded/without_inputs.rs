//! The inputs of protocols that have none.

use crate::driver::{contract::Boxed, contract::DriverError, contract::Inputs};
use crate::link::Link;
use crate::types::InputKind;

/// Nothing can be read or listened to.
pub(super) struct WithoutInputs;

impl Inputs for WithoutInputs {
    fn read(&self, _: u32, kind: InputKind, _: Link) -> Boxed<'static, Result<i32, DriverError>> {
        Box::pin(async move { Err(DriverError::Unexpected(format!("this hardware has no {kind}"))) })
    }
}
