//! Finds the device and the output that a client means.

use std::sync::Arc;

use super::table::{Actuator, DeviceTable};
use crate::buttplug::{client::ClientState, error::ProtocolError};
use crate::types::{CommandError, Descriptions};

/// The table of a device as this client was last given it, so that a change on the way cannot drive another motor. A client
/// that was not yet given any device means those of this moment.
///
/// # Errors
/// A device that is not there or was not given to the client, or that has other outputs by now.
pub fn device(index: u32, client: &ClientState, now: &Descriptions) -> Result<Arc<DeviceTable>, ProtocolError> {
    let given = client.given().map_or(now, |given| given.as_ref());
    let unknown = |known: &Descriptions| ProtocolError::from(CommandError::unknown_device(index, known.keys()));
    let known = given.get(&index).ok_or_else(|| unknown(given))?;
    let current = now.get(&index).ok_or_else(|| unknown(now))?;
    let table = DeviceTable::of(known);
    if !Arc::ptr_eq(known, current) && table != DeviceTable::of(current) {
        return Err(ProtocolError::DeviceChanged { device: index });
    }
    Ok(table)
}

/// The actuator at a position of a list; `what` names one of the list.
///
/// # Errors
/// An empty list, or one that has no such position.
pub fn actuator<'a>(
    message: &'static str,
    device: u32,
    list: &'a [Actuator],
    index: u32,
    what: &'static str,
) -> Result<&'a Actuator, ProtocolError> {
    let found = usize::try_from(index).ok().and_then(|index| list.get(index));
    found.ok_or(match list.len() {
        0 => ProtocolError::NoActuator { message, device, what },
        count => ProtocolError::ActuatorIndex { message, device, index, what, count },
    })
}
