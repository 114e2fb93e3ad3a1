//! Fredorch's rotary machine, which knows "faster", "slower" and "stop" alone: the driver counts its steps (facts:
//! protocols/fredorch-rotary.md).

mod simulated;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::driver::{
    coded::without_inputs::WithoutInputs, contract::Batch, contract::Boxed, contract::Driver, contract::DriverError,
    contract::Inputs, contract::Poll, contract::Protocol, simulated::SimulatedDevice, template,
};
use crate::library::{Definition, Hardware, Model};
use crate::link::{Link, LinkError, Packet};
use crate::types::Endpoint;

use simulated::SimulatedMachine;
use wire::{FASTER, SLOWER, START, STOP};

/// Time for an answer at the start; there need not be one.
const ANSWER: Duration = Duration::from_millis(100);
/// Time between two steps. The reference server makes none between them.
const STEP: Duration = Duration::from_millis(20);

/// The protocol of Fredorch's rotary machine.
#[derive(Debug)]
pub struct FredorchRotary;

impl Protocol for FredorchRotary {
    fn name(&self) -> &'static str {
        "fredorch-rotary"
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
        Box::new(Machine { speed: 0, target: 0 })
    }

    fn simulate(&self, model: &Model) -> Option<Box<dyn SimulatedDevice>> {
        Some(Box::new(SimulatedMachine::new(model)))
    }
}

struct Machine {
    /// The speed that it may have at most. A step up counts when it is sent, a step down and a stop when they are
    /// confirmed, so that no packet that is lost makes it faster than it should be.
    speed: i32,
    /// The speed that it should have.
    target: i32,
}

impl Machine {
    /// The packet of the next step, if one is left.
    fn step(&mut self) -> Option<Packet> {
        if self.target > self.speed {
            self.speed += 1;
            return Some(packet(&FASTER));
        }
        (self.target < self.speed).then(|| packet(&SLOWER))
    }
}

impl Driver for Machine {
    fn connect<'a>(&'a mut self, link: &'a Link) -> Boxed<'a, Result<(), DriverError>> {
        Box::pin(async move {
            let mut heard = link.listen();
            link.subscribe(Endpoint::RX).await?;
            for data in START {
                link.write(packet(data)).await?;
                match heard.next_on(Endpoint::RX, ANSWER).await {
                    Ok(_) | Err(LinkError::Timeout { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        })
    }

    fn encode(&mut self, batch: &Batch<'_>, _: Instant) -> Result<Vec<Packet>, DriverError> {
        let Some(change) = batch.changes.last() else { return Ok(Vec::new()) };
        self.target = change.output.value;
        let next = if self.target == 0 { Some(packet(&STOP)) } else { self.step() };
        Ok(next.into_iter().collect())
    }

    fn confirmed(&mut self, packet: &Packet, _: Instant) {
        if packet.data == STOP {
            self.speed = 0;
        } else if packet.data == SLOWER {
            self.speed -= 1;
        }
    }

    fn poll(&mut self, _: Instant) -> Poll {
        // A stop is no step: it is written by those who ask for it.
        let next = if self.target == 0 { None } else { self.step() };
        let again = next.is_some().then_some(STEP);
        Poll { packets: next.into_iter().collect(), again }
    }

    fn inputs(&self) -> Arc<dyn Inputs> {
        Arc::new(WithoutInputs)
    }
}

fn packet(data: &[u8]) -> Packet {
    Packet { endpoint: Endpoint::TX, data: data.to_vec(), ack: false }
}
