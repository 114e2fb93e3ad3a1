//! The Handy with firmware up to 3: timed moves as protobuf messages (facts: protocols/thehandy.md).

mod messages;
mod simulated;

use std::sync::Arc;

use prost::Message as _;
use tokio::time::Instant;

use crate::driver::{
    coded::without_inputs::WithoutInputs, contract::Batch, contract::Boxed, contract::Driver, contract::DriverError,
    contract::Inputs, contract::Protocol, simulated::SimulatedDevice, template,
};
use crate::library::{Definition, Hardware, Model};
use crate::link::{Link, Packet};
use crate::types::{Endpoint, OutputKind};

use messages::{LinearCmd, Message, Payload, Vector};
use simulated::SimulatedHandy;

/// Every command carries it. Replies, which would name it, are not read.
const ID: u32 = 2;

/// The protocol of The Handy before firmware 4.
#[derive(Debug)]
pub struct TheHandy;

impl Protocol for TheHandy {
    fn name(&self) -> &'static str {
        "thehandy"
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
        Box::new(Stroker)
    }

    fn simulate(&self, model: &Model) -> Option<Box<dyn SimulatedDevice>> {
        Some(Box::new(SimulatedHandy::new(model)))
    }
}

struct Stroker;

impl Driver for Stroker {
    fn encode(&mut self, batch: &Batch<'_>, _: Instant) -> Result<Vec<Packet>, DriverError> {
        let moves = batch.changes.iter().filter(|change| change.output.kind == OutputKind::HwPositionWithDuration);
        let packet = |change: &crate::driver::Change| {
            let vector = Vector {
                index: 0,
                duration_ms: change.output.duration_ms,
                position: f64::from(change.output.value) / 100.0,
            };
            let command = LinearCmd { id: ID, device_index: 0, vectors: vec![vector] };
            let payload = Payload { messages: vec![Message { linear_cmd: Some(command) }] };
            Packet { endpoint: Endpoint::TX, data: payload.encode_to_vec(), ack: true }
        };
        Ok(moves.map(packet).collect())
    }

    fn inputs(&self) -> Arc<dyn Inputs> {
        Arc::new(WithoutInputs)
    }
}
