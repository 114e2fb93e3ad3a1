//! Galaku, and its pump: enciphered frames that carry the levels of all motors (facts: protocols/galaku.md,
//! galaku-pump.md).

mod cipher;
mod simulated;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::driver::{
    coded::level_byte::level_byte, contract::Batch, contract::Boxed, contract::Driver, contract::DriverError,
    contract::Inputs, contract::Protocol, simulated::SimulatedDevice, template,
};
use crate::library::{Definition, Hardware, Model};
use crate::link::{Link, Packet};
use crate::types::{Endpoint, InputKind};

use simulated::SimulatedGalaku;

/// The one that takes its levels as they are.
const PLAIN: &str = "AC695X_1(BLE)";
/// Time for the answer; none is published.
const ANSWER: Duration = Duration::from_secs(3);

/// The protocol of Galaku and its pump.
#[derive(Debug)]
pub struct Galaku;

/// What the frames with levels look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    One,
    Two,
    Pump,
    Plain,
}

impl Form {
    fn of(definition: &Definition, model: &Model) -> Self {
        match model.features.iter().filter(|feature| !feature.outputs.is_empty()).count() {
            _ if definition.protocol.starts_with("galaku-pump") => Self::Pump,
            _ if model.ids.iter().any(|id| id == PLAIN) => Self::Plain,
            0 | 1 => Self::One,
            _ => Self::Two,
        }
    }
}

impl Protocol for Galaku {
    fn name(&self) -> &'static str {
        "galaku"
    }

    fn identify<'a>(
        &'a self,
        definition: &'a Definition,
        hardware: &'a Hardware,
        link: &'a Link,
    ) -> Boxed<'a, Result<Option<String>, DriverError>> {
        template::identify(definition, hardware, link)
    }

    fn open(&self, definition: &Arc<Definition>, model: &Arc<Model>, _: &Link) -> Box<dyn Driver> {
        Box::new(Toy { form: Form::of(definition, model) })
    }

    fn simulate(&self, model: &Model) -> Option<Box<dyn SimulatedDevice>> {
        Some(Box::new(SimulatedGalaku::new(model)))
    }
}

struct Toy {
    form: Form,
}

impl Driver for Toy {
    fn encode(&mut self, batch: &Batch<'_>, _: Instant) -> Result<Vec<Packet>, DriverError> {
        if batch.changes.is_empty() {
            return Ok(Vec::new());
        }
        let levels: Result<Vec<u8>, _> =
            batch.levels.outputs(None).iter().map(|(_, value)| level_byte(*value)).collect();
        let levels = levels?;
        let level = |at: usize| levels.get(at).copied().unwrap_or(0);
        let data = match self.form {
            Form::One => cipher::encode([0x5A, 0, 0, 1, 0x31, level(0), 0, 0, 0, 0]),
            Form::Two => cipher::encode([0x5A, 0, 0, 1, 0x40, 3, level(0), level(1), 0, 0]),
            Form::Pump => cipher::encode([0x5A, 0, 0, 1, 0x60, 3, level(0), level(1), 0, 0]),
            Form::Plain => [[0xAA, 1, 0x0A, 3, level(0), u8::from(level(0) > 0)].as_slice(), &[0; 10]].concat(),
        };
        Ok(vec![Packet { endpoint: Endpoint::TX, data, ack: self.form == Form::Pump }])
    }

    fn inputs(&self) -> Arc<dyn Inputs> {
        Arc::new(Battery)
    }
}

struct Battery;

impl Inputs for Battery {
    fn read(&self, _: u32, kind: InputKind, link: Link) -> Boxed<'static, Result<i32, DriverError>> {
        Box::pin(async move {
            if kind != InputKind::Battery {
                return Err(DriverError::Unexpected(format!("this hardware has no {kind}")));
            }
            link.subscribe(Endpoint::BATTERY).await?;
            let mut heard = link.listen();
            link.write(Packet { endpoint: Endpoint::TX, data: cipher::encode(cipher::BATTERY), ack: true }).await?;
            let answer = heard.next_on(Endpoint::BATTERY, ANSWER).await?;
            // The reference takes the first byte of what comes, which is 35 in every frame.
            match (cipher::decode(&answer), answer.as_slice()) {
                (Some([_, _, _, percent, ..]), _) | (None, &[percent]) => Ok(i32::from(percent).min(100)),
                _ => Err(DriverError::Unexpected(format!("{} is no answer about the battery", hex::encode(answer)))),
            }
        })
    }
}
