//! Honey Play Box: numbered, signed frames that carry the levels of all motors (facts: protocols/honeyplaybox.md).

mod frame;
mod simulated;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::driver::{
    coded::level_byte::level_byte, coded::standard_battery::StandardBattery, contract::Batch, contract::Boxed,
    contract::Driver, contract::DriverError, contract::Inputs, contract::Protocol, simulated::SimulatedDevice,
    template,
};
use crate::library::{Definition, Hardware, Model};
use crate::link::{Link, LinkError, Packet};
use crate::types::{Endpoint, OutputKind};

use frame::{FINE, HELLO, HELLO_DATA, LEVELS, SIGNATURE, Token, signature};
use simulated::SimulatedHoneyPlayBox;

/// Answers that are waited for before the toy is asked once more, and how many of these may not come in all. Each wait is a
/// second longer than the one before.
const WAITS: usize = 3;
const MISSED: u32 = 3;

/// The protocol of Honey Play Box.
#[derive(Debug)]
pub struct HoneyPlayBox;

impl Protocol for HoneyPlayBox {
    fn name(&self) -> &'static str {
        "honeyplaybox"
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
        Box::new(Toy { number: 0, token: Token::default() })
    }

    fn simulate(&self, model: &Model) -> Option<Box<dyn SimulatedDevice>> {
        Some(Box::new(SimulatedHoneyPlayBox::new(model)))
    }
}

struct Toy {
    /// The number of the last frame.
    number: u8,
    token: Token,
}

impl Toy {
    /// A frame with the bytes of every motor, under the next number.
    fn levels(&mut self, groups: &[u8]) -> Packet {
        self.number = self.number.wrapping_add(1);
        let data = [groups, &signature(groups, &self.token)].concat();
        Packet { endpoint: Endpoint::TX, data: frame::frame(self.number, LEVELS, &data), ack: true }
    }
}

impl Driver for Toy {
    fn connect<'a>(&'a mut self, link: &'a Link) -> Boxed<'a, Result<(), DriverError>> {
        Box::pin(async move {
            let mut heard = link.listen();
            link.subscribe(Endpoint::RX).await?;
            let (mut bytes, mut missed) = (Vec::new(), 0);
            loop {
                let hello = frame::frame(self.number, HELLO, &HELLO_DATA);
                link.write(Packet { endpoint: Endpoint::TX, data: hello, ack: true }).await?;
                self.number = self.number.wrapping_add(1);
                for _ in 0..WAITS {
                    match heard.next_on(Endpoint::RX, Duration::from_secs((missed + 1).into())).await {
                        Ok(part) => bytes.extend(part),
                        Err(LinkError::Timeout { .. }) if missed < MISSED => missed += 1,
                        Err(error) => return Err(error.into()),
                    }
                    if let Some(token) = token(&mut bytes)? {
                        self.token = token;
                        return Ok(());
                    }
                }
            }
        })
    }

    fn encode(&mut self, batch: &Batch<'_>, _: Instant) -> Result<Vec<Packet>, DriverError> {
        if batch.changes.is_empty() {
            return Ok(Vec::new());
        }
        let mut groups = Vec::new();
        for ((feature, value), motor) in batch.levels.outputs(None).into_iter().zip(0_u8..16) {
            let pumps = batch.levels.kind(feature) == Some(OutputKind::Constrict);
            let strength = level_byte(if pumps && value > 0 { 100 + value } else { value })?;
            // For six seconds, which end before they are over if nothing comes after this.
            groups.extend([motor << 4 | 1, 0, 5, 0, 60, 0, 0, strength]);
        }
        Ok(vec![self.levels(&groups)])
    }

    /// The toy takes no number twice.
    fn again(&mut self, last: &[Packet]) -> Vec<Packet> {
        let groups = last.iter().filter_map(|packet| {
            let (_, data) = frame::parts(&packet.data)?;
            let (groups, _) = data.split_at_checked(data.len().checked_sub(SIGNATURE)?)?;
            Some(groups.to_vec())
        });
        groups.collect::<Vec<_>>().iter().map(|groups| self.levels(groups)).collect()
    }

    fn inputs(&self) -> Arc<dyn Inputs> {
        Arc::new(StandardBattery)
    }
}

/// The token in what has come so far, if it is whole.
fn token(heard: &mut Vec<u8>) -> Result<Option<Token>, DriverError> {
    while let Some(frame) = frame::cut(heard) {
        let Some((_, [high, low, rest @ ..])) = frame::parts(&frame) else { continue };
        if [*high, *low] != FINE {
            let said = hex::encode(&frame);
            return Err(DriverError::Unexpected(format!("the toy does not take the handshake; it says {said}")));
        }
        if let Some(token) = rest.first_chunk::<16>() {
            return Ok(Some(*token));
        }
    }
    Ok(None)
}
