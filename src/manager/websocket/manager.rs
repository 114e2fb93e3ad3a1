//! The actor that the hub sees.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use actix::prelude::*;
use tokio::sync::Semaphore;

use super::listener::{Entrance, listen};
use super::options::WebsocketOptions;
use crate::inspect::Inspect;
use crate::manager::{
    contract::Factory, contract::Found, contract::ManagerContext, contract::ManagerExit, contract::ManagerGuard,
    contract::ManagerHandle, contract::Scan, device_threads::DeviceThreads,
};
use crate::types::{ActorState, ActorStatus};

/// The manager of devices that dial in.
#[derive(Debug)]
pub struct WebsocketManager {
    /// Where devices dial in.
    listen: Vec<SocketAddr>,
    options: WebsocketOptions,
    /// Where it really listens, which the settings may leave to the system.
    bound: Arc<OnceLock<Vec<SocketAddr>>>,
    /// One place for each device at once.
    room: Arc<Semaphore>,
    found: Recipient<Found>,
    threads: DeviceThreads,
    guard: ManagerGuard,
}

/// Makes managers of devices that dial in at these addresses.
#[must_use]
pub fn factory(listen: Vec<SocketAddr>, options: WebsocketOptions) -> Factory {
    Box::new(move |ManagerContext { found, threads, guard }| {
        let listen = listen.clone();
        let room = Arc::new(Semaphore::new(options.max_devices));
        let bound = Arc::default();
        ManagerHandle::new(WebsocketManager { listen, options, bound, room, found, threads, guard }.start())
    })
}

impl Actor for WebsocketManager {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (bound, options) = (Arc::clone(&self.bound), self.options);
        let (found, threads) = (self.found.clone(), self.threads.clone());
        let entrance = Entrance { options, room: Arc::clone(&self.room), found, threads };
        let listening = listen(self.listen.clone(), bound, entrance);
        ctx.spawn(listening.into_actor(self).map(|why, this, ctx| {
            this.guard.set_exit_reason(ManagerExit::Failed(why));
            ctx.stop();
        }));
    }
}

impl Handler<Scan> for WebsocketManager {
    type Result = ();

    fn handle(&mut self, _: Scan, _: &mut Self::Context) {
        // Devices announce themselves, whether somebody scans or not.
    }
}

impl Handler<Inspect> for WebsocketManager {
    type Result = MessageResult<Inspect>;

    fn handle(&mut self, Inspect: Inspect, _: &mut Self::Context) -> Self::Result {
        let sockets = self.options.max_devices.saturating_sub(self.room.available_permits());
        let state = if self.bound.get().is_some() { ActorState::Running } else { ActorState::Starting };
        MessageResult(ActorStatus::new(state).with(serde_json::json!({
            "listen": self.listen.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "bound": self.bound.get(), "sockets": sockets,
        })))
    }
}
