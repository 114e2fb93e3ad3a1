//! Runs the steps of a definition.

use std::sync::atomic::AtomicU8;
use std::time::Duration;

use crate::driver::contract::DriverError;
use crate::library::{template::Expression, template::Step};
use crate::link::{Link, LinkError, Listener, Packet};
use crate::types::Endpoint;

use super::scope::{Buffers, Device, View};

/// Runs steps one after the other and returns what they read, beside what was known before.
pub(super) async fn run(
    steps: &[Step],
    device: &Device,
    link: &Link,
    buffers: Buffers,
    feature: u32,
) -> Result<Buffers, DriverError> {
    let mut runner = Runner { device, link, buffers, feature, heard: link.listen(), sequence: AtomicU8::new(0) };
    for step in steps {
        runner.step(step).await?;
    }
    Ok(runner.buffers)
}

struct Runner<'a> {
    device: &'a Device,
    link: &'a Link,
    buffers: Buffers,
    feature: u32,
    heard: Listener,
    sequence: AtomicU8,
}

impl Runner<'_> {
    fn scope(&self) -> View<'_> {
        View { feature: self.feature, ..View::new(self.device, &self.buffers, &self.sequence) }
    }

    async fn step(&mut self, mut step: &Step) -> Result<(), DriverError> {
        while let Step::If(condition, then) = step {
            if !condition.holds(&self.scope())? {
                return Ok(());
            }
            step = then;
        }
        let (name, bytes) = match step {
            Step::If(..) => return Ok(()),
            Step::Write(line) => {
                if line.applies(&self.scope())? {
                    let packet =
                        Packet { endpoint: line.endpoint(), data: line.encode(&self.scope())?, ack: line.ack() };
                    self.forget();
                    self.link.write(packet).await?;
                }
                return Ok(());
            }
            Step::Subscribe(endpoint) => {
                self.forget();
                return Ok(self.link.subscribe(*endpoint).await?);
            }
            Step::Unsubscribe(endpoint) => return Ok(self.link.unsubscribe(*endpoint).await?),
            Step::Sleep(time) => {
                self.link.sleep(*time).await;
                return Ok(());
            }
            Step::Expect(condition) => {
                if condition.holds(&self.scope())? {
                    return Ok(());
                }
                let reason = format!("the hardware did not answer as expected: {}", condition.source());
                return Err(DriverError::Unexpected(reason));
            }
            Step::Wait { endpoint, limit, name, when } => {
                (name, self.wait(*endpoint, *limit, name.as_deref(), when.as_ref()).await?)
            }
            Step::Maybe { endpoint, limit, name, when } => {
                match self.wait(*endpoint, *limit, name.as_deref(), when.as_ref()).await {
                    Ok(bytes) => (name, bytes),
                    Err(DriverError::Link(LinkError::Timeout { .. })) => (name, Vec::new()),
                    Err(error) => return Err(error),
                }
            }
            Step::Read { endpoint, name } => (name, self.link.read(*endpoint).await?),
        };
        if let Some(name) = name {
            self.buffers.insert(name.clone(), bytes);
        }
        Ok(())
    }

    /// What was heard so far answers nothing that is said from now on.
    fn forget(&mut self) {
        self.heard = self.link.listen();
    }

    /// The next notification that counts.
    async fn wait(
        &mut self,
        endpoint: Endpoint,
        limit: Duration,
        name: Option<&str>,
        when: Option<&Expression>,
    ) -> Result<Vec<u8>, DriverError> {
        let until = self.link.clock().now() + limit;
        loop {
            let left = until.saturating_duration_since(self.link.clock().now());
            let bytes = match self.heard.next_on(endpoint, left).await {
                // What is left after those that do not count is nobody's limit.
                Err(LinkError::Timeout { what, .. }) => {
                    let limit_ms = limit.as_millis();
                    return Err(LinkError::Timeout { what, limit_ms }.into());
                }
                heard => heard?,
            };
            let Some(when) = when else { return Ok(bytes) };
            let scope = View { heard: Some((name.unwrap_or("b"), &bytes)), ..self.scope() };
            // One for which the condition has no value does not count either; it must not hide those after it.
            if when.holds(&scope).unwrap_or(false) {
                return Ok(bytes);
            }
            // Where something is always at hand, the limit of the wait itself never strikes.
            if left.is_zero() {
                let what = format!("waiting for {endpoint}");
                return Err(LinkError::Timeout { what, limit_ms: limit.as_millis() }.into());
            }
        }
    }
}
