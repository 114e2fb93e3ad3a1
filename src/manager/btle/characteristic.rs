//! The operations of one characteristic, one after the other.
//!
//! BlueZ answers a second operation on a characteristic with `In Progress` while the first is under way (seen in the
//! lab: of five writes at once one was taken). Different characteristics do not wait for each other.

use std::time::Duration;

use btleplug::api::{CharPropFlags, Characteristic, Peripheral as _, WriteType};
use btleplug::platform::Peripheral;
use tokio::sync::mpsc;

use super::error::explain;
use crate::link::{Deadlines, LinkError, LinkRequest, Operation, Packet};

/// Pause before an operation that was refused with `In Progress` is tried again. Radios exchange packets every 7.5 ms
/// at best.
const AGAIN: Duration = Duration::from_millis(10);
/// Bytes of a packet that are not the value.
const HEADER: usize = 3;

/// One characteristic of a connected device.
#[derive(Debug)]
pub(super) struct GattQueue {
    pub peripheral: Peripheral,
    pub characteristic: Characteristic,
    pub deadlines: Deadlines,
}

impl GattQueue {
    /// Does what is asked until nobody can ask any more.
    pub(super) async fn serve(self, mut requests: mpsc::Receiver<LinkRequest>) {
        while let Some(LinkRequest { operation, done }) = requests.recv().await {
            let limit = match operation {
                Operation::Read(_) => self.deadlines.read,
                _ => self.deadlines.write,
            };
            // What hangs is given up here as well, so that it does not hold up what comes after it.
            let outcome = crate::patience::timeout(limit, self.insist(&operation)).await;
            let timed_out = || LinkError::Timeout { what: self.name(&operation), limit_ms: limit.as_millis() };
            let _ = done.send(outcome.unwrap_or_else(|| Err(timed_out())));
        }
    }

    fn name(&self, operation: &Operation) -> String {
        let what = match operation {
            Operation::Write(_) => "a write to",
            Operation::Read(_) => "a read of",
            Operation::Subscribe(_) => "subscribing to",
            Operation::Unsubscribe(_) => "unsubscribing from",
            Operation::Disconnect => "leaving",
        };
        format!("{what} characteristic {}", self.characteristic.uuid)
    }

    /// Tries until the answer is another than `In Progress`.
    async fn insist(&self, operation: &Operation) -> Result<Vec<u8>, LinkError> {
        loop {
            match self.operation(operation).await {
                Err(error) if is_in_progress(&error) => tokio::time::sleep(AGAIN).await,
                Err(btleplug::Error::NotConnected) => return Err(LinkError::Failed("it is not connected".to_owned())),
                Err(error) => return Err(LinkError::Failed(explain(&error))),
                Ok(value) => return Ok(value),
            }
        }
    }

    async fn operation(&self, operation: &Operation) -> btleplug::Result<Vec<u8>> {
        let (peripheral, characteristic) = (&self.peripheral, &self.characteristic);
        match operation {
            Operation::Write(packet) => {
                let mtu = usize::from(peripheral.mtu());
                let kind = write_type(packet, characteristic.properties, mtu);
                peripheral.write(characteristic, &packet.data, kind).await.map(|()| Vec::new())
            }
            Operation::Read(_) => peripheral.read(characteristic).await,
            Operation::Subscribe(_) => peripheral.subscribe(characteristic).await.map(|()| Vec::new()),
            Operation::Unsubscribe(_) => peripheral.unsubscribe(characteristic).await.map(|()| Vec::new()),
            Operation::Disconnect => Ok(Vec::new()),
        }
    }
}

/// The write type that was asked for if the characteristic has it, else the other. What is too long for one packet can only be
/// written with response.
fn write_type(packet: &Packet, has: CharPropFlags, mtu: usize) -> WriteType {
    let long = packet.data.len() > mtu.saturating_sub(HEADER);
    short_write_type(packet.ack || (long && has.contains(CharPropFlags::WRITE)), has)
}

/// The write type of a packet that should be acknowledged, or not, if it is short.
pub(super) fn short_write_type(ack: bool, has: CharPropFlags) -> WriteType {
    let (with, without) = (has.contains(CharPropFlags::WRITE), has.contains(CharPropFlags::WRITE_WITHOUT_RESPONSE));
    match (with, without) {
        (true, false) => WriteType::WithResponse,
        (false, true) => WriteType::WithoutResponse,
        _ if ack => WriteType::WithResponse,
        _ => WriteType::WithoutResponse,
    }
}

fn is_in_progress(error: &btleplug::Error) -> bool {
    let text = format!("{error:?}");
    text.contains("InProgress") || text.contains("In Progress")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Endpoint;

    #[test]
    fn writes_go_the_way_that_the_characteristic_has() {
        use WriteType::{WithResponse, WithoutResponse};
        let (with, without) = (CharPropFlags::WRITE, CharPropFlags::WRITE_WITHOUT_RESPONSE);
        let packet = |ack, len| Packet { endpoint: Endpoint::TX, data: vec![0; len], ack };
        for (ack, len, has, expected) in [
            (true, 5, with | without, WithResponse),
            (false, 5, with | without, WithoutResponse),
            (false, 20, with | without, WithoutResponse),
            (false, 21, with | without, WithResponse),
            (true, 5, without, WithoutResponse),
            (false, 21, without, WithoutResponse),
            (false, 5, with, WithResponse),
            (true, 5, CharPropFlags::READ, WithResponse),
            (false, 5, CharPropFlags::READ, WithoutResponse),
        ] {
            assert_eq!(write_type(&packet(ack, len), has, 23), expected, "{ack} {len} {has:?}");
        }
    }
}
