//! The server's own thread: starts every part, waits for the end, and stops every device before anything is let go.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use actix::prelude::*;
use actix_web::HttpServer;
use arc_swap::ArcSwap;
use tokio::sync::{oneshot, watch};
use tracing::{error, warn};

use super::error::StartError;
use super::reload::{Reload, Watched};
use super::systemd::Service;
use super::{mdns, options};
use crate::control::Control;
use crate::events::Metrics;
use crate::hub::{HubHandle, known_devices::KnownDevices};
use crate::library::Library;
use crate::manager::{BusSetup, list, virtual_bus::Port};
use crate::settings::Settings;
use crate::web::{self, Site};

/// Time for calls that block, such as the saving of known devices, once everything else has ended.
const BLOCKING: Duration = Duration::from_secs(2);

/// What the thread makes the server of.
pub(super) struct Plan {
    pub settings: Settings,
    pub library: Library,
    pub metrics: Metrics,
    pub listeners: Vec<TcpListener>,
    pub addresses: Vec<SocketAddr>,
    pub known: KnownDevices,
    pub watched: Watched,
    pub service: Option<Service>,
    /// A folder with another build of the page.
    pub page: Option<PathBuf>,
}

/// How the thread and the holder of the server speak to each other.
pub(super) struct Ways {
    /// The server runs, or does not.
    pub started: mpsc::Sender<Result<Started, StartError>>,
    /// The holder wants it to stop; devices have this long to confirm.
    pub stop: oneshot::Receiver<Duration>,
    /// It ends by itself.
    pub ended: watch::Sender<Option<EndReason>>,
    /// Every device was told to stop; these did not confirm. Dropped when the thread has let everything go.
    pub stopped: mpsc::Sender<Vec<String>>,
}

/// A server that runs.
pub(super) struct Started {
    pub hub: HubHandle,
    pub control: Control,
    pub system: System,
}

/// Why a server ended though nobody stopped it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndReason {
    /// The web server ended, with this result.
    #[error("the web server has ended ({0})")]
    WebServer(String),
    /// The hub panicked.
    #[error("the hub has ended, which should never happen")]
    Hub,
    /// The server's thread panicked.
    #[error("the server's thread has ended, which should never happen")]
    Thread,
}

/// Runs a server to its end.
pub(super) fn run(plan: Plan, ways: Ways) {
    let Ways { started, stop, ended, stopped } = ways;
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => Arc::new(runtime),
        Err(error) => return drop(started.send(Err(StartError::Thread(error)))),
    };
    let system = System::with_tokio_rt(|| Arc::clone(&runtime));
    let running = system.block_on(async {
        let mut running = match Running::start(plan) {
            Ok(running) => running,
            Err(error) => {
                let _ = started.send(Err(error));
                return None;
            }
        };
        let _ = started.send(Ok(Started {
            hub: running.hub.clone(),
            control: running.control.clone(),
            system: System::current(),
        }));
        let deadline = running.until_the_end(stop, &ended).await;
        let unheard = stopped.send(running.shut_down(deadline).await).err().map(|unheard| unheard.0);
        if let Some(unconfirmed) = unheard.filter(|unconfirmed| !unconfirmed.is_empty()) {
            warn!("these devices did not confirm that they stopped: {}", unconfirmed.join(", "));
        }
        Some(running)
    });
    // The actors go with the system, and the lock on the state directory with the hub.
    drop(system);
    drop(running);
    // A runtime that is merely dropped waits for a blocking call for ever.
    if let Some(runtime) = Arc::into_inner(runtime) {
        runtime.shutdown_timeout(BLOCKING);
    }
    drop(stopped);
}

/// Threads for devices, which end when this is dropped.
#[derive(Default)]
struct Arbiters(Vec<Arbiter>);

impl Arbiters {
    fn start(count: usize) -> std::io::Result<Self> {
        let mut started = Self::default();
        for _ in 0..count {
            started.0.push(Arbiter::try_new()?);
        }
        Ok(started)
    }
}

impl Drop for Arbiters {
    fn drop(&mut self) {
        for arbiter in &self.0 {
            arbiter.stop();
        }
        for arbiter in self.0.drain(..) {
            let _ = arbiter.join();
        }
    }
}

/// The parts of a running server.
struct Running {
    hub: HubHandle,
    _reload: Reload,
    control: Control,
    virtual_port: Option<Port>,
    _arbiters: Arbiters,
    web: actix_web::dev::ServerHandle,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
    announced: Option<mdns::Announced>,
    service: Option<Service>,
    deadline: Duration,
}

impl Running {
    /// Starts every part on this thread's actor system.
    fn start(plan: Plan) -> Result<Self, StartError> {
        let Plan { settings, library, metrics, listeners, addresses, known, watched, service, page: folder } = plan;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = settings.server.threads.unwrap_or(cores);
        let arbiters = Arbiters::start(threads).map_err(StartError::Thread)?;
        let library = Arc::new(ArcSwap::from_pointee(library));
        let port = Port::default();
        let buses = list::all(&BusSetup { settings: &settings, library: &library, port: &port });
        let virtual_port = settings.buses.virtual_bus.enabled.then_some(port);
        let page = addresses.first().map(ToString::to_string).unwrap_or_default();
        let handles = arbiters.0.iter().map(Arbiter::handle).collect();
        let hub = HubHandle::start(options::hub(&settings, &page), library.load_full(), known, buses, handles, metrics);
        let reload = Reload::start(watched, library, hub.clone()).map_err(StartError::Thread)?;
        let control = Control::new(hub.clone());
        let tokens = web::Tokens::open(&settings.state.dir, settings.state.remember);
        let site = Site {
            control: control.clone(),
            sessions: options::sessions(&settings),
            api: web::ApiCallers::new(control.clone(), tokens.clone(), settings.api.lease),
            readers: web::Readers::default(),
            origins: web::Origins::open(&settings.state.dir, settings.state.remember, settings.access.unknown_origins),
            tokens,
            local: settings.access.local,
            page: folder,
            limits: options::sockets(&settings),
            virtual_port: virtual_port.clone(),
        };
        let mut server = HttpServer::new(move || web::app(&site))
            .workers(threads)
            .max_connections(settings.sessions.max_connections.div_ceil(threads))
            .on_connect(web::on_connect)
            .disable_signals()
            .shutdown_timeout(1);
        for listener in listeners {
            server = server.listen(listener).map_err(StartError::Web)?;
        }
        let server = server.run();
        let web = server.handle();
        let serving = actix_web::rt::spawn(server);
        if let Some(service) = service.clone() {
            let hub = hub.clone();
            actix_web::rt::spawn(service.report(move |deadline| {
                let hub = hub.clone();
                async move { hub.pulse(deadline).await }
            }));
        }
        let announced = mdns::announce(&settings.mdns, &addresses);
        let deadline = settings.server.shutdown_deadline;
        Ok(Self {
            hub,
            _reload: reload,
            control,
            virtual_port,
            _arbiters: arbiters,
            web,
            serving,
            announced,
            service,
            deadline,
        })
    }

    /// Waits until the server has to end, and returns how long devices have to confirm their stop.
    async fn until_the_end(
        &mut self,
        stop: oneshot::Receiver<Duration>,
        ended: &watch::Sender<Option<EndReason>>,
    ) -> Duration {
        let why = tokio::select! {
            deadline = stop => return deadline.unwrap_or(self.deadline),
            served = &mut self.serving => EndReason::WebServer(format!("{served:?}")),
            () = self.hub.ended() => EndReason::Hub,
        };
        error!("{why}: stopping all devices");
        ended.send_replace(Some(why));
        self.deadline
    }

    /// Stops every device, closes links and sessions, and returns the devices that did not confirm that they stopped.
    async fn shut_down(&mut self, deadline: Duration) -> Vec<String> {
        self.announced = None;
        if let Some(service) = self.service.take() {
            service.stopping(deadline);
        }
        // Without a hub the devices' own actors still write: they are told directly.
        let unconfirmed =
            if self.hub.is_stopped() { self.hub.stop_all(true).await } else { self.hub.shut_down(deadline).await };
        if let Some(port) = &self.virtual_port {
            port.close();
        }
        self.web.stop(true).await;
        unconfirmed
    }
}
