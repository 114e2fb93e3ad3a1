//! Fluffer: encrypted frames, and a proof at the start that is made from what the toy advertises (facts:
//! protocols/fluffer.md).

mod simulated;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::driver::{
    coded::aes_block, coded::level_byte::level_byte, coded::without_inputs::WithoutInputs, contract::Batch,
    contract::Boxed, contract::Driver, contract::DriverError, contract::Inputs, contract::Protocol,
    simulated::SimulatedDevice, template,
};
use crate::library::{Definition, Hardware, Model};
use crate::link::{Link, Packet};
use crate::types::Endpoint;

use simulated::SimulatedFluffer;
use wire::{KEY, WELCOME};

/// The company whose data the toys advertise, and the high byte of its number.
const COMPANY: u16 = 0x684A;
const COMPANY_HIGH: u8 = 0x68;
/// What the proof is salted with. The toy takes any four bytes; that they are always these gives nothing away, since the
/// key is in every copy of the maker's app.
const SALT: [u8; 4] = *b"hapt";
/// Time for that. The reference server waits without end.
const ANSWER: Duration = Duration::from_secs(3);

/// The protocol of Fluffer.
#[derive(Debug)]
pub struct Fluffer;

impl Protocol for Fluffer {
    fn name(&self) -> &'static str {
        "fluffer"
    }

    /// The model is the advertised name. What proves that this is no stranger is made from the advertisement, which is
    /// known here alone.
    fn identify<'a>(
        &'a self,
        definition: &'a Definition,
        hardware: &'a Hardware,
        link: &'a Link,
    ) -> Boxed<'a, Result<Option<String>, DriverError>> {
        Box::pin(async move {
            link.subscribe(Endpoint::RX).await?;
            if let Some([first, rest @ ..]) = hardware.manufacturer.get(&COMPANY).map(Vec::as_slice) {
                let mut heard = link.listen();
                link.write(packet(&proof(*first, rest))).await?;
                let answer = heard.next_on(Endpoint::RX, ANSWER).await?;
                if aes_block::decrypt(KEY, &answer).as_deref() != Some(&WELCOME) {
                    let answer = hex::encode(answer);
                    return Err(DriverError::Unexpected(format!("the toy does not take the proof; it says {answer}")));
                }
                link.write(packet(&[0x82, 0x0E, 2, 0, 1])).await?;
            }
            template::identify(definition, hardware, link).await
        })
    }

    fn open(&self, _: &Arc<Definition>, _: &Arc<Model>, _: &Link) -> Box<dyn Driver> {
        Box::new(Toy)
    }

    fn simulate(&self, model: &Model) -> Option<Box<dyn SimulatedDevice>> {
        Some(Box::new(SimulatedFluffer::new(model)))
    }
}

/// The message of the proof, from what is advertised behind the company's number.
fn proof(first: u8, rest: &[u8]) -> Vec<u8> {
    let key = first ^ COMPANY_HIGH;
    let plain = rest.iter().take(4).map(|byte| if *byte == 0 || *byte == key { *byte } else { byte ^ key });
    let mut hash = Sha256::new_with_prefix(SALT);
    hash.update(plain.collect::<Vec<u8>>());
    let hash = hash.finalize();
    [0xA5, 1, 8].into_iter().chain(SALT).chain(hash.iter().take(4).copied()).collect()
}

fn packet(message: &[u8]) -> Packet {
    Packet { endpoint: Endpoint::TX, data: aes_block::encrypt(KEY, message), ack: false }
}

struct Toy;

impl Driver for Toy {
    fn encode(&mut self, batch: &Batch<'_>, _: Instant) -> Result<Vec<Packet>, DriverError> {
        if batch.changes.is_empty() {
            return Ok(Vec::new());
        }
        let mut slots = [0; 2];
        for (slot, (_, value)) in slots.iter_mut().zip(batch.levels.outputs(None)) {
            // Above 100 it turns the other way.
            *slot = level_byte(if value < 0 { 100 - value } else { value })?;
        }
        let [one, other] = slots;
        Ok(vec![packet(&[0x82, 0x0F, 5, 0, one, other, 0, 0])])
    }

    fn inputs(&self) -> Arc<dyn Inputs> {
        Arc::new(WithoutInputs)
    }
}
