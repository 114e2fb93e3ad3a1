//! The actor that the hub sees.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::prelude::*;
use tokio_util::sync::CancellationToken;

use super::frames;
use super::peripheral::{self, Attached, Bus, Detached, ManagerAddress};
use super::port::{Plug, Port};
use crate::inspect::Inspect;
use crate::library::Hardware;
use crate::link::Deadlines;
use crate::manager::{
    contract::Connector, contract::Factory, contract::Found, contract::ManagerContext, contract::ManagerGuard,
    contract::ManagerHandle, contract::Scan, device_threads::DeviceThreads,
};
use crate::transport::CloseReason;
use crate::types::{ActorState, ActorStatus};

/// The manager of virtual hardware.
#[derive(Debug)]
pub struct VirtualManager {
    found: Recipient<Found>,
    threads: DeviceThreads,
    deadlines: Deadlines,
    max_devices: usize,
    /// Peripherals that are attached, by a number of ours.
    attached: BTreeMap<u64, (Hardware, Arc<peripheral::Handle>)>,
    sockets: usize,
    next: u64,
    /// Cancelled when the server ends.
    closing: CancellationToken,
    _guard: ManagerGuard,
}

/// Makes managers of virtual hardware whose peripherals come through `port`.
#[must_use]
pub fn factory(port: Port, deadlines: Deadlines, max_devices: usize) -> Factory {
    Box::new(move |ManagerContext { found, threads, guard }| {
        let manager = VirtualManager {
            found,
            threads,
            deadlines,
            max_devices,
            attached: BTreeMap::new(),
            sockets: 0,
            next: 0,
            closing: port.closing(),
            _guard: guard,
        };
        let address = manager.start();
        port.open(address.clone().recipient());
        ManagerHandle::new(address)
    })
}

impl VirtualManager {
    fn report(&self, hardware: &Hardware, handle: &Arc<peripheral::Handle>) {
        let connector = Arc::clone(handle) as Arc<dyn Connector>;
        self.found.do_send(Found { hardware: hardware.clone(), connector });
    }
}

impl Actor for VirtualManager {
    type Context = Context<Self>;
}

impl Handler<Plug> for VirtualManager {
    type Result = ();

    fn handle(&mut self, Plug(socket): Plug, ctx: &mut Self::Context) {
        if self.sockets >= self.max_devices {
            let why = CloseReason::TooManyDevices { count: self.sockets };
            socket.outgoing.text(frames::refused(&why.to_string()));
            socket.outgoing.close(why);
            return;
        }
        self.sockets += 1;
        self.next += 1;
        // A task of its own: what a peripheral does wrong must not reach the manager. It runs where the device will.
        let own = ManagerAddress { attached: ctx.address().recipient(), detached: ctx.address().recipient() };
        let (id, deadlines, closing) = (self.next, self.deadlines, self.closing.clone());
        let thread = self.threads.next();
        let here = thread.clone();
        thread.spawn(move || peripheral::play(id, socket, own, Bus { deadlines, closing, thread: here }));
    }
}

impl Handler<Attached> for VirtualManager {
    type Result = ();

    fn handle(&mut self, Attached { id, hardware, handle, exclusive }: Attached, _: &mut Self::Context) {
        if exclusive {
            let place = |hardware: &Hardware| (hardware.bus, hardware.address.clone());
            let own = !self.attached.values().any(|(other, _)| place(other) == place(&hardware));
            handle.address(own);
            if !own {
                return;
            }
        }
        self.report(&hardware, &handle);
        self.attached.insert(id, (hardware, handle));
    }
}

impl Handler<Detached> for VirtualManager {
    type Result = ();

    fn handle(&mut self, Detached { id, closed }: Detached, _: &mut Self::Context) {
        self.attached.remove(&id);
        if closed {
            self.sockets = self.sockets.saturating_sub(1);
        }
    }
}

impl Handler<Scan> for VirtualManager {
    type Result = ();

    fn handle(&mut self, scan: Scan, _: &mut Self::Context) {
        let wanted = |hardware: &Hardware| match &scan {
            Scan::Start => true,
            Scan::Stop => false,
            Scan::LookFor(address) => hardware.address == *address,
        };
        for (hardware, handle) in self.attached.values().filter(|(_, handle)| !handle.is_connected()) {
            if wanted(hardware) {
                self.report(hardware, handle);
            }
        }
    }
}

impl Handler<Inspect> for VirtualManager {
    type Result = MessageResult<Inspect>;

    fn handle(&mut self, Inspect: Inspect, _: &mut Self::Context) -> Self::Result {
        let connected = self.attached.values().filter(|(_, handle)| handle.is_connected()).count();
        MessageResult(ActorStatus::new(ActorState::Running).with(serde_json::json!({
            "sockets": self.sockets, "attached": self.attached.len(), "connected": connected,
        })))
    }
}
