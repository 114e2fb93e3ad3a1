//! A server that runs, as the application holds it.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError, mpsc, mpsc::RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix::System;
use tokio::sync::{oneshot, watch};
use tracing::{error, warn};

use super::bus_report;
use super::options::CLOSING;
use super::thread::EndReason;
use crate::control::Control;
use crate::device::DeviceHandle;
use crate::hub::HubHandle;
use crate::log_ring::LogEntry;

/// A server that runs on threads of its own. When it is dropped, it stops every device, waits for their confirmations
/// for at most `server.shutdown_deadline_ms`, and ends.
#[derive(Debug)]
pub struct Server {
    pub(super) known_hardware: (usize, usize),
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) hub: HubHandle,
    pub(super) control: Control,
    pub(super) deadline: Duration,
    pub(super) system: System,
    pub(super) stop: Option<oneshot::Sender<Duration>>,
    pub(super) ended: watch::Receiver<Option<EndReason>>,
    pub(super) stopped: Mutex<mpsc::Receiver<Vec<String>>>,
    pub(super) thread: Option<JoinHandle<()>>,
}

impl Server {
    /// How many definitions it began with, and how many models they describe.
    #[must_use]
    pub fn known_hardware(&self) -> (usize, usize) {
        self.known_hardware
    }

    /// Where clients connect, and where the page is.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The front door: what anybody may ask of the server.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// What happened last, oldest first, whatever logger the application has.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        self.hub.metrics().log().entries()
    }

    /// Lines for people that say how each bus is. Waits until the buses know, but two seconds at most.
    pub async fn bus_report(&self) -> String {
        bus_report::lines(&bus_report::settled(&self.hub).await)
    }

    /// Returns when the server ends by itself, with the reason. It has begun to stop every device by then;
    /// [`Server::stop`] waits for it.
    pub async fn ended(&self) -> EndReason {
        let mut ended = self.ended.clone();
        let ended = ended.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        ended.unwrap_or(EndReason::Thread)
    }

    /// Stops every device, waits for the confirmations up to `deadline`, closes links and sessions, and ends the server's
    /// threads. Returns the devices that did not confirm that they stopped. Blocks for `deadline` and ten seconds at
    /// most; on one of the server's own threads, which cannot wait for themselves, it does not block and names every
    /// device.
    pub fn stop(mut self, deadline: Duration) -> Vec<String> {
        self.end(deadline)
    }

    fn end(&mut self, deadline: Duration) -> Vec<String> {
        let Some(thread) = self.thread.take() else { return Vec::new() };
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(deadline);
        }
        if self.is_here() {
            return self.devices();
        }
        let end = Instant::now() + deadline + CLOSING;
        let left = || end.saturating_duration_since(Instant::now());
        let stopped = self.stopped.get_mut().unwrap_or_else(PoisonError::into_inner);
        match stopped.recv_timeout(left()) {
            Ok(unconfirmed) => {
                match stopped.recv_timeout(left()) {
                    Err(RecvTimeoutError::Disconnected) => drop(thread.join()),
                    _ => warn!("the server has stopped, but its thread does not end"),
                }
                unconfirmed
            }
            Err(_) => {
                error!("the server's thread does not stop the devices: they are stopped without it");
                for device in self.hub.routes().devices.values() {
                    device.wanted().hold(Some("the server is shutting down".to_owned()));
                    device.wanted().stop(None, None);
                }
                self.devices()
            }
        }
    }

    /// Whether this is one of the server's own threads.
    fn is_here(&self) -> bool {
        System::try_current().is_some_and(|current| current.id() == self.system.id())
    }

    fn devices(&self) -> Vec<String> {
        let routes = self.hub.routes();
        let name = |device: &DeviceHandle| format!("{} {:?}", device.index(), device.description().name);
        routes.devices.values().map(name).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let unconfirmed = self.end(self.deadline);
        // On its own thread nobody could wait: the thread itself tells of them.
        if !unconfirmed.is_empty() && !self.is_here() {
            warn!("these devices did not confirm that they stopped: {}", unconfirmed.join(", "));
        }
    }
}
