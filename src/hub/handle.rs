//! What everybody above the hub holds of it: methods, no messages.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use actix::prelude::*;
use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::actor::Hub;
use super::definition_changes::NewDefinitions;
use super::known_devices::{KnownDevices, Read};
use super::messages::SessionHandle;
use super::options::HubOptions;
use super::shared::{Routes, Shared};
use super::user_changes::NewSettings;
use super::{emergency_stop, operators, shutdown, status};
use crate::events::Metrics;
use crate::library::Library;
use crate::manager::{BusSpec, DeviceThreads};
use crate::types::{ActorStatus, Descriptions, OperatorId, OperatorKind, ServerStatus};

/// What everybody above the hub holds. Copies share it.
#[derive(Debug, Clone)]
pub struct HubHandle {
    pub(super) hub: Addr<Hub>,
    pub(super) shared: Arc<Shared>,
    ended: CancellationToken,
}

impl HubHandle {
    /// Starts a hub on this thread's actor system.
    #[must_use]
    pub fn start(
        options: HubOptions,
        library: Arc<Library>,
        known: KnownDevices,
        buses: Vec<BusSpec>,
        arbiters: Vec<ArbiterHandle>,
        metrics: Metrics,
    ) -> Self {
        let shared = Arc::new(Shared {
            routes: ArcSwap::default(),
            descriptions: watch::Sender::default(),
            hold: watch::Sender::new(false),
            metrics,
            next_operator: AtomicU64::new(1),
            sessions: AtomicUsize::new(0),
            max_sessions: options.max_sessions,
            shutting_down: AtomicBool::new(false),
            state_problems: ArcSwap::from_pointee(known.problems()),
            held: emergency_stop::reason(&options.page),
        });
        let ended = CancellationToken::new();
        let alive = ended.clone().drop_guard();
        let threads = DeviceThreads::new(arbiters);
        let hub = Hub::new(options, library, known, buses, threads, Arc::clone(&shared), alive).start();
        Self { hub, shared, ended }
    }

    /// The routing table of this moment.
    #[must_use]
    pub fn routes(&self) -> Arc<Routes> {
        self.shared.routes.load_full()
    }

    /// The descriptions of the newest routing table, now and whenever it changes.
    #[must_use]
    pub fn watch_descriptions(&self) -> watch::Receiver<Arc<Descriptions>> {
        self.shared.descriptions.subscribe()
    }

    /// Whether outputs are held after an emergency stop, now and whenever that changes.
    #[must_use]
    pub fn watch_hold(&self) -> watch::Receiver<bool> {
        self.shared.hold.subscribe()
    }

    /// What is wrong with the file of known devices and with `devices.toml`, and what to do about it.
    #[must_use]
    pub fn state_problems(&self) -> Arc<Vec<String>> {
        self.shared.state_problems.load_full()
    }

    /// The metrics of this server.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Returns when the hub is no more. Nobody supervises then: whoever runs the server must stop everything and end.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Whether the hub is no more.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Whether the server ends.
    #[must_use]
    pub fn is_shutting_down(&self) -> bool {
        self.shared.shutting_down.load(Ordering::Relaxed)
    }

    /// Admits an operator. The guard is to be kept as long as it lives: when it is dropped, even by a panic, what the
    /// operator holds is stopped.
    ///
    /// # Errors
    /// How many sessions there may be, when there are so many and the operator is one.
    pub fn admit(&self, kind: OperatorKind) -> Result<OperatorGuard, usize> {
        if kind == OperatorKind::Session {
            let limit = self.shared.max_sessions;
            let room = |sessions| (sessions < limit).then_some(sessions + 1);
            self.shared.sessions.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).map_err(|_| limit)?;
        }
        let owner = OperatorId(self.shared.next_operator.fetch_add(1, Ordering::Relaxed));
        self.hub.do_send(operators::Arrived(owner));
        Ok(OperatorGuard { owner, kind, hub: self.clone() })
    }

    /// Registers the mailboxes to which the hub sends this session's events and questions.
    pub fn register(&self, owner: OperatorId, session: SessionHandle) {
        self.hub.do_send(operators::Register { owner, session });
    }

    /// Stops what an operator holds and ends what it listens to.
    pub fn release(&self, owner: OperatorId) {
        for device in self.routes().devices.values() {
            device.release(owner);
        }
    }

    /// Starts or stops scanning on behalf of an operator.
    pub fn scan(&self, owner: OperatorId, wanted: bool) {
        self.hub.do_send(operators::ScanWanted { owner, wanted });
    }

    /// Stops everything, waits for the confirmations up to `deadline`, and lets all hardware go. Returns the devices
    /// that did not confirm.
    pub async fn shut_down(&self, deadline: Duration) -> Vec<String> {
        self.shared.shutting_down.store(true, Ordering::Relaxed);
        self.hub.send(shutdown::ShutDown { deadline }).await.unwrap_or_default()
    }

    /// Stops every output of every device at once. With `hold`, outputs are refused afterwards until
    /// [`HubHandle::resume`]. Returns the devices that did not confirm within a second; their stop is repeated.
    pub async fn stop_all(&self, hold: bool) -> Vec<String> {
        // The outputs are stopped here and now; the hub is only asked to keep the hold for devices to come.
        let stopping = emergency_stop::stop(&self.routes(), hold.then_some(self.shared.held.as_str()));
        if hold {
            self.hub.do_send(emergency_stop::Hold(true));
        }
        stopping.await
    }

    /// Outputs are taken again.
    pub async fn resume(&self) {
        let _ = self.hub.send(emergency_stop::Hold(false)).await;
    }

    /// `devices.toml` says this now: it holds at once.
    pub fn user_settings(&self, read: Read) {
        self.hub.do_send(NewSettings(read));
    }

    /// These are the definitions now; devices whose own has changed are stopped and opened again.
    pub fn definitions(&self, library: Arc<Library>) {
        self.hub.do_send(NewDefinitions(library));
    }

    /// What every actor reports of itself; nothing when the hub is no more.
    pub async fn observe_actors(&self) -> Option<ActorStatus> {
        self.hub.send(status::ObserveActors).await.ok()
    }

    /// What the hub and everything under it is doing; nothing when the hub is no more.
    pub async fn observe(&self) -> Option<ServerStatus> {
        self.hub.send(status::Observe).await.ok()
    }
}

/// An operator's place in the hub.
#[derive(Debug)]
pub struct OperatorGuard {
    owner: OperatorId,
    kind: OperatorKind,
    hub: HubHandle,
}

impl OperatorGuard {
    /// Who the operator is, for outputs.
    #[must_use]
    pub fn owner(&self) -> OperatorId {
        self.owner
    }
}

impl Drop for OperatorGuard {
    fn drop(&mut self) {
        // At once, and again by the hub, which knows devices that came while this was going on.
        self.hub.release(self.owner);
        if self.kind == OperatorKind::Session {
            self.hub.shared.sessions.fetch_sub(1, Ordering::Relaxed);
        }
        self.hub.hub.do_send(operators::Left(self.owner));
    }
}
