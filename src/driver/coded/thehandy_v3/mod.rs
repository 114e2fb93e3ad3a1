//! The Handy with firmware 4 and later, and The Oh!: remote calls as protobuf messages (facts: protocols/thehandy-v3.md).

mod messages;
mod simulated;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::driver::{
    coded::without_inputs::WithoutInputs, contract::Batch, contract::Boxed, contract::Driver, contract::DriverError,
    contract::Inputs, contract::Protocol, simulated::SimulatedDevice, template,
};
use crate::library::{Definition, Hardware, Model};
use crate::link::{Link, LinkError, Packet};
use crate::types::{Endpoint, OutputKind};

use messages::{Call, Empty, HdspSet, HvpSet, Request, RpcMessage};
use simulated::SimulatedHandy;

/// Time for the answer to a question while connecting. The reference server waits without end, so that hardware which
/// does not answer never connects; what it answers does not matter.
const ANSWER: Duration = Duration::from_secs(1);
/// Vibrations have this frequency in Hz.
const FREQUENCY: u32 = 100;
/// The number of the first output; those before are for the questions.
const FIRST: u32 = 2;

/// The protocol of The Handy since firmware 4.
#[derive(Debug)]
pub struct TheHandyV3;

impl Protocol for TheHandyV3 {
    fn name(&self) -> &'static str {
        "thehandy-v3"
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
        Box::new(Caller { next: FIRST })
    }

    fn simulate(&self, model: &Model) -> Option<Box<dyn SimulatedDevice>> {
        Some(Box::new(SimulatedHandy::new(model)))
    }
}

struct Caller {
    /// The number of the next call.
    next: u32,
}

impl Driver for Caller {
    fn connect<'a>(&'a mut self, link: &'a Link) -> Boxed<'a, Result<(), DriverError>> {
        Box::pin(async move {
            link.subscribe(Endpoint::RX).await?;
            let questions = [
                Request { id: 1, battery_get: Some(Empty {}), ..Request::default() },
                Request { id: 2, capabilities_get: Some(Empty {}), ..Request::default() },
            ];
            for question in questions {
                let mut listener = link.listen();
                link.write(packet(question, false)).await?;
                match listener.next_on(Endpoint::RX, ANSWER).await {
                    Ok(_) | Err(LinkError::Timeout { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        })
    }

    fn encode(&mut self, batch: &Batch<'_>, _: Instant) -> Result<Vec<Packet>, DriverError> {
        let mut packets = Vec::new();
        for change in batch.changes {
            let output = change.output;
            let part = output.value as f32 / 100.0;
            let call = match output.kind {
                OutputKind::HwPositionWithDuration => Request {
                    // Without "stop on target", which spoils chained moves.
                    hdsp_set: Some(HdspSet { position: part, duration_ms: output.duration_ms, stop_on_target: false }),
                    ..Request::default()
                },
                OutputKind::Vibrate if output.value == 0 => Request { hvp_stop: Some(Empty {}), ..Request::default() },
                OutputKind::Vibrate => Request {
                    hvp_set: Some(HvpSet { amplitude: part, frequency: FREQUENCY, position: 0.0 }),
                    ..Request::default()
                },
                other => return Err(DriverError::Unexpected(format!("The Handy has no {other}"))),
            };
            packets.push(packet(Request { id: self.next, ..call }, true));
            // 0 would be no number.
            self.next = self.next.checked_add(1).unwrap_or(1);
        }
        Ok(packets)
    }

    fn inputs(&self) -> Arc<dyn Inputs> {
        Arc::new(WithoutInputs)
    }
}

fn packet(request: Request, ack: bool) -> Packet {
    use prost::Message as _;
    let message = RpcMessage { kind: Call::Request.into(), request: Some(request), response: None };
    Packet { endpoint: Endpoint::TX, data: message.encode_to_vec(), ack }
}
