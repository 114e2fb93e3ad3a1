//! Runs what a definition says: connect steps, packets for outputs, and inputs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;

use crate::library::{
    Definition, Hardware, Identify, Model, definition::IdentifyForm, definition::IdentifyFrom, definition::InputRule,
    hardware::trimmed,
};
use crate::link::{Link, Notification, Packet};
use crate::types::{Endpoint, InputKind};

use super::steps::{self, View};
use super::{Batch, Boxed, Driver, DriverError, Inputs, Protocol};

/// The protocol of every definition without a coded driver.
#[derive(Debug)]
pub struct Template;

impl Protocol for Template {
    fn name(&self) -> &'static str {
        "template"
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

/// Finds the model's identifier as the definition says. The first source that gives one decides: an advertisement or a
/// value that cannot be read as the definition says is no answer, and hides none of the sources after it.
#[must_use]
pub fn identify<'a>(
    definition: &'a Definition,
    hardware: &'a Hardware,
    link: &'a Link,
) -> Boxed<'a, Result<Option<String>, DriverError>> {
    Box::pin(async move {
        if definition.identify.is_empty() {
            return Ok(Some(hardware.name.clone()));
        }
        for Identify { from, form } in &definition.identify {
            let found = match from {
                IdentifyFrom::Name => identifier(form, hardware.name.as_bytes()),
                IdentifyFrom::Manufacturer => hardware.manufacturer.values().find_map(|data| identifier(form, data)),
                IdentifyFrom::Read(endpoint) if link.has(*endpoint) => identifier(form, &link.read(*endpoint).await?),
                IdentifyFrom::Read(_) => None,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    })
}

fn identifier(form: &IdentifyForm, bytes: &[u8]) -> Option<String> {
    let text = || {
        let text = std::str::from_utf8(bytes).ok()?;
        Some(trimmed(&text.replace('\0', "")).to_owned())
    };
    let found = match form {
        IdentifyForm::Text => text(),
        IdentifyForm::Hex => Some(hex::encode(bytes)),
        IdentifyForm::U32Be => {
            let bytes: [u8; 4] = bytes.try_into().ok()?;
            Some(u32::from_be_bytes(bytes).to_string())
        }
        IdentifyForm::Part(split, part) => text()?.split(split.as_str()).nth(part.checked_sub(1)?).map(str::to_owned),
    };
    found.filter(|found| !found.is_empty())
}

/// What of a device does not change while it is connected.
pub(super) struct Device {
    pub(super) definition: Arc<Definition>,
    pub(super) model: Arc<Model>,
    /// What the connect steps read.
    pub(super) buffers: BTreeMap<String, Vec<u8>>,
    pub(super) link: Link,
}

struct TemplateDriver {
    device: Arc<Device>,
    sequence: AtomicU8,
}

impl Driver for TemplateDriver {
    fn connect<'a>(&'a mut self, link: &'a Link) -> Boxed<'a, Result<(), DriverError>> {
        Box::pin(async move {
            let steps = &self.device.definition.connect;
            let buffers = steps::run(steps, &self.device, link, BTreeMap::new(), 0).await?;
            let Device { definition, model, link, .. } = &*self.device;
            let (definition, model, link) = (Arc::clone(definition), Arc::clone(model), link.clone());
            self.device = Arc::new(Device { definition, model, buffers, link });
            Ok(())
        })
    }

    fn encode(&mut self, batch: &Batch<'_>) -> Result<Vec<Packet>, DriverError> {
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
                let packet = Packet { endpoint: line.endpoint(), data: line.render(&scope)?, ack: line.ack() };
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

impl Inputs for Device {
    fn read(&self, feature: u32, kind: InputKind, link: Link) -> Boxed<'static, Result<i32, DriverError>> {
        let device = Device {
            definition: Arc::clone(&self.definition),
            model: Arc::clone(&self.model),
            buffers: self.buffers.clone(),
            link: link.clone(),
        };
        Box::pin(async move {
            match device.definition.inputs.get(&kind) {
                Some(InputRule::Read { steps, value }) => {
                    let buffers = steps::run(steps, &device, &link, device.buffers.clone(), feature).await?;
                    let sequence = AtomicU8::new(0);
                    let scope = View { feature, ..View::new(&device, &buffers, &sequence) };
                    whole(value.value(&scope)?)
                }
                Some(InputRule::Stream { .. }) => {
                    Err(DriverError::Unexpected(format!("{kind} can only be listened to")))
                }
                None => match link.read(Endpoint::BATTERY).await?.first() {
                    Some(level) => Ok(i32::from(*level).min(100)),
                    None => Err(DriverError::Unexpected("the battery level is empty".to_owned())),
                },
            }
        })
    }

    fn stream(&self, _: u32, kind: InputKind) -> Option<Endpoint> {
        match self.definition.inputs.get(&kind)? {
            InputRule::Stream { endpoint, .. } => Some(*endpoint),
            InputRule::Read { .. } => None,
        }
    }

    fn value(&self, feature: u32, kind: InputKind, notification: &Notification) -> Option<i32> {
        let InputRule::Stream { endpoint, when, value } = self.definition.inputs.get(&kind)? else {
            return None;
        };
        if *endpoint != notification.endpoint {
            return None;
        }
        let sequence = AtomicU8::new(0);
        let scope =
            View { feature, heard: Some(("b", &notification.data)), ..View::new(self, &self.buffers, &sequence) };
        if let Some(when) = when
            && when.value(&scope).ok()? == 0.0
        {
            return None;
        }
        whole(value.value(&scope).ok()?).ok()
    }
}

fn whole(value: f64) -> Result<i32, DriverError> {
    let range = f64::from(i32::MIN)..=f64::from(i32::MAX);
    if range.contains(&value) {
        Ok(value.trunc() as i32)
    } else {
        Err(DriverError::Unexpected(format!("a value of {value} is none that can be reported")))
    }
}
