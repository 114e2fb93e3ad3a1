//! Bluetooth LE, through the system's own stack (BlueZ on Linux).
//!
//! The Bluetooth library and everything that it spawns lives on a thread with a runtime of its own (`radio`): where it
//! blocks or panics, no actor does, and when the bus is started again nothing of the old one is left. Here is the actor
//! that the hub sees; `sightings` and `duty` decide whom to report and when to listen, `connection` opens links and
//! serves them, `lane` does the operations of one characteristic, `adapter` chooses the radio and explains errors, and
//! `way` is what the radio is told. What may not live here: protocols and devices.

mod adapter;
mod connection;
mod duty;
mod lane;
mod radio;
mod sightings;
mod way;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::prelude::*;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::{Factory, Found, ManagerContext, ManagerGuard, ManagerHandle, Scan};
use crate::describe::Describe;
use crate::link::Deadlines;

pub use self::radio::is_harmless_panic;

/// How the bus is set.
#[derive(Debug, Clone)]
pub struct BtleOptions {
    /// Name or address of the adapter; empty is the first.
    pub adapter: String,
    /// Only hardware that advertises one of these services is looked for; empty is all.
    pub services: Vec<Uuid>,
    /// Time from one look for known hardware to the next while nobody scans; `None` is no looks.
    pub look_every: Option<Duration>,
    /// Limits for the operations of links.
    pub deadlines: Deadlines,
}

/// The manager of Bluetooth LE.
#[derive(Debug)]
pub struct BtleManager {
    options: BtleOptions,
    found: Recipient<Found>,
    guard: ManagerGuard,
    orders: Option<mpsc::UnboundedSender<way::Order>>,
    status: Status,
    _stop: Option<DropGuard>,
}

/// What the radio is doing, as JSON; written by the radio, read by whoever asks the actor.
#[derive(Debug, Clone, Default)]
struct Status {
    inner: Arc<Mutex<Value>>,
}

impl Status {
    fn set(&self, value: Value) {
        *self.inner.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }

    fn get(&self) -> Value {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Makes managers of Bluetooth LE.
#[must_use]
pub fn factory(options: BtleOptions) -> Factory {
    Box::new(move |ManagerContext { found, guard }| {
        let options = options.clone();
        let manager = BtleManager { options, found, guard, orders: None, status: Status::default(), _stop: None };
        ManagerHandle::new(manager.start())
    })
}

/// Event: the radio has ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Ended(String);

impl BtleManager {
    fn fail(&mut self, why: String, ctx: &mut Context<Self>) {
        self.guard.because(why);
        ctx.stop();
    }
}

impl Actor for BtleManager {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.status.set(serde_json::json!({ "state": "starting" }));
        let (orders, from_hub) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let start = radio::Start {
            options: self.options.clone(),
            back: orders.downgrade(),
            orders: from_hub,
            found: self.found.clone(),
            status: self.status.clone(),
            ended: ctx.address().recipient(),
            stop: stop.clone(),
        };
        self.orders = Some(orders);
        self._stop = Some(stop.drop_guard());
        if let Err(error) = start.thread() {
            return self.fail(format!("no thread for the radio: {error}"), ctx);
        }
        // Connecting to D-Bus blocks its thread, so that it cannot watch itself.
        let late = crate::patience::sleep(radio::STARTS_WITHIN).into_actor(self);
        ctx.spawn(late.map(|(), this, ctx| {
            if this.status.get().get("state").and_then(Value::as_str) == Some("starting") {
                let limit = radio::STARTS_WITHIN.as_secs();
                this.fail(format!("the system's Bluetooth does not answer within {limit} s"), ctx);
            }
        }));
    }
}

impl Handler<Ended> for BtleManager {
    type Result = ();

    fn handle(&mut self, Ended(why): Ended, ctx: &mut Self::Context) {
        self.fail(why, ctx);
    }
}

impl Handler<Scan> for BtleManager {
    type Result = ();

    fn handle(&mut self, scan: Scan, _: &mut Self::Context) {
        if let Some(orders) = &self.orders {
            // A radio that has ended says so by itself.
            let _ = orders.send(way::Order::Scan(scan));
        }
    }
}

impl Handler<Describe> for BtleManager {
    type Result = MessageResult<Describe>;

    fn handle(&mut self, Describe: Describe, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.status.get())
    }
}
