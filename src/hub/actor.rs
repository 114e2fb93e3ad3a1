//! The hub's actor: sessions, found hardware, scans, shutdown. What it does when something fails is in `supervise`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio_util::sync::DropGuard;

use super::bring_up::{self, Ready};
use super::entries::{DeviceEntry, LinkState, ManagerEntry, Successor};
use super::known_devices::{Admitted, Key, KnownDevices};
use super::messages::{HubEvent, SessionHandle};
use super::options::HubOptions;
use super::restart_policy::Budget;
use super::scan::{ScanChange, Scans};
use super::shared::{Routes, Shared};
use crate::device::{Availability, DeviceActor, DeviceHandle, Exit, Identity, LAST_STOP, last_stop};
use crate::events::Event;
use crate::library::{Candidate, Definition, Hardware, Library};
use crate::link::Link;
use crate::manager::{Connector, DeviceThreads, Found, Scan};
use crate::types::{Bus, GoneDevice, OperatorId};

/// Longest pause before a manager is started again.
const MANAGER_PAUSE: Duration = Duration::from_secs(5);

/// How many devices that went are shown.
const GONE_SHOWN: usize = 20;

/// The supervisor.
#[derive(Debug)]
pub struct Hub {
    pub(super) options: HubOptions,
    pub(super) library: Arc<Library>,
    pub(super) known: KnownDevices,
    pub(super) managers: Vec<ManagerEntry>,
    pub(super) threads: DeviceThreads,
    pub(super) shared: Arc<Shared>,
    /// Everybody who may drive devices and scan.
    pub(super) operators: BTreeSet<OperatorId>,
    /// Those of them that are told what happens.
    pub(super) sessions: BTreeMap<OperatorId, SessionHandle>,
    pub(super) scans: Scans,
    pub(super) devices: BTreeMap<u32, DeviceEntry>,
    /// The devices that went last, and why.
    pub(super) gone: VecDeque<GoneDevice>,
    /// Hardware that is being opened.
    pub(super) opening: BTreeMap<(Bus, String), Arc<dyn Connector>>,
    pub(super) shutting_down: bool,
    /// Cancelled when the hub is dropped, whatever the reason.
    _alive: DropGuard,
    /// Outputs are refused until somebody resumes.
    pub(super) held: bool,
    saving: bool,
    save_again: bool,
}

impl Hub {
    pub(super) fn new(
        options: HubOptions,
        library: Arc<Library>,
        known: KnownDevices,
        buses: Vec<crate::manager::BusSpec>,
        threads: DeviceThreads,
        shared: Arc<Shared>,
        alive: DropGuard,
    ) -> Self {
        let window = Duration::from_secs(60);
        let delay = options.restart_delay;
        let managers = buses.into_iter().map(|bus| {
            let budget = Budget::new(None, window, delay, MANAGER_PAUSE);
            ManagerEntry { bus, running: None, generation: 0, budget, failed: None }
        });
        Self {
            options,
            library,
            known,
            managers: managers.collect(),
            threads,
            shared,
            operators: BTreeSet::new(),
            sessions: BTreeMap::new(),
            scans: Scans::default(),
            devices: BTreeMap::new(),
            gone: VecDeque::new(),
            opening: BTreeMap::new(),
            shutting_down: false,
            _alive: alive,
            held: false,
            saving: false,
            save_again: false,
        }
    }

    /// Why devices take no outputs at present, if so.
    pub(super) fn hold_reason(&self) -> Option<String> {
        if self.held {
            return Some(self.shared.held.clone());
        }
        self.known.withheld()
    }

    /// Publishes the routing table and tells the sessions.
    pub(super) fn publish(&mut self) {
        let devices: BTreeMap<_, _> =
            self.devices.iter().map(|(index, device)| (*index, device.handle.clone())).collect();
        let descriptions = devices.iter().map(|(index, device)| (*index, device.description())).collect();
        let descriptions = Arc::new(descriptions);
        self.shared.routes.store(Arc::new(Routes { devices, descriptions: Arc::clone(&descriptions) }));
        self.shared.descriptions.send_replace(descriptions);
        self.tell(&HubEvent::DevicesChanged);
        self.count();
    }

    /// Brings the device metrics up to date.
    pub(super) fn count(&self) {
        for bus in Bus::ALL {
            let of_bus = |away| {
                self.devices
                    .values()
                    .filter(|device| {
                        device.handle.identity().bus == bus && (device.state != LinkState::Connected) == away
                    })
                    .count()
            };
            self.shared.metrics.devices(bus, "connected", of_bus(false));
            self.shared.metrics.devices(bus, "away", of_bus(true));
        }
    }

    pub(super) fn tell(&self, event: &HubEvent) {
        for session in self.sessions.values() {
            session.events.do_send(event.clone());
        }
    }

    pub(super) fn tell_managers(&self, scan: &Scan) {
        for manager in &self.managers {
            if let Some(running) = &manager.running {
                running.scan.do_send(scan.clone());
            }
        }
    }

    pub(super) fn scan(&mut self, owner: OperatorId, wanted: bool) {
        let before = self.scans.active();
        let turn = self.scans.set(owner, wanted);
        match turn {
            ScanChange::Start => {
                if !before {
                    self.shared.metrics.emit(&Event::ScanStarted);
                }
                self.tell_managers(&Scan::Start);
                self.finish_scan_if_nobody_can();
            }
            ScanChange::Stop => {
                self.tell_managers(&Scan::Stop);
                self.shared.metrics.emit(&Event::ScanStopped);
            }
            ScanChange::None => {}
        }
    }

    /// Without a bus that scans there is nothing to wait for. One that has failed is started again, and goes on.
    pub(super) fn finish_scan_if_nobody_can(&mut self) {
        if self.scans.active() && !self.managers.iter().any(|manager| manager.bus.scans) {
            self.scans.end();
            self.shared.metrics.emit(&Event::ScanStopped);
            self.tell(&HubEvent::ScanningFinished);
        }
    }

    fn found(&mut self, Found { hardware, connector }: Found, ctx: &mut Context<Self>) {
        if self.shutting_down {
            return;
        }
        let metrics = &self.shared.metrics;
        let what = hardware.to_string();
        let refuse = |why: &str| {
            metrics.emit(&Event::DeviceRefused { what: &what, why });
            connector.refuse(why);
        };
        let candidates = self.library.candidates(&hardware);
        if candidates.is_empty() {
            return refuse("no definition matches it");
        }
        if let Some(why) = self.known.refuses(&hardware.address) {
            return refuse(why);
        }
        metrics.emit(&Event::DeviceFound { what: &what, bus: hardware.bus });
        let place = (hardware.bus, hardware.address.clone());
        // A bus reports the same hardware again when a scan begins, before it hears that it is being opened.
        let same = |other: &Arc<dyn Connector>| std::ptr::addr_eq(Arc::as_ptr(other), Arc::as_ptr(&connector));
        if let Some(opening) = self.opening.get(&place) {
            if !same(opening) {
                refuse("hardware with this address is being opened");
            }
            return;
        }
        if let Some(device) = self.devices.values_mut().find(|device| device.matches(&hardware)) {
            if device.state == LinkState::Connected && !connector.takes_over() {
                if same(&device.connector) {
                    return;
                }
                return refuse("hardware with this address is connected already");
            }
            let index = device.handle.index();
            // Its old connection may still be there: it works, though the hardware has mostly given it up, or its actor
            // has panicked and was to go on over it.
            if connector.takes_over() && (device.state == LinkState::Connected || device.link.is_some()) {
                device.take_over = Some(Successor { hardware, connector, candidates });
                if device.state == LinkState::Connected {
                    // The end of its actor opens the new one.
                    device.handle.close(LAST_STOP);
                } else {
                    self.taken_over(index, Exit::Panicked, ctx);
                }
            } else {
                device.hardware = hardware;
                device.connector = connector;
                device.candidates = candidates;
                self.reopen(index, ctx);
            }
            return;
        }
        // Hardware that was a device before is taken at once, as is what dials in; other hardware at the next scan.
        if self.known.knows(hardware.bus, &hardware.address) || self.scans.active() || connector.takes_over() {
            self.open(hardware, connector, candidates, None, ctx);
        }
    }

    /// Opens hardware in a task of its own, so that whatever happens there reaches the hub as a result.
    pub(super) fn open(
        &mut self,
        hardware: Hardware,
        connector: Arc<dyn Connector>,
        candidates: Vec<Candidate>,
        link: Option<(Arc<Definition>, Link)>,
        ctx: &mut Context<Self>,
    ) {
        self.opening.insert((hardware.bus, hardware.address.clone()), Arc::clone(&connector));
        let opening =
            bring_up::open(hardware.clone(), Arc::clone(&connector), candidates.clone(), link, self.options.clone());
        let task = tokio::task::spawn(opening);
        let done = async move {
            // A panic in there is the task's alone.
            task.await.unwrap_or_else(|error| Err(format!("opening it panicked: {error}")))
        };
        ctx.spawn(done.into_actor(self).map(move |result, this, ctx| {
            this.opening.remove(&(hardware.bus, hardware.address.clone()));
            match result {
                Ok(ready) => this.ready(ready, hardware, connector, candidates, ctx),
                Err(why) => {
                    connector.failed(&why);
                    this.not_opened(&hardware, &why, ctx);
                }
            }
        }));
    }

    fn ready(
        &mut self,
        ready: Ready,
        hardware: Hardware,
        connector: Arc<dyn Connector>,
        candidates: Vec<Candidate>,
        ctx: &mut Context<Self>,
    ) {
        // During a shutdown only hardware whose stop is still owed is opened.
        if self.shutting_down && !self.devices.values().any(|device| device.matches(&hardware)) {
            return self.turn_away(ready, ctx);
        }
        // What the user set may have changed while it was being opened.
        if let Some(why) = self.known.refuses(&hardware.address) {
            connector.refuse(why);
            let before = self.devices.values().find(|device| device.matches(&hardware));
            if let Some(index) = before.map(|device| device.handle.index()) {
                self.remove(index, why);
            }
            return self.turn_away(ready, ctx);
        }
        let Ready { definition, model, identifier, opened } = ready;
        let key = Key {
            bus: hardware.bus,
            address: hardware.address.clone(),
            protocol: definition.protocol.clone(),
            identifier: identifier.clone(),
        };
        let Admitted { index, user, known: met, changed } = self.known.admit(&key, &model, &self.library);
        if self.known.remember(index, !met, hardware.remembered) || (met && changed) {
            self.save(ctx);
        }
        let before = self.devices.remove(&index);
        let (before, other) = match before {
            Some(device) if device.handle.identity().is_model(&definition, &model) => (Some(device), None),
            other => (None, other),
        };
        // What was timed for the old device must not meet the new one.
        let generation = other.as_ref().map_or(1, |other| other.generation + 1);
        if let Some(other) = other {
            // Clients see the old one go before they see the new one.
            self.removed(&other, &format!("{} was found at its address", model.name));
        }
        // What the user set holds for what comes back, as for what is new.
        let changed = before.as_ref().is_some_and(|device| device.handle.set_user(&user));
        let again = before.is_some();
        let repeats = definition.repeats_at_rest();
        let link = opened.link.clone();
        let (handle, generation, budget) = match before {
            Some(device) => (device.handle, device.generation + 1, device.budget),
            None => {
                let Hardware { bus, address, .. } = hardware.clone();
                let identity = Identity { index, bus, address, identifier, definition, model };
                let handle = DeviceHandle::new(identity, &user);
                let HubOptions { restart_budget, restart_window, restart_delay, .. } = self.options;
                let longest = restart_window.max(restart_delay);
                (handle, generation, Budget::new(Some(restart_budget), restart_window, restart_delay, longest))
            }
        };
        for why in handle.refusals() {
            self.shared.metrics.emit(&Event::OutputRefused { index, why: &why });
        }
        handle.wanted().hold(self.hold_reason());
        // Hardware that was driven before, even by a server that was killed, may still run at its last level.
        handle.wanted().connected(again || met, repeats);
        self.start_device(&handle, &connector, opened, generation, ctx);
        let name = handle.description().name.clone();
        let protocol = handle.identity().definition.protocol.clone();
        let device = DeviceEntry {
            handle,
            hardware,
            connector,
            candidates,
            generation,
            state: LinkState::Connected,
            link: Some(link),
            budget,
            take_over: None,
            leaving: None,
            overdue: None,
        };
        self.devices.insert(index, device);
        if again {
            self.shared.metrics.emit(&Event::DeviceBack { index, name: &name });
        } else {
            self.shared.metrics.emit(&Event::DeviceAdded { index, name: &name, protocol: &protocol });
        }
        if again && !changed {
            self.count();
        } else {
            self.publish();
        }
        // Its definition may have changed while it was being opened.
        self.follow_definition(index, ctx);
    }

    /// Stops and closes hardware that is open and does not become a device.
    fn turn_away(&self, ready: Ready, ctx: &mut Context<Self>) {
        let closing = async move {
            let Ready { definition, model, opened, .. } = ready;
            last_stop(&definition, &model, &opened.link).await;
            opened.link.disconnect().await;
        };
        ctx.spawn(closing.into_actor(self));
    }

    fn start_device(
        &self,
        handle: &DeviceHandle,
        connector: &Arc<dyn Connector>,
        opened: crate::device::Opened,
        generation: u64,
        ctx: &Context<Self>,
    ) {
        let to = ctx.address().recipient();
        let actor =
            DeviceActor::new(handle.clone(), opened, generation, to, self.options.pace, self.shared.metrics.clone());
        let thread = connector.thread().cloned().unwrap_or_else(|| self.threads.next());
        actor.begin(thread.arbiter());
    }

    /// Saves what is known of devices, off this thread, one save after the other.
    pub(super) fn save(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.saving, true) {
            self.save_again = true;
            return;
        }
        let Some(to_save) = self.known.to_save() else {
            self.saving = false;
            return;
        };
        let saved = tokio::task::spawn_blocking(move || to_save.save());
        ctx.spawn(saved.into_actor(self).map(|saved, this, ctx| {
            if let Err(why) = saved.unwrap_or_else(|error| Err(error.to_string())) {
                this.shared.metrics.emit(&Event::StateNotSaved { why: &why });
            }
            this.saving = false;
            if std::mem::take(&mut this.save_again) {
                this.save(ctx);
            }
        }));
    }
}

impl Actor for Hub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        for problem in self.known.problems() {
            tracing::warn!("{problem}");
        }
        if self.known.is_unsaved() {
            self.save(ctx);
        }
        for index in 0..self.managers.len() {
            self.start_manager(index, ctx);
        }
        self.count();
    }
}

impl Handler<Found> for Hub {
    type Result = ();

    fn handle(&mut self, found: Found, ctx: &mut Self::Context) {
        self.found(found, ctx);
    }
}

impl Hub {
    /// A device is not reachable any more and will not be.
    pub(super) fn remove(&mut self, index: u32, why: &str) {
        if let Some(device) = self.devices.remove(&index) {
            self.removed(&device, why);
        }
    }

    fn removed(&mut self, device: &DeviceEntry, why: &str) {
        let index = device.handle.index();
        device.handle.wanted().set_availability(Availability::Gone(why.to_owned()));
        let name = &device.handle.description().name;
        self.shared.metrics.emit(&Event::DeviceRemoved { index, name, why });
        self.gone.push_front(GoneDevice { index, name: name.clone(), why: why.to_owned() });
        self.gone.truncate(GONE_SHOWN);
        if !self.shutting_down {
            self.publish();
        }
    }
}
