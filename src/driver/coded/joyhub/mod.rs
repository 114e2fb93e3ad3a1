//! JoyHub: one packet for up to four motors, and one for each other kind of output (facts: protocols/joyhub.md).
//!
//! It is code because of the spray, which the server has to switch off a second after it was switched on. Everything else
//! would be a template.

mod simulated;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::driver::{
    coded::without_inputs::WithoutInputs, contract::Batch, contract::Boxed, contract::Driver, contract::DriverError,
    contract::Inputs, contract::Poll, contract::Protocol, levels::Levels, simulated::SimulatedDevice, template,
};
use crate::library::{Definition, Hardware, Model};
use crate::link::{Link, Packet};
use crate::types::{Endpoint, OutputKind};

use simulated::SimulatedJoyHub;

/// How long the spray runs.
const SPRAY: Duration = Duration::from_secs(1);
/// When the packet that ends the spray is sent again if it failed.
const RETRY: Duration = Duration::from_millis(100);
/// The feature whose suction has a packet of its own; that of all others is another.
const FIRST_PUMP: u32 = 4;
const SPRAY_OFF: [u8; 6] = [0xA0, 0x24, 0, 0, 0, 0];

/// The protocol of JoyHub.
#[derive(Debug)]
pub struct JoyHub;

impl Protocol for JoyHub {
    fn name(&self) -> &'static str {
        "joyhub"
    }

    fn identify<'a>(
        &'a self,
        definition: &'a Definition,
        hardware: &'a Hardware,
        link: &'a Link,
    ) -> Boxed<'a, Result<Option<String>, DriverError>> {
        template::identify(definition, hardware, link)
    }

    fn open(&self, _: &Arc<Definition>, _: &Arc<Model>, _: &Link) -> Box<dyn Driver> {
        Box::new(Toy { spray_ends: None })
    }

    fn simulate(&self, model: &Model) -> Option<Box<dyn SimulatedDevice>> {
        Some(Box::new(SimulatedJoyHub::new(model)))
    }
}

struct Toy {
    /// When the spray has to be switched off; `None` when the hardware has confirmed that it is off.
    spray_ends: Option<Instant>,
}

impl Driver for Toy {
    fn encode(&mut self, batch: &Batch<'_>, now: Instant) -> Result<Vec<Packet>, DriverError> {
        let mut packets = Vec::new();
        let mut motors = false;
        for change in batch.changes {
            let value = change.output.value;
            let on = u8::from(value != 0);
            let level = level(value)?;
            let full = 0xFF * on;
            packets.push(match change.output.kind {
                OutputKind::Vibrate | OutputKind::Rotate | OutputKind::Oscillate => {
                    if motors {
                        continue;
                    }
                    motors = true;
                    four_motors(batch.levels)?
                }
                OutputKind::Constrict if change.feature == FIRST_PUMP => packet([0xA0, 0x07, on, 0, level, 0xFF]),
                OutputKind::Constrict => packet([0xA0, 0x0D, 0, 0, level, 0xFF]),
                OutputKind::Temperature => packet([0xA0, 0x04, on, 0, on, full]),
                OutputKind::Led => packet([0xA0, 0x14, on, 0, on, full]),
                OutputKind::Spray => {
                    self.spray_ends = (value != 0).then(|| now + SPRAY);
                    packet([0xA0, 0x24, on, 0, on, full])
                }
                other => return Err(DriverError::Unexpected(format!("JoyHub has no {other}"))),
            });
        }
        Ok(packets)
    }

    fn confirmed(&mut self, sent: &Packet, now: Instant) {
        if sent.data == SPRAY_OFF && self.spray_ends.is_some_and(|end| end <= now) {
            self.spray_ends = None;
        }
    }

    fn poll(&mut self, now: Instant) -> Poll {
        match self.spray_ends {
            None => Poll::default(),
            Some(end) if now < end => Poll { packets: Vec::new(), again: Some(end - now) },
            Some(_) => Poll { packets: vec![packet(SPRAY_OFF)], again: Some(RETRY) },
        }
    }

    fn inputs(&self) -> Arc<dyn Inputs> {
        Arc::new(WithoutInputs)
    }
}

/// The packet with the levels of features 0 to 3, whatever kind of motor each is.
fn four_motors(levels: &Levels) -> Result<Packet, DriverError> {
    let [first, second, third, fourth] = [0, 1, 2, 3].map(|feature| level(levels.feature(feature)));
    Ok(packet([0xA0, 0x03, first?, second?, third?, fourth?, 0xAA]))
}

/// Rotations have one direction.
fn level(value: i32) -> Result<u8, DriverError> {
    u8::try_from(value.unsigned_abs()).map_err(|_| DriverError::Unexpected(format!("{value} does not fit a byte")))
}

fn packet<const N: usize>(data: [u8; N]) -> Packet {
    Packet { endpoint: Endpoint::TX, data: data.to_vec(), ack: false }
}
