//! Ankni (Roselex): one level, after a handshake that older toys want (facts: protocols/ankni.md).

mod handshake;
mod simulated;

use std::sync::Arc;

use tokio::time::Instant;

use crate::driver::{
    coded::level_byte::level_byte, coded::without_inputs::WithoutInputs, contract::Batch, contract::Boxed,
    contract::Driver, contract::DriverError, contract::Inputs, contract::Protocol, simulated::SimulatedDevice,
    template,
};
use crate::library::{Definition, Hardware, Model};
use crate::link::{Link, Packet};
use crate::types::Endpoint;

use handshake::{ADDRESS, LENGTH, proof};
use simulated::SimulatedAnkni;

/// The newer toys have seven bytes where older ones have their address, and want no handshake.
const LONGEST_ADDRESS: usize = 6;

/// The protocol of Ankni.
#[derive(Debug)]
pub struct Ankni;

impl Protocol for Ankni {
    fn name(&self) -> &'static str {
        "ankni"
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
        Box::new(Toy)
    }

    fn simulate(&self, model: &Model) -> Option<Box<dyn SimulatedDevice>> {
        Some(Box::new(SimulatedAnkni::new(model)))
    }
}

struct Toy;

impl Driver for Toy {
    fn connect<'a>(&'a mut self, link: &'a Link) -> Boxed<'a, Result<(), DriverError>> {
        Box::pin(async move {
            let Some(endpoint) = Endpoint::parse(ADDRESS) else { return Ok(()) };
            let address = link.read(endpoint).await?;
            if address.len() > LONGEST_ADDRESS {
                return Ok(());
            }
            link.write(packet(vec![1; LENGTH])).await?;
            Ok(link.write(packet(proof(&address))).await?)
        })
    }

    fn encode(&mut self, batch: &Batch<'_>, _: Instant) -> Result<Vec<Packet>, DriverError> {
        let packet = |change: &crate::driver::Change| Ok(packet(vec![3, 0x12, level_byte(change.output.value)?]));
        batch.changes.iter().map(packet).collect()
    }

    fn inputs(&self) -> Arc<dyn Inputs> {
        Arc::new(WithoutInputs)
    }
}

/// A packet, filled up with zeros.
fn packet(mut data: Vec<u8>) -> Packet {
    data.resize(LENGTH, 0);
    Packet { endpoint: Endpoint::TX, data, ack: true }
}
