//! The actor that the hub sees.

use actix::prelude::*;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::central;
use super::connector::Command;
use super::options::BtleOptions;
use super::status::{Ended, Status};
use crate::inspect::Inspect;
use crate::manager::{
    contract::Factory, contract::Found, contract::ManagerContext, contract::ManagerExit, contract::ManagerGuard,
    contract::ManagerHandle, contract::Scan,
};
use crate::types::ActorState;

/// The manager of Bluetooth LE.
#[derive(Debug)]
pub struct BtleManager {
    options: BtleOptions,
    found: Recipient<Found>,
    guard: ManagerGuard,
    commands: Option<mpsc::UnboundedSender<Command>>,
    status: Status,
    _stop: Option<DropGuard>,
}

/// Makes managers of Bluetooth LE.
#[must_use]
pub fn factory(options: BtleOptions) -> Factory {
    Box::new(move |ManagerContext { found, guard, .. }| {
        let options = options.clone();
        let manager = BtleManager { options, found, guard, commands: None, status: Status::default(), _stop: None };
        ManagerHandle::new(manager.start())
    })
}

impl BtleManager {
    fn end(&mut self, exit: ManagerExit, ctx: &mut Context<Self>) {
        self.guard.set_exit_reason(exit);
        ctx.stop();
    }
}

impl Actor for BtleManager {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (commands, from_hub) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let start = central::Start {
            options: self.options.clone(),
            back: commands.downgrade(),
            commands: from_hub,
            found: self.found.clone(),
            status: self.status.clone(),
            ended: ctx.address().recipient(),
            stop: stop.clone(),
        };
        self.commands = Some(commands);
        self._stop = Some(stop.drop_guard());
        if let Err(error) = start.thread() {
            return self.end(ManagerExit::Failed(format!("no thread for the radio: {error}")), ctx);
        }
        // Connecting to D-Bus blocks its thread, so that it cannot watch itself.
        let late = crate::patience::sleep(central::STARTS_WITHIN).into_actor(self);
        ctx.spawn(late.map(|(), this, ctx| {
            if this.status.get().state == ActorState::Starting {
                let limit = central::STARTS_WITHIN.as_secs();
                this.end(ManagerExit::Failed(format!("the system's Bluetooth does not answer within {limit} s")), ctx);
            }
        }));
    }
}

impl Handler<Ended> for BtleManager {
    type Result = ();

    fn handle(&mut self, Ended(exit): Ended, ctx: &mut Self::Context) {
        self.end(exit, ctx);
    }
}

impl Handler<Scan> for BtleManager {
    type Result = ();

    fn handle(&mut self, scan: Scan, _: &mut Self::Context) {
        if let Some(commands) = &self.commands {
            // A radio that has ended says so by itself.
            let _ = commands.send(Command::Scan(scan));
        }
    }
}

impl Handler<Inspect> for BtleManager {
    type Result = MessageResult<Inspect>;

    fn handle(&mut self, Inspect: Inspect, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.status.get())
    }
}
