//! How the inputs of a definition are measured.

use std::sync::Arc;
use std::sync::atomic::AtomicU8;

use crate::driver::{contract::Boxed, contract::DriverError, contract::Inputs};
use crate::library::InputRule;
use crate::link::{Link, Notification};
use crate::types::{Endpoint, InputKind};

use super::interpreter::run;
use super::scope::{Device, View};

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
                    let buffers = run(steps, &device, &link, device.buffers.clone(), feature).await?;
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
