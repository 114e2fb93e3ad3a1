//! Levels as bytes.

use crate::driver::contract::DriverError;

/// The magnitude of a level as a byte. No definition has levels beyond 255, so a greater one is a fault of the server.
pub(super) fn level_byte(value: i32) -> Result<u8, DriverError> {
    let error = |_| DriverError::Unexpected(format!("{value} is no level; allowed: -255 to 255"));
    u8::try_from(value.unsigned_abs()).map_err(error)
}
