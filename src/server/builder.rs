//! What a server is made of, and its start.

use std::path::PathBuf;
use std::sync::{Mutex, mpsc};

use tokio::sync::{oneshot, watch};
use tracing::warn;

use super::error::StartError;
use super::reload::Watched;
use super::running::Server;
use super::systemd::Service;
use super::thread::{self, Plan, Started, Ways};
use super::{library, listen};
use crate::events::Metrics;
use crate::hub::{known_devices::InUse, known_devices::KnownDevices};
use crate::library::Library;
use crate::settings::Settings;
use crate::user_devices;

/// A server that is about to start; [`Server::builder`] makes it.
#[derive(Debug)]
pub struct Builder {
    settings: Settings,
    library: Option<Library>,
    service: Option<Service>,
    page: Option<PathBuf>,
}

impl Server {
    /// Makes a server with these settings, once [`Builder::start`] is called.
    #[must_use]
    pub fn builder(settings: Settings) -> Builder {
        Builder { settings, library: None, service: None, page: None }
    }
}

impl Builder {
    /// Uses these definitions, instead of the built-in ones and those that the settings name.
    #[must_use]
    pub fn library(mut self, library: Library) -> Self {
        self.library = Some(library);
        self
    }

    /// Tells this service manager when the server is ready, how it is and when it ends. The default is to tell nobody:
    /// the service manager started the process, which need not be the server's alone.
    #[must_use]
    pub fn service(mut self, service: Option<Service>) -> Self {
        self.service = service;
        self
    }

    /// Serves the page of this folder, which has an `index.html` and perhaps `assets`, instead of the built-in one.
    #[must_use]
    pub fn page(mut self, folder: Option<PathBuf>) -> Self {
        self.page = folder;
        self
    }

    /// Starts the server on a thread of its own. When this returns, clients can connect.
    ///
    /// # Errors
    /// An address or the state directory is in use, or something else of [`StartError`]; nothing runs then.
    pub fn start(self) -> Result<Server, StartError> {
        let Self { settings, library, service, page } = self;
        let metrics = Metrics::new()?;
        let devices_file = user_devices::choose(&settings.devices_files());
        let definitions = settings.devices.definitions_dir.clone().filter(|_| library.is_none());
        let watched = Watched::new(devices_file.clone(), definitions);
        let library = library.map_or_else(|| library::library(&settings), Ok)?;
        let known_hardware = (library.definitions().len(), library.model_count());
        for problem in library.problems() {
            warn!("a definition is not used: {problem}");
        }
        // The port is taken before anything else starts: a second server must not touch the hardware of the first.
        let listeners = listen::take(&settings)?;
        let addresses: Vec<_> = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        let mut known = KnownDevices::open(&settings.state.dir, &devices_file, settings.state.remember)
            .map_err(|InUse(holder)| StartError::StateInUse { directory: settings.state.dir.clone(), holder })?;
        known.announce(&addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "));

        let deadline = settings.server.shutdown_deadline;
        let (stop, told) = oneshot::channel();
        let (tell_end, ended) = watch::channel(None);
        let (tell_stopped, stopped) = mpsc::channel();
        let (tell_started, started) = mpsc::channel();
        let ways = Ways { started: tell_started, stop: told, ended: tell_end, stopped: tell_stopped };
        let plan =
            Plan { settings, library, metrics, listeners, addresses: addresses.clone(), known, watched, service, page };
        let thread = std::thread::Builder::new().name("server".to_owned()).spawn(|| thread::run(plan, ways));
        let thread = thread.map_err(StartError::Thread)?;
        // The thread says nothing only when it panics.
        let panicked = || Err(StartError::Thread(std::io::Error::other("the server's thread panicked")));
        let Started { hub, control, system } = started.recv().unwrap_or_else(|_| panicked())?;
        let (stop, thread, stopped) = (Some(stop), Some(thread), Mutex::new(stopped));
        Ok(Server { addresses, known_hardware, hub, control, deadline, system, stop, ended, stopped, thread })
    }
}
