//! Runs what a definition says: connect steps, packets for outputs, and inputs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::library::definition::{IdentifyForm, IdentifyFrom, InputRule};
use crate::library::template::{Line, Scope, Step};
use crate::library::{Definition, Hardware, Identify, Model};
use crate::link::{Link, LinkError, Listener, Notification, Packet};
use crate::message::{Endpoint, InputKind, OutputKind};

use super::{Batch, Boxed, Change, Driver, DriverError, Inputs, Levels, Protocol};

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

/// Finds the model's identifier as the definition says. The first source that the hardware has decides.
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
            let bytes = match from {
                IdentifyFrom::Name => hardware.name.clone().into_bytes(),
                IdentifyFrom::Manufacturer => match hardware.manufacturer.values().next() {
                    Some(data) => data.clone(),
                    None => continue,
                },
                IdentifyFrom::Read(endpoint) if link.has(*endpoint) => link.read(*endpoint).await?,
                IdentifyFrom::Read(_) => continue,
            };
            return Ok(identifier(form, &bytes));
        }
        Ok(None)
    })
}

fn identifier(form: &IdentifyForm, bytes: &[u8]) -> Option<String> {
    let text = || {
        let text = std::str::from_utf8(bytes).ok()?;
        Some(text.replace('\0', ""))
    };
    match form {
        IdentifyForm::Text => text(),
        IdentifyForm::Hex => Some(hex::encode(bytes)),
        IdentifyForm::U32Be => {
            let bytes: [u8; 4] = bytes.try_into().ok()?;
            Some(u32::from_be_bytes(bytes).to_string())
        }
        IdentifyForm::Part(split, part) => text()?.split(split.as_str()).nth(part.checked_sub(1)?).map(str::to_owned),
    }
}

/// What of a device does not change while it is connected.
struct Device {
    definition: Arc<Definition>,
    model: Arc<Model>,
    /// What the connect steps read.
    buffers: BTreeMap<String, Vec<u8>>,
    link: Link,
}

struct TemplateDriver {
    device: Arc<Device>,
    sequence: AtomicU8,
}

impl Driver for TemplateDriver {
    fn connect<'a>(&'a mut self, link: &'a Link) -> Boxed<'a, Result<(), DriverError>> {
        Box::pin(async move {
            let steps = &self.device.definition.connect;
            let buffers = run(steps, &self.device, link, BTreeMap::new()).await?;
            let Device { definition, model, link, .. } = &*self.device;
            let (definition, model, link) = (Arc::clone(definition), Arc::clone(model), link.clone());
            self.device = Arc::new(Device { definition, model, buffers, link });
            Ok(())
        })
    }

    fn encode(&mut self, batch: &Batch<'_>) -> Result<Vec<Packet>, DriverError> {
        let mut packets = Vec::new();
        let mut written: Vec<(*const Line, usize)> = Vec::new();
        for change in batch.changes {
            let Some(lines) = self.device.definition.write.get(&change.output.kind) else {
                continue;
            };
            let scope = View {
                device: &self.device,
                buffers: &self.device.buffers,
                extra: None,
                levels: Some(batch.levels),
                change: Some(change),
                sequence: &self.sequence,
            };
            for line in lines {
                if !line.applies(&scope)? {
                    continue;
                }
                let packet = Packet { endpoint: line.endpoint(), data: line.render(&scope)?, ack: line.ack() };
                // One packet for several motors comes out alike for each of them: once is enough.
                let again = written.iter().any(|(earlier, at)| {
                    std::ptr::eq(*earlier, line) && packets.get(*at).is_some_and(|earlier| *earlier == packet)
                });
                if !again || line.uses_sequence() {
                    written.push((std::ptr::from_ref(line), packets.len()));
                    packets.push(packet);
                }
            }
        }
        Ok(packets)
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
                    let buffers = run(steps, &device, &link, device.buffers.clone()).await?;
                    let sequence = AtomicU8::new(0);
                    let change = at(feature);
                    let scope = View {
                        device: &device,
                        buffers: &buffers,
                        extra: None,
                        levels: None,
                        change: Some(&change),
                        sequence: &sequence,
                    };
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
        let change = at(feature);
        let scope = View {
            device: self,
            buffers: &self.buffers,
            extra: Some(("b", &notification.data)),
            levels: None,
            change: Some(&change),
            sequence: &sequence,
        };
        if let Some(when) = when
            && when.value(&scope).ok()? == 0.0
        {
            return None;
        }
        whole(value.value(&scope).ok()?).ok()
    }
}

/// A change that only says which feature is meant.
fn at(feature: u32) -> Change {
    let output = crate::message::Output { kind: OutputKind::Vibrate, value: 0, duration_ms: 0 };
    Change { feature, output, previous: 0 }
}

fn whole(value: f64) -> Result<i32, DriverError> {
    let range = f64::from(i32::MIN)..=f64::from(i32::MAX);
    if range.contains(&value) {
        Ok(value.trunc() as i32)
    } else {
        Err(DriverError::Unexpected(format!("a value of {value} is none that can be reported")))
    }
}

/// Runs steps one after the other and returns what they read, beside what was known before.
async fn run(
    steps: &[Step],
    device: &Device,
    link: &Link,
    mut buffers: BTreeMap<String, Vec<u8>>,
) -> Result<BTreeMap<String, Vec<u8>>, DriverError> {
    let mut heard: Listener = link.listen();
    let sequence = AtomicU8::new(0);
    for step in steps {
        let scope = View { device, buffers: &buffers, extra: None, levels: None, change: None, sequence: &sequence };
        let (name, bytes) = match step {
            Step::Write(line) => {
                if line.applies(&scope)? {
                    let packet = Packet { endpoint: line.endpoint(), data: line.render(&scope)?, ack: line.ack() };
                    link.write(packet).await?;
                }
                continue;
            }
            Step::Subscribe(endpoint) => {
                link.subscribe(*endpoint).await?;
                continue;
            }
            Step::Unsubscribe(endpoint) => {
                link.unsubscribe(*endpoint).await?;
                continue;
            }
            Step::Sleep(time) => {
                link.sleep(*time).await;
                continue;
            }
            Step::Expect(condition) => {
                if condition.value(&scope)? == 0.0 {
                    let reason = format!("the hardware did not answer as expected: {}", condition.source());
                    return Err(DriverError::Unexpected(reason));
                }
                continue;
            }
            Step::Wait { endpoint, limit, name } => (name, heard.next_on(*endpoint, *limit).await?),
            Step::Maybe { endpoint, limit, name } => match heard.next_on(*endpoint, *limit).await {
                Ok(bytes) => (name, bytes),
                Err(LinkError::Timeout { .. }) => (name, Vec::new()),
                Err(error) => return Err(error.into()),
            },
            Step::Read { endpoint, name } => (name, link.read(*endpoint).await?),
        };
        if let Some(name) = name {
            buffers.insert(name.clone(), bytes);
        }
    }
    Ok(buffers)
}

/// What a template can see while it is rendered.
struct View<'a> {
    device: &'a Device,
    buffers: &'a BTreeMap<String, Vec<u8>>,
    extra: Option<(&'a str, &'a [u8])>,
    levels: Option<&'a Levels>,
    change: Option<&'a Change>,
    sequence: &'a AtomicU8,
}

impl Scope for View<'_> {
    fn value(&self) -> f64 {
        self.change.map_or(0.0, |change| change.output.value.into())
    }

    fn duration(&self) -> f64 {
        self.change.map_or(0.0, |change| change.output.duration_ms.into())
    }

    fn index(&self) -> f64 {
        self.change.map_or(0.0, |change| change.feature.into())
    }

    fn previous(&self) -> f64 {
        self.change.map_or(0.0, |change| change.previous.into())
    }

    fn feature(&self, index: u32) -> f64 {
        self.levels.map_or(0.0, |levels| levels.feature(index).into())
    }

    fn outputs(&self, kind: Option<OutputKind>) -> Vec<(u32, f64)> {
        match self.levels {
            Some(levels) => levels.outputs(kind).into_iter().map(|(index, value)| (index, value.into())).collect(),
            None => Levels::new(&self.device.model).outputs(kind).iter().map(|(index, _)| (*index, 0.0)).collect(),
        }
    }

    fn param(&self, name: &str) -> Option<f64> {
        self.device.model.set.get(name).copied()
    }

    fn buffer(&self, name: &str) -> Option<&[u8]> {
        match self.extra {
            Some((known, bytes)) if known == name => Some(bytes),
            _ => self.buffers.get(name).map(Vec::as_slice),
        }
    }

    fn has(&self, endpoint: Endpoint) -> bool {
        self.device.link.has(endpoint)
    }

    fn next_sequence(&self) -> u8 {
        self.sequence.fetch_add(1, Ordering::Relaxed)
    }
}
