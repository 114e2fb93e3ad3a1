//! The actor of a connected device: it lives as long as one connection.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix::prelude::*;

use super::handle::DeviceHandle;
use super::last_stop::LAST_STOP;
use super::messages::{ActorAddress, Close, Exit, Exited, Opened, Read, Subscribe, Unsubscribe};
use super::writer::{WritePolicy, Writer};
use crate::driver::{Boxed, DriverError, Inputs};
use crate::events::Metrics;
use crate::inspect::Inspect;
use crate::link::{Link, Listener, Notification};
use crate::types::{ActorState, ActorStatus, Reading};

/// Tells the supervisor when the actor is dropped, for whatever reason: actix's own supervisor does not notice a
/// panic (facts: actix.md section 2).
struct Guard {
    to: Recipient<Exited>,
    index: u32,
    generation: u64,
    exit: Exit,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let exit = std::mem::replace(&mut self.exit, Exit::Lost);
        self.to.do_send(Exited { index: self.index, generation: self.generation, exit });
    }
}

/// The actor of one connection of a device.
pub struct DeviceActor {
    device: DeviceHandle,
    opened: Option<Opened>,
    link: Link,
    inputs: Arc<dyn Inputs>,
    pace: WritePolicy,
    metrics: Metrics,
    closing: bool,
    guard: Guard,
}

impl std::fmt::Debug for DeviceActor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DeviceActor({:?})", self.device)
    }
}

impl DeviceActor {
    /// Makes the actor; `to` is told when it ends.
    #[must_use]
    pub fn new(
        device: DeviceHandle,
        opened: Opened,
        generation: u64,
        to: Recipient<Exited>,
        pace: WritePolicy,
        metrics: Metrics,
    ) -> Self {
        // Until it ends in an ordinary way, the reason is the extraordinary one.
        let guard = Guard { to, index: device.index(), generation, exit: Exit::Panicked };
        let (link, inputs) = (opened.link.clone(), opened.driver.inputs());
        Self { device, opened: Some(opened), link, inputs, pace, metrics, closing: false, guard }
    }

    /// Starts the actor, on this thread or that of `arbiter`. When this returns, questions reach it, though on another
    /// thread it may not have begun yet.
    pub fn begin(self, arbiter: Option<&ArbiterHandle>) {
        let (shared, generation) = (Arc::clone(&self.device.shared), self.guard.generation);
        let address = match arbiter {
            Some(arbiter) => Self::start_in_arbiter(arbiter, |_| self),
            None => self.start(),
        };
        shared.actor.store(Some(Arc::new(ActorAddress {
            generation,
            read: address.clone().recipient(),
            subscribe: address.clone().recipient(),
            unsubscribe: address.clone().recipient(),
            close: address.clone().recipient(),
            describe: address.recipient(),
        })));
        shared.driven.send_replace(true);
    }

    fn end(&mut self, exit: Exit, ctx: &mut Context<Self>) {
        self.guard.exit = exit;
        ctx.stop();
    }
}

impl Actor for DeviceActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let Some(Opened { link, driver }) = self.opened.take() else {
            return self.end(Exit::Closed, ctx);
        };
        ctx.add_stream(futures_util::stream::unfold(link.listen(), |mut heard: Listener| async {
            let notification = heard.next().await.ok()?;
            Some((FromLink(notification), heard))
        }));
        for (feature, kind) in self.device.shared.subscriptions.inputs() {
            ctx.notify(Subscribe { feature, kind });
        }
        let writer = Writer::new(self.device.clone(), link, driver, self.pace, self.metrics.clone());
        ctx.spawn(writer.run().into_actor(self).map(|exit, this, ctx| {
            this.end(if this.link.has_left() { Exit::Left } else { exit }, ctx);
        }));
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        // Only if no later actor of this device has taken the place.
        let own = self.guard.generation;
        self.device.shared.actor.rcu(|current| current.clone().filter(|current| current.generation != own));
        self.device.shared.driven.send_replace(self.device.is_driven());
    }
}

struct FromLink(Notification);

impl StreamHandler<FromLink> for DeviceActor {
    fn handle(&mut self, FromLink(notification): FromLink, _: &mut Self::Context) {
        let subscriptions = &self.device.shared.subscriptions;
        for (feature, kind) in subscriptions.inputs() {
            if let Some(value) = self.inputs.value(feature, kind, &notification) {
                subscriptions.tell(Reading { device: self.device.index(), feature, kind, value });
            }
        }
    }

    fn finished(&mut self, _: &mut Self::Context) {
        // The writer notices the loss of the link and ends the actor.
    }
}

impl Handler<Read> for DeviceActor {
    type Result = ResponseFuture<Result<i32, DriverError>>;

    fn handle(&mut self, Read { feature, kind }: Read, _: &mut Self::Context) -> Self::Result {
        let reading: Boxed<'static, _> = self.inputs.read(feature, kind, self.link.clone());
        Box::pin(reading)
    }
}

impl Handler<Subscribe> for DeviceActor {
    type Result = ResponseFuture<Result<(), DriverError>>;

    fn handle(&mut self, Subscribe { feature, kind }: Subscribe, _: &mut Self::Context) -> Self::Result {
        let Some(endpoint) = self.inputs.stream(feature, kind) else {
            return Box::pin(async move { Err(DriverError::Unexpected(format!("{kind} cannot be listened to"))) });
        };
        self.device.shared.subscriptions.carried_by(feature, kind, endpoint);
        let link = self.link.clone();
        Box::pin(async move { Ok(link.subscribe(endpoint).await?) })
    }
}

impl Handler<Unsubscribe> for DeviceActor {
    type Result = ();

    fn handle(&mut self, Unsubscribe(endpoint): Unsubscribe, ctx: &mut Self::Context) {
        let link = self.link.clone();
        ctx.spawn(async move { drop(link.unsubscribe(endpoint).await) }.into_actor(self));
    }
}

impl Handler<Close> for DeviceActor {
    type Result = ();

    fn handle(&mut self, Close { stop_within }: Close, ctx: &mut Self::Context) {
        if std::mem::replace(&mut self.closing, true) {
            return;
        }
        let (device, link) = (self.device.clone(), self.link.clone());
        // The writer, which goes on meanwhile, writes the stop.
        let stopping = async move {
            if !stop_within.is_zero() {
                let number = device.wanted().let_go();
                let _ = tokio::time::timeout(stop_within, device.wanted().confirmed(number)).await;
            }
        };
        ctx.spawn(stopping.into_actor(self).map(|(), this, ctx| {
            // Closing has a bound of its own: the bus may be stuck in a write.
            let closing = async move { drop(tokio::time::timeout(LAST_STOP, link.disconnect()).await) };
            ctx.wait(closing.into_actor(this).map(|(), this, ctx| this.end(Exit::Closed, ctx)));
        }));
    }
}

impl Handler<Inspect> for DeviceActor {
    type Result = MessageResult<Inspect>;

    fn handle(&mut self, Inspect: Inspect, _: &mut Self::Context) -> Self::Result {
        let shared = &self.device.shared;
        let details = serde_json::json!({
            "name": shared.identity.model.name, "writes": shared.vitals.writes.load(Ordering::Relaxed),
            "failed_writes": shared.vitals.failed.load(Ordering::Relaxed), "queue": shared.wanted.waiting(),
            "outputs": shared.wanted.observe(), "subscriptions": shared.subscriptions.count(),
            "link_lost": self.link.is_lost(),
        });
        let status = ActorStatus::new(ActorState::Running).with_error(shared.vitals.last_error());
        MessageResult(status.with(details))
    }
}
