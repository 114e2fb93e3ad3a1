//! The thread that owns the Bluetooth library: listens, reports, opens links, and notices when the system fails.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::Recipient;
use btleplug::api::{Central as _, CentralEvent, CentralState, Peripheral as _, ScanFilter};
use btleplug::platform::{Adapter, Manager, Peripheral, PeripheralId};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::adapter::choose;
use super::connection::{self, End};
use super::connector::{BtleConnector, Command, Connect};
use super::error::explain;
use super::options::BtleOptions;
use super::scan_schedule::ScanSchedule;
use super::sightings::Sightings;
use super::status::{Ended, Status};
use crate::library::Hardware;
use crate::link::LinkError;
use crate::manager::{contract::Found, contract::ManagerExit, contract::Scan};
use crate::types::{ActorState, ActorStatus, Bus};

/// Time for reaching the system's Bluetooth when the bus starts.
pub(super) const STARTS_WITHIN: Duration = Duration::from_secs(10);
/// Time for an answer of the system that does not depend on hardware.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
const TICK: Duration = Duration::from_millis(250);
/// How often the system is asked whether all is well. Objects that vanish (an adapter that was unplugged, a daemon that
/// was killed) are not reported by events.
const CHECKED_EVERY: Duration = Duration::from_secs(2);
/// Discovery without any event for this long is begun anew: drivers forget it, after a suspend above all.
const SILENCE: Duration = Duration::from_secs(20);
/// The same while hardware is looked for that was there a moment ago: discovery that is begun while BlueZ itself is
/// still starting may stay deaf (seen in the lab).
const EAGER_SILENCE: Duration = Duration::from_secs(5);
/// Pause before discovery is begun, after the bus has started and before it is begun anew. BlueZ says yes before it can,
/// and then waits ten seconds before it tries (seen in the lab, when the daemon had just been started).
const REST: Duration = Duration::from_secs(1);
/// A loss that is reported so soon after a connection was made, while the system says that it holds, is an old one: events
/// wait in a queue.
const STALE: Duration = Duration::from_secs(5);
/// Two events of one device within this time are looked at once.
const LOOKED_AT_EVERY: Duration = Duration::from_millis(100);
/// A connection that was let go within this time was of no use.
const SHORT_LIFE: Duration = Duration::from_secs(10);
/// Devices whose last look is remembered.
const LOOKS: usize = 2_000;

/// What the thread needs.
pub(super) struct Start {
    pub options: BtleOptions,
    pub commands: mpsc::UnboundedReceiver<Command>,
    /// The sending end of `commands`, for connectors. Weak, so that they keep nothing alive.
    pub back: mpsc::WeakUnboundedSender<Command>,
    pub found: Recipient<Found>,
    pub status: Status,
    pub ended: Recipient<Ended>,
    pub stop: CancellationToken,
}

/// Whether a panic is one of those that the Bluetooth library is known for: it removes a D-Bus match that is gone
/// already, in a task of its own, and nothing depends on it (seen in the lab in 7 of 45 connections).
#[must_use]
pub fn is_harmless_panic(location: &Location<'_>) -> bool {
    location.file().contains("bluez-async") && location.file().ends_with("messagestream.rs")
}

impl Start {
    pub(super) fn thread(self) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("bluetooth".to_owned()).spawn(move || {
            let ended = self.ended.clone();
            // A task of its own turns a panic into a result.
            let end = runtime.block_on(async {
                let radio = tokio::spawn(self.run());
                radio.await.unwrap_or_else(|error| Err(format!("the radio's thread failed: {error}")))
            });
            // Every link is lost before the hub starts the bus again.
            runtime.shutdown_background();
            ended.do_send(Ended(end.map_or_else(ManagerExit::Failed, |()| ManagerExit::Stopped)));
        })?;
        Ok(())
    }

    async fn run(self) -> Result<(), String> {
        let Self { options, mut commands, back, found, status, stop, .. } = self;
        let manager = Manager::new().await.map_err(|error| explain(&error))?;
        let (adapter, name) = answer("the adapters", choose(&manager, &options.adapter)).await??;
        let events = answer("events", adapter.events()).await?;
        let mut events = events.map_err(|error| explain(&error))?;
        info!("Bluetooth adapter {name} is used");
        let now = Instant::now();
        let schedule = ScanSchedule::new(options.look_every, now);
        let mut radio = Central {
            options,
            back,
            found,
            status,
            adapter,
            name,
            schedule,
            sightings: Sightings::default(),
            links: BTreeMap::new(),
            connections: JoinSet::new(),
            looked: HashMap::new(),
            discovering: false,
            last_event_at: now,
            checked: now,
            rests_until: now + REST,
            silences: 0,
        };
        radio.check().await?;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                command = commands.recv() => match command {
                    None => break,
                    Some(command) => radio.command(command).await?,
                },
                event = events.next() => match event {
                    None => return Err("the system no longer reports on Bluetooth".to_owned()),
                    Some(event) => radio.event(event).await?,
                },
                Some(ended) = radio.connections.join_next_with_id() => radio.connection_ended(ended),
                _ = tick.tick() => radio.tick().await?,
            }
        }
        if radio.discovering {
            let _ = answer("stopping the scan", radio.adapter.stop_scan()).await;
        }
        Ok(())
    }
}

/// An answer of the system, or that there is none.
async fn answer<T>(what: &str, question: impl Future<Output = T>) -> Result<T, String> {
    let limit = ANSWERS_WITHIN.as_secs();
    let answered = crate::patience::timeout(ANSWERS_WITHIN, question).await;
    answered.ok_or_else(|| format!("the system's Bluetooth does not answer ({what}, {limit} s)"))
}

/// A connection that is being made or is there.
struct Open {
    id: PeripheralId,
    task: Id,
    lost: CancellationToken,
    /// Since when it is there.
    since: Option<Instant>,
    /// How often in a row the system could not say whether it is.
    unknown: u32,
    /// The hardware is to be connected anew when this has ended.
    next: Option<Connect>,
}

impl Open {
    fn is_open(&self) -> bool {
        self.since.is_some()
    }
}

struct Central {
    options: BtleOptions,
    back: mpsc::WeakUnboundedSender<Command>,
    found: Recipient<Found>,
    status: Status,
    adapter: Adapter,
    name: String,
    schedule: ScanSchedule,
    sightings: Sightings,
    links: BTreeMap<String, Open>,
    /// Connections that are being made and served. They end with how, or with why they were never made.
    connections: JoinSet<Result<End, String>>,
    looked: HashMap<PeripheralId, Instant>,
    discovering: bool,
    last_event_at: Instant,
    checked: Instant,
    /// Discovery is not begun before this.
    rests_until: Instant,
    /// How often discovery was begun anew.
    silences: u32,
}

impl Central {
    async fn command(&mut self, command: Command) -> Result<(), String> {
        let now = Instant::now();
        match command {
            Command::Scan(Scan::Start) => {
                self.schedule.scan(true);
                let there = self.sightings.report_present(now);
                if !there.is_empty() {
                    self.report_all(there).await;
                }
                self.discover(now).await?;
                self.look_at_all().await?;
            }
            Command::Scan(Scan::Stop) => {
                self.schedule.scan(false);
                self.discover(now).await?;
            }
            Command::Scan(Scan::LookFor(address)) => {
                self.sightings.report_again(&address);
                if !self.links.get(&address).is_some_and(|open| open.is_open() && !open.lost.is_cancelled()) {
                    self.schedule.look_for(address, now);
                    self.discover(now).await?;
                }
            }
            Command::Connect(connect) => self.connect(connect).await,
            Command::Opened(address) => {
                if let Some(open) = self.links.get_mut(&address) {
                    open.since = Some(now);
                }
                self.schedule.found(&address);
            }
        }
        self.publish_status();
        Ok(())
    }

    async fn event(&mut self, event: CentralEvent) -> Result<(), String> {
        self.last_event_at = Instant::now();
        match event {
            CentralEvent::DeviceDiscovered(id)
            | CentralEvent::DeviceUpdated(id)
            | CentralEvent::DeviceConnected(id)
            | CentralEvent::ManufacturerDataAdvertisement { id, .. }
            | CentralEvent::ServiceDataAdvertisement { id, .. }
            | CentralEvent::ServicesAdvertisement { id, .. }
            | CentralEvent::RssiUpdate { id, .. } => self.look_at(id).await,
            CentralEvent::DeviceDisconnected(id) => {
                let is_connected = self.is_connected(&id).await?;
                for open in self.links.values().filter(|open| open.id == id) {
                    let is_new = open.since.is_some_and(|since| since.elapsed() < STALE);
                    if open.is_open() && !(is_new && is_connected == Some(true)) {
                        open.lost.cancel();
                    }
                }
                Ok(())
            }
            CentralEvent::StateUpdate(CentralState::PoweredOff) => Err(self.switched_off()),
            CentralEvent::StateUpdate(_) | CentralEvent::DeviceServicesModified(_) => Ok(()),
        }
    }

    fn switched_off(&self) -> String {
        format!("the adapter {} is switched off: bluetoothctl power on, or rfkill unblock bluetooth", self.name)
    }

    async fn tick(&mut self) -> Result<(), String> {
        let now = Instant::now();
        self.discover(now).await?;
        if now.duration_since(self.checked) >= CHECKED_EVERY {
            self.checked = now;
            self.check().await?;
            if self.discovering {
                // Names may come late, and no event tells of it.
                self.look_at_all().await?;
            }
        }
        let patience = if self.schedule.is_eager(now) { EAGER_SILENCE } else { SILENCE };
        if self.discovering && now.duration_since(self.last_event_at) >= patience {
            debug!("nothing was heard for {patience:?}: discovery is begun anew");
            self.silences += 1;
            self.last_event_at = now;
            let _ = answer("stopping the scan", self.adapter.stop_scan()).await?;
            self.discovering = false;
            self.rests_until = now + REST;
        }
        self.publish_status();
        Ok(())
    }

    /// Whether the system, the adapter and every link are still there.
    async fn check(&mut self) -> Result<(), String> {
        let info = answer("the adapter", self.adapter.adapter_info()).await?;
        info.map_err(|error| format!("the adapter {} is gone: {}", self.name, explain(&error)))?;
        let state = answer("the adapter's state", self.adapter.adapter_state()).await?;
        if matches!(state, Ok(CentralState::PoweredOff)) {
            return Err(self.switched_off());
        }
        let open: Vec<_> = self.links.iter().filter(|(_, open)| open.is_open()).collect();
        let open: Vec<_> = open.into_iter().map(|(address, open)| (address.clone(), open.id.clone())).collect();
        for (address, id) in open {
            let is_connected = self.is_connected(&id).await?;
            let Some(open) = self.links.get_mut(&address) else { continue };
            open.unknown = if is_connected.is_none() { open.unknown + 1 } else { 0 };
            if is_connected == Some(false) || open.unknown > 1 {
                open.lost.cancel();
            }
        }
        Ok(())
    }

    /// Whether the system is connected to a device; `None` when it cannot say.
    async fn is_connected(&self, id: &PeripheralId) -> Result<Option<bool>, String> {
        match answer("a device", self.adapter.peripheral(id)).await? {
            Ok(peripheral) => Ok(answer("a device", peripheral.is_connected()).await?.ok()),
            Err(_) => Ok(None),
        }
    }

    /// Begins or ends discovery, as is wanted now.
    async fn discover(&mut self, now: Instant) -> Result<(), String> {
        let wanted = self.schedule.listens(now);
        if wanted == self.discovering || (wanted && now < self.rests_until) {
            return Ok(());
        }
        if wanted {
            let filter = ScanFilter { services: self.options.services.clone() };
            let started = answer("starting a scan", self.adapter.start_scan(filter)).await?;
            let is_on = |error: &btleplug::Error| format!("{error:?}").contains("InProgress");
            started.or_else(|error| if is_on(&error) { Ok(()) } else { Err(explain(&error)) })?;
            self.last_event_at = now;
        } else if let Err(error) = answer("stopping the scan", self.adapter.stop_scan()).await? {
            debug!("the scan could not be stopped: {error}");
        }
        self.discovering = wanted;
        Ok(())
    }

    async fn look_at_all(&mut self) -> Result<(), String> {
        let peripherals = answer("the devices", self.adapter.peripherals()).await?;
        for peripheral in peripherals.map_err(|error| explain(&error))? {
            self.see(&peripheral).await?;
        }
        Ok(())
    }

    async fn look_at(&mut self, id: PeripheralId) -> Result<(), String> {
        let now = Instant::now();
        if self.looked.get(&id).is_some_and(|last| now.duration_since(*last) < LOOKED_AT_EVERY) {
            return Ok(());
        }
        if self.looked.len() >= LOOKS {
            self.looked.clear();
        }
        self.looked.insert(id.clone(), now);
        match answer("a device", self.adapter.peripheral(&id)).await? {
            Ok(peripheral) => self.see(&peripheral).await,
            // It has gone again.
            Err(_) => Ok(()),
        }
    }

    async fn see(&mut self, peripheral: &Peripheral) -> Result<(), String> {
        let Ok(Some(properties)) = answer("a device", peripheral.properties()).await? else {
            return Ok(());
        };
        // The system also lists what it knows from before. What has no signal strength is not heard now.
        let is_here = match properties.rssi {
            Some(_) => true,
            None => answer("a device", peripheral.is_connected()).await?.unwrap_or(false),
        };
        if !is_here {
            return Ok(());
        }
        let address = address_of(peripheral);
        // BlueZ offers the address where it knows no name.
        let made_up = address.replace(':', "-");
        let local = properties.local_name.filter(|name| *name != made_up);
        let name = properties.advertisement_name.or(local).unwrap_or_default();
        let mut hardware = Hardware::new(Bus::Btle, name, address);
        hardware.advertised = properties.services.into_iter().collect();
        hardware.manufacturer = properties.manufacturer_data.into_iter().collect();
        hardware.signal_dbm = properties.rssi;
        if self.sightings.see(&hardware, Instant::now()) {
            self.report(hardware, peripheral.id());
        }
        Ok(())
    }

    /// Reports those of these that the system still knows.
    async fn report_all(&self, there: Vec<Hardware>) {
        let Ok(Ok(peripherals)) = answer("the devices", self.adapter.peripherals()).await else { return };
        let ids: HashMap<_, _> = peripherals.iter().map(|one| (address_of(one), one.id())).collect();
        for hardware in there {
            if let Some(id) = ids.get(&hardware.address) {
                self.report(hardware, id.clone());
            }
        }
    }

    fn report(&self, hardware: Hardware, id: PeripheralId) {
        let connector = BtleConnector::new(hardware.address.clone(), id, self.back.clone());
        self.found.do_send(Found { hardware, connector: Arc::new(connector) });
    }

    async fn connect(&mut self, connect: Connect) {
        if let Some(open) = self.links.get_mut(&connect.address) {
            // Not before its last connection is closed, which takes BlueZ two seconds.
            open.next = Some(connect);
            return;
        }
        let Connect { address, id, candidates, done } = connect;
        let peripheral = match answer("a device", self.adapter.peripheral(&id)).await {
            Ok(Ok(peripheral)) => peripheral,
            Ok(Err(error)) => {
                self.sightings.failed(&address, Instant::now());
                let _ = done.send(Err(LinkError::Failed(explain(&error))));
                return;
            }
            Err(why) => {
                let _ = done.send(Err(LinkError::Failed(why)));
                return;
            }
        };
        self.sightings.linked(&address);
        let lost = CancellationToken::new();
        let (deadlines, back) = (self.options.deadlines, self.back.clone());
        let (ended, whose) = (lost.clone(), address.clone());
        let connection = self.connections.spawn(async move {
            let connection = connection::open(peripheral, candidates, deadlines, done).await?;
            if let Some(back) = back.upgrade() {
                let _ = back.send(Command::Opened(whose));
            }
            Ok(connection.serve(ended).await)
        });
        let open = Open { id, task: connection.id(), lost, since: None, unknown: 0, next: None };
        self.links.insert(address, open);
    }

    fn connection_ended(&mut self, ended: Result<(Id, Result<End, String>), JoinError>) {
        let (task, outcome) = match ended {
            Ok((task, outcome)) => (task, outcome),
            Err(error) => (error.id(), Err(format!("its task failed: {error}"))),
        };
        let Some(address) = self.links.iter().find(|(_, open)| open.task == task).map(|(address, _)| address.clone())
        else {
            return;
        };
        let Some(open) = self.links.remove(&address) else { return };
        let now = Instant::now();
        self.sightings.unlinked(&address);
        match outcome {
            // The hub says so as well, but its word may have come before the end of the task.
            Ok(End::Lost) => self.schedule.look_for(address.clone(), now),
            // A device that is given up so soon would be found, tried and given up for ever.
            Ok(End::LetGo) if open.since.is_some_and(|since| since.elapsed() < SHORT_LIFE) => {
                self.sightings.failed(&address, now);
            }
            Ok(End::LetGo) => {}
            Err(why) => {
                debug!("{address} could not be connected: {why}");
                self.sightings.failed(&address, now);
            }
        }
        if let (Some(next), Some(back)) = (open.next, self.back.upgrade()) {
            let _ = back.send(Command::Connect(next));
        }
    }

    fn publish_status(&self) {
        let links = self.links.iter().map(|(address, open)| {
            serde_json::json!({
                "address": address, "open": open.is_open(), "last_rssi": self.sightings.signal_dbm(address),
            })
        });
        self.status.set(ActorStatus::new(ActorState::Running).with(serde_json::json!({
            "adapter": self.name, "scanning": self.schedule.is_scanning(),
            "discovering": self.discovering, "looked_for": self.schedule.wanted(), "seen": self.sightings.count(),
            "discoveries_begun_anew": self.silences, "links": links.collect::<Vec<_>>(),
        })));
    }
}

/// The hardware address, where the system tells it; else the system's own name for the device (macOS).
fn address_of(peripheral: &Peripheral) -> String {
    let address = peripheral.address();
    if address == btleplug::api::BDAddr::default() { peripheral.id().to_string() } else { address.to_string() }
}
