//! Umove: each packet carries the vibration, a running number and the place of the axis, which only jumps (facts:
//! protocols/umove.md).
//!
//! The reference server plays a move in half of its time, and repeats a place from before the move, which undoes it. Here
//! the device's writer plays moves in their time, and repeats what was written last.

mod simulated;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::driver::{
    coded::without_inputs::WithoutInputs, contract::Batch, contract::Boxed, contract::Driver, contract::DriverError,
    contract::Inputs, contract::Protocol, simulated::SimulatedDevice, template,
};
use crate::library::{Definition, Hardware, Model, definition::Repeat};
use crate::link::{Link, Packet};
use crate::types::{Endpoint, OutputKind};

use simulated::SimulatedUmove;

/// Time between two places of a move.
const STEP: Duration = Duration::from_millis(50);
/// The hardware rests when it gets nothing for longer.
const AGAIN: Duration = Duration::from_millis(500);

/// The protocol of Umove.
#[derive(Debug)]
pub struct Umove;

impl Protocol for Umove {
    fn name(&self) -> &'static str {
        "umove"
    }

    fn identify<'a>(
        &'a self,
        definition: &'a Definition,
        hardware: &'a Hardware,
        link: &'a Link,
    ) -> Boxed<'a, Result<Option<String>, DriverError>> {
        template::identify(definition, hardware, link)
    }

    fn open(&self, _: &Arc<Definition>, model: &Arc<Model>, _: &Link) -> Box<dyn Driver> {
        Box::new(Toy { model: Arc::clone(model), number: 0 })
    }

    fn simulate(&self, model: &Model) -> Option<Box<dyn SimulatedDevice>> {
        Some(Box::new(SimulatedUmove::new(model)))
    }
}

struct Toy {
    model: Arc<Model>,
    /// Of the next packet.
    number: u32,
}

impl Toy {
    /// The packet for vibration and place.
    fn motors(&mut self, batch: &Batch<'_>) -> Result<Packet, DriverError> {
        let value = |position: bool| {
            let outputs = self.model.outputs();
            let mut of_kind = outputs.filter(|(_, output)| {
                output.kind.is_position() == position && (position || output.kind == OutputKind::Vibrate)
            });
            of_kind.next().map_or(0, |(feature, _)| batch.levels.feature(feature))
        };
        let no_room = |value: i32| DriverError::Unexpected(format!("{value} does not fit a packet"));
        let vibration = value(false);
        let vibration = u16::try_from(vibration).map_err(|_| no_room(vibration))?;
        let place = value(true);
        let place = u32::try_from(place).map_err(|_| no_room(place))?;
        let mut data = vec![0x5A, 0xA5, 0x55, 0];
        data.extend(vibration.to_le_bytes());
        data.extend([1, 0]);
        data.extend(self.number.to_le_bytes());
        data.extend(place.to_le_bytes());
        self.number = self.number.wrapping_add(1);
        Ok(Packet { endpoint: Endpoint::TX, data, ack: false })
    }
}

impl Driver for Toy {
    fn encode(&mut self, batch: &Batch<'_>, _: Instant) -> Result<Vec<Packet>, DriverError> {
        let mut packets = Vec::new();
        let motors = |kind| kind != OutputKind::Temperature;
        if batch.changes.iter().any(|change| motors(change.output.kind)) {
            packets.push(self.motors(batch)?);
        }
        for change in batch.changes.iter().filter(|change| !motors(change.output.kind)) {
            let degrees = u8::try_from(change.output.value)
                .map_err(|_| DriverError::Unexpected(format!("{} is no temperature", change.output.value)))?;
            let data = vec![0x5A, 0xA5, 0x55, 6, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, degrees, 0xFF];
            packets.push(Packet { endpoint: Endpoint::TX, data, ack: false });
        }
        Ok(packets)
    }

    fn step(&self) -> Option<Duration> {
        Some(STEP)
    }

    fn refresh(&self) -> Option<Repeat> {
        Some(Repeat { every: AGAIN, only_running: false })
    }

    fn inputs(&self) -> Arc<dyn Inputs> {
        Arc::new(WithoutInputs)
    }
}
