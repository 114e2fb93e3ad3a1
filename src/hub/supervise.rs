//! What the hub does when a device or a manager ends.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;

use super::actor::Hub;
use super::entries::{DeviceEntry, LinkState, ManagerEntry, Successor};
use crate::device::{Availability, Exit, Exited, LAST_STOP};
use crate::events::Event;
use crate::library::Hardware;
use crate::link::Link;
use crate::manager::{ManagerContext, ManagerExited, ManagerGuard, Scan};
use crate::words::counted;

/// A manager that has lived this long runs.
const STEADY: Duration = Duration::from_secs(15);

impl Handler<Exited> for Hub {
    type Result = ();

    fn handle(&mut self, Exited { index, generation, exit }: Exited, ctx: &mut Self::Context) {
        let grace = self.options.grace;
        let Some(device) = self.devices.get_mut(&index).filter(|device| device.generation == generation) else {
            return;
        };
        let why = exit.to_string();
        let name = device.handle.description().name.clone();
        device.state = LinkState::Away;
        if let Some(why) = device.leaving.clone() {
            return self.left_behind(index, &exit, &why, ctx);
        }
        if device.take_over.is_some() {
            return self.taken_over(index, exit, ctx);
        }
        match exit {
            Exit::Closed => self.remove(index, &why),
            // The hub waits for nothing. The hardware may be back already, reported while the old device was still there.
            Exit::Left => {
                let address = device.handle.identity().address.clone();
                self.remove(index, &why);
                self.tell_managers(&Scan::LookFor(address));
            }
            Exit::Lost => {
                device.link = None;
                device.handle.wanted().set_availability(Availability::Away);
                self.shared.metrics.emit(&Event::DeviceAway { index, name: &name, why: &why });
                self.count();
                if let Some(device) = self.devices.get(&index) {
                    self.tell_managers(&Scan::LookFor(device.handle.identity().address.clone()));
                }
                // What came back while this process stood still is heard first.
                let over = crate::patience::sleep(grace).into_actor(self);
                ctx.spawn(over.map(move |(), this, _| this.grace_is_over(index, generation, &why)));
            }
            Exit::Failed(_) => {
                let link = device.link.take();
                self.shared.metrics.emit(&Event::DeviceAway { index, name: &name, why: &why });
                self.count();
                let closing = async move {
                    if let Some(link) = link {
                        link.disconnect().await;
                    }
                };
                ctx.spawn(closing.into_actor(self).map(move |(), this, ctx| {
                    // A stop is only confirmed now that nothing can arrive over the link any more.
                    if let Some(device) = this.devices.get(&index).filter(|device| device.is_lost(generation)) {
                        device.handle.wanted().set_availability(Availability::Away);
                        this.restart(index, &why, ctx);
                    }
                }));
            }
            // The hardware is still there and may be running, so it stays "connected": a stop that is asked for now
            // is only confirmed once the next actor has written it.
            Exit::Panicked => self.restart(index, &why, ctx),
        }
    }
}

impl Hub {
    /// The actor of a device has ended, and hardware that takes its address over waits. However the actor ended, the old
    /// link is not used again, and the new one is opened once that is closed.
    pub(super) fn taken_over(&mut self, index: u32, exit: Exit, ctx: &mut Context<Self>) {
        let Some(device) = self.devices.get_mut(&index) else {
            return;
        };
        // Until the old link is closed, whatever else dials in only replaces the hardware that waits.
        device.state = LinkState::Connected;
        let (handle, link) = (device.handle.clone(), device.link.take());
        let closing = async move {
            // An actor that panicked has not stopped it, and one that was not closed has not closed it.
            if let (Some(link), Exit::Panicked | Exit::Failed(_)) = (link, &exit) {
                if exit == Exit::Panicked {
                    handle.last_stop(&link).await;
                }
                let _ = tokio::time::timeout(LAST_STOP, link.disconnect()).await;
            }
            handle.wanted().set_availability(Availability::Away);
        };
        ctx.spawn(closing.into_actor(self).map(move |(), this, ctx| {
            if let Some(device) = this.devices.get_mut(&index) {
                device.state = LinkState::Away;
                if let Some(Successor { hardware, connector, candidates }) = device.take_over.take() {
                    device.hardware = hardware;
                    device.connector = connector;
                    device.candidates = candidates;
                }
            }
            this.reopen(index, ctx);
        }));
    }

    /// Stops a device and lets it go for good, for this reason.
    pub(super) fn let_go(&mut self, index: u32, why: &str, ctx: &mut Context<Self>) {
        let Some(device) = self.devices.get_mut(&index).filter(|device| device.leaving.is_none()) else {
            return;
        };
        device.leaving = Some(why.to_owned());
        let wanted = device.handle.wanted();
        wanted.hold(Some(why.to_owned()));
        wanted.stop(None, None);
        if device.state == LinkState::Connected {
            // The end of its actor removes it.
            device.handle.close(LAST_STOP);
        } else {
            self.left_behind(index, &Exit::Panicked, why, ctx);
        }
    }

    /// The actor of a device that is let go has ended.
    fn left_behind(&mut self, index: u32, exit: &Exit, why: &str, ctx: &mut Context<Self>) {
        let link = self.devices.get_mut(&index).and_then(|device| device.link.take());
        // One that panicked has not stopped it, and one that was not closed has not closed its link.
        self.give_up(index, link.filter(|_| matches!(exit, Exit::Panicked | Exit::Failed(_))), why, ctx);
    }

    /// Removes a device once it is stopped and closed over the link that is left.
    fn give_up(&mut self, index: u32, link: Option<Link>, why: &str, ctx: &mut Context<Self>) {
        let Some(link) = link else {
            return self.remove(index, why);
        };
        let Some(device) = self.devices.get(&index) else { return };
        let (handle, generation, why) = (device.handle.clone(), device.generation, why.to_owned());
        let closing = async move {
            handle.last_stop(&link).await;
            let _ = tokio::time::timeout(LAST_STOP, link.disconnect()).await;
        };
        ctx.spawn(closing.into_actor(self).map(move |(), this, _| {
            if this.devices.get(&index).is_some_and(|device| device.is_lost(generation)) {
                this.remove(index, &why);
            }
        }));
    }

    /// Starts the actor of a device again, after a pause, unless that was done too often.
    fn restart(&mut self, index: u32, why: &str, ctx: &mut Context<Self>) {
        let Some(device) = self.devices.get_mut(&index) else {
            return;
        };
        let generation = device.generation;
        let Some(delay) = device.budget.spend() else {
            let times = counted(usize::try_from(self.options.restart_budget).unwrap_or(usize::MAX), "time");
            let why = format!("{why}; it was started again {times} and is given up");
            let link = device.link.take();
            return self.give_up(index, link, &why, ctx);
        };
        self.shared.metrics.emit(&Event::ActorRestarted { what: &format!("device {index}"), why, delay });
        ctx.run_later(delay, move |this, ctx| {
            if this.devices.get(&index).is_some_and(|device| device.is_lost(generation)) {
                this.reopen(index, ctx);
            }
        });
    }

    /// Opens the hardware of a device again, over its old link if that still holds.
    pub(super) fn reopen(&mut self, index: u32, ctx: &mut Context<Self>) {
        let Some(device) = self.devices.get_mut(&index) else {
            return;
        };
        // A report of the hardware and the pause after a failure may both lead here.
        if self.opening.contains_key(&(device.hardware.bus, device.hardware.address.clone())) {
            return;
        }
        let link = device.link.take().map(|link| (Arc::clone(&device.handle.identity().definition), link));
        let (hardware, connector) = (device.hardware.clone(), Arc::clone(&device.connector));
        let candidates = device.candidates.clone();
        self.open(hardware, connector, candidates, link, ctx);
    }

    /// Hardware could not be opened. If it is a device that was lost, it is tried again within its budget and grace.
    pub(super) fn not_opened(&mut self, hardware: &Hardware, why: &str, ctx: &mut Context<Self>) {
        self.shared.metrics.emit(&Event::OpenFailed { what: &hardware.to_string(), why });
        let same = |device: &&DeviceEntry| device.state == LinkState::Away && device.matches(hardware);
        if let Some(index) = self.devices.values().find(same).map(|device| device.handle.index()) {
            let mut overdue = None;
            if let Some(device) = self.devices.get_mut(&index) {
                device.handle.wanted().set_availability(Availability::Away);
                overdue = device.overdue.take();
            }
            match overdue {
                Some(lost) => self.remove(index, &lost),
                None => self.restart(index, why, ctx),
            }
        }
    }

    fn grace_is_over(&mut self, index: u32, generation: u64, why: &str) {
        let Some(device) = self.devices.get_mut(&index).filter(|device| device.generation == generation) else {
            return;
        };
        let identity = device.handle.identity();
        if self.opening.contains_key(&(identity.bus, identity.address.clone())) {
            // It came back in time. Whether it is given up is decided when it is open, or is not.
            device.overdue = Some(why.to_owned());
        } else if device.state == LinkState::Away {
            self.remove(index, why);
        }
    }

    pub(super) fn start_manager(&mut self, position: usize, ctx: &mut Context<Self>) {
        let Some(manager) = self.managers.get_mut(position) else {
            return;
        };
        manager.generation += 1;
        let guard = ManagerGuard::new(ctx.address().recipient(), manager.bus.name, manager.generation);
        let running = (manager.bus.factory)(ManagerContext {
            found: ctx.address().recipient(),
            threads: self.threads.clone(),
            guard,
        });
        if self.scans.active() {
            running.scan.do_send(Scan::Start);
        }
        for address in self.known.addresses(manager.bus.name) {
            running.scan.do_send(Scan::LookFor(address));
        }
        manager.running = Some(running);
        // Until it has shown that it can live, it has failed.
        let generation = manager.generation;
        ctx.run_later(STEADY, move |this, _| {
            let present = this.managers.get_mut(position).filter(|manager| manager.generation == generation);
            if let Some(manager) = present.filter(|manager| manager.running.is_some()) {
                manager.failed = None;
            }
        });
    }
}

impl Handler<ManagerExited> for Hub {
    type Result = ();

    fn handle(&mut self, ManagerExited { name, generation, exit }: ManagerExited, ctx: &mut Self::Context) {
        let metrics = self.shared.metrics.clone();
        let present = |manager: &ManagerEntry| manager.bus.name == name && manager.generation == generation;
        let Some(position) = self.managers.iter().position(present) else {
            return;
        };
        let Some(manager) = self.managers.get_mut(position) else {
            return;
        };
        manager.running = None;
        // A computer without Bluetooth would otherwise fill its log with one sentence.
        let why = exit.to_string();
        let again = manager.failed.replace(exit.clone()).is_some_and(|before| before == exit);
        metrics.emit(&Event::ManagerFailed { name, why: &why, again });
        if let Some(delay) = manager.budget.spend() {
            metrics.emit(&Event::ManagerRestarted { name, delay, again });
            ctx.run_later(delay, move |this, ctx| this.start_manager(position, ctx));
        }
    }
}
