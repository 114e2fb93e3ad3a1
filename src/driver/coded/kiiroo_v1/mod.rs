//! Kiiroo's first generation: a digit for the Pearl's vibration, and one for the place of the Onyx, which only jumps
//! (facts: protocols/kiiroo-v1.md).

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

use simulated::SimulatedKiiroo;

/// Time between two places of a move.
const STEP: Duration = Duration::from_millis(50);
/// The Onyx wants to get its place again after this time.
const AGAIN: Duration = Duration::from_millis(500);
/// The greatest level and the greatest place.
const MOST: i32 = 4;

/// The protocol of Kiiroo's first generation.
#[derive(Debug)]
pub struct KiirooV1;

impl Protocol for KiirooV1 {
    fn name(&self) -> &'static str {
        "kiiroo-v1"
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
        let moves = model.count(OutputKind::HwPositionWithDuration) > 0;
        Box::new(Toy { moves })
    }

    fn simulate(&self, model: &Model) -> Option<Box<dyn SimulatedDevice>> {
        Some(Box::new(SimulatedKiiroo::new(model)))
    }
}

struct Toy {
    /// It is an Onyx.
    moves: bool,
}

impl Driver for Toy {
    fn connect<'a>(&'a mut self, link: &'a Link) -> Boxed<'a, Result<(), DriverError>> {
        Box::pin(async move {
            link.subscribe(Endpoint::RX).await?;
            link.write(Packet { endpoint: Endpoint::COMMAND, data: vec![1, 0], ack: true }).await?;
            // The retired server sent an Onyx to its upper end here, which its user may not allow.
            if !self.moves {
                link.write(Packet { endpoint: Endpoint::TX, data: b"0,".to_vec(), ack: true }).await?;
            }
            Ok(())
        })
    }

    fn encode(&mut self, batch: &Batch<'_>, _: Instant) -> Result<Vec<Packet>, DriverError> {
        let packet = |value: i32| {
            // The lowest digit is the upper end of the axis.
            let digit = if self.moves { MOST - value } else { value };
            Packet { endpoint: Endpoint::TX, data: format!("{digit},\n").into_bytes(), ack: false }
        };
        Ok(batch.changes.iter().map(|change| packet(change.output.value)).collect())
    }

    fn step(&self) -> Option<Duration> {
        self.moves.then_some(STEP)
    }

    fn refresh(&self) -> Option<Repeat> {
        self.moves.then_some(Repeat { every: AGAIN, only_running: false })
    }

    fn inputs(&self) -> Arc<dyn Inputs> {
        Arc::new(WithoutInputs)
    }
}
