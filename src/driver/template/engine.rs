//! The protocol and the driver of every definition without a coded driver.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;

use tokio::time::Instant;

use crate::driver::{
    contract::Batch, contract::Boxed, contract::Driver, contract::DriverError, contract::Inputs, contract::Protocol,
};
use crate::library::{Definition, Hardware, Model};
use crate::link::{Link, Packet};

use super::identify::identify;
use super::interpreter::run;
use super::scope::{Device, View};

/// The protocol of every definition without a coded driver.
#[derive(Debug)]
pub struct Template;

impl Protocol for Template {
    fn name(&self) -> &'static str {
        "template"
    }

    fn identify<'a>(
        &'a self,
        definition: &'a Definition,
        hardware: &'a Hardware,
        link: &'a Link,
    ) -> Boxed<'a, Result<Option<String>, DriverError>> {
        identify(definition, hardware, link)
    }

    fn open(&self, definition: &Arc<Definition>, model: &Arc<Model>, link: &Link) -> Box<dyn Driver> {
        let device = Device {
            definition: Arc::clone(definition),
            model: Arc::clone(model),
            buffers: BTreeMap::new(),
            link: link.clone(),
        };
        Box::new(TemplateDriver { device: Arc::new(device), sequence: AtomicU8::new(0) })
    }
}

struct TemplateDriver {
    device: Arc<Device>,
    sequence: AtomicU8,
}

impl Driver for TemplateDriver {
    fn connect<'a>(&'a mut self, link: &'a Link) -> Boxed<'a, Result<(), DriverError>> {
        Box::pin(async move {
            let steps = &self.device.definition.connect;
            let buffers = run(steps, &self.device, link, BTreeMap::new(), 0).await?;
            let Device { definition, model, link, .. } = &*self.device;
            let (definition, model, link) = (Arc::clone(definition), Arc::clone(model), link.clone());
            self.device = Arc::new(Device { definition, model, buffers, link });
            Ok(())
        })
    }

    fn encode(&mut self, batch: &Batch<'_>, _: Instant) -> Result<Vec<Packet>, DriverError> {
        let mut packets: Vec<Packet> = Vec::new();
        let mut sent: Vec<(&str, usize)> = Vec::new();
        for change in batch.changes {
            let before = packets.len();
            let Some(lines) = self.device.definition.write.get(&change.output.kind) else {
                continue;
            };
            let scope = View {
                levels: Some(batch.levels),
                change: Some(change),
                ..View::new(&self.device, &self.device.buffers, &self.sequence)
            };
            for line in lines {
                if !line.applies(&scope)? {
                    continue;
                }
                let packet = Packet { endpoint: line.endpoint(), data: line.encode(&scope)?, ack: line.ack() };
                // One packet for several motors comes out alike for each of them, whatever their kinds: once is enough.
                let again = sent.iter().any(|(source, at)| {
                    *at < before && *source == line.source() && packets.get(*at).is_some_and(|other| *other == packet)
                });
                if !again || line.uses_sequence() {
                    sent.push((line.source(), packets.len()));
                    packets.push(packet);
                }
            }
        }
        Ok(packets)
    }

    fn position(&self, feature: u32) -> Option<i32> {
        let expression = self.device.definition.start_position.as_ref()?;
        let mut outputs = self.device.model.outputs();
        let (_, axis) = outputs.find(|(index, output)| *index == feature && output.kind.is_position())?;
        let scope = View { feature, ..View::new(&self.device, &self.device.buffers, &self.sequence) };
        match expression.value(&scope) {
            Ok(position) => Some((position.round() as i32).clamp(axis.min, axis.max)),
            Err(error) => {
                tracing::warn!("{} does not tell its position: {error}", self.device.model.name);
                None
            }
        }
    }

    fn inputs(&self) -> Arc<dyn Inputs> {
        Arc::clone(&self.device) as Arc<dyn Inputs>
    }
}
