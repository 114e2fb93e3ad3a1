//! What managers and the hub say to each other.

use std::fmt;
use std::sync::Arc;

use actix::prelude::*;

use super::device_threads::{DeviceThread, DeviceThreads};
use crate::driver::Boxed;
use crate::inspect::Inspect;
use crate::library::{Candidate, Hardware};
use crate::link::{Link, LinkError};

/// Event: hardware is there. Reported when it appears and again at the start of every scan, as long as nothing is
/// connected to it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Found {
    /// What it looks like from outside.
    pub hardware: Hardware,
    /// How to get at it.
    pub connector: Arc<dyn Connector>,
}

/// A way to one piece of hardware.
pub trait Connector: fmt::Debug + Send + Sync {
    /// Opens a link and says which of the candidates the hardware is: the one whose services it really has, the first
    /// if that does not tell.
    ///
    /// # Errors
    /// Hardware that can't be reached, or that has the services of none.
    fn connect(&self, candidates: Vec<Candidate>) -> Boxed<'static, Result<(usize, Link), LinkError>>;

    /// The hardware is not wanted, for this reason.
    fn refuse(&self, why: &str);

    /// The hardware is wanted, but could not be opened, for this reason. Most hardware cannot be told.
    fn failed(&self, _why: &str) {}

    /// Whether hardware that connects again under an address in use takes that address over. So it is where the
    /// hardware dials in: it would not if its old connection still worked.
    fn takes_over(&self) -> bool {
        false
    }

    /// The thread that serves the hardware's socket, where its device runs as well. `None` leaves the choice to the hub.
    fn thread(&self) -> Option<&DeviceThread> {
        None
    }
}

/// Request: look for hardware, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub enum Scan {
    /// Report all that is there, and what comes.
    Start,
    /// Only what announces itself need be reported.
    Stop,
    /// Report the hardware with this address, if it is there and nothing is connected to it: its old connection has just
    /// been lost, and it may have come back before anybody noticed.
    LookFor(String),
}

/// Event: a manager ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ManagerExited {
    /// Name of the bus.
    pub name: &'static str,
    /// Which actor of this bus, counted from 1.
    pub generation: u64,
    /// Why.
    pub exit: ManagerExit,
}

/// Why a manager ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManagerExit {
    /// It panicked; the log has the panic.
    Panicked,
    /// It was asked to end.
    Stopped,
    /// Its bus cannot be used, for this reason.
    Failed(String),
}

impl fmt::Display for ManagerExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Panicked => "panicked",
            Self::Stopped => "it was told to",
            Self::Failed(why) => why,
        })
    }
}

/// What a manager needs to live.
#[derive(Debug)]
pub struct ManagerContext {
    /// Where found hardware is reported.
    pub found: Recipient<Found>,
    /// Where devices run, for hardware whose socket is to be served there.
    pub threads: DeviceThreads,
    /// Tells the hub when the manager is dropped, for whatever reason.
    pub guard: ManagerGuard,
}

/// Tells the hub that a manager has ended; kept by the manager's actor.
#[derive(Debug)]
pub struct ManagerGuard {
    to: Recipient<ManagerExited>,
    name: &'static str,
    generation: u64,
    exit: ManagerExit,
}

impl ManagerGuard {
    /// A guard for a manager that is about to start.
    #[must_use]
    pub fn new(to: Recipient<ManagerExited>, name: &'static str, generation: u64) -> Self {
        Self { to, name, generation, exit: ManagerExit::Panicked }
    }

    /// Sets the reason, for an end that is no panic.
    pub fn set_exit_reason(&mut self, exit: ManagerExit) {
        self.exit = exit;
    }
}

impl Drop for ManagerGuard {
    fn drop(&mut self) {
        let exit = std::mem::replace(&mut self.exit, ManagerExit::Panicked);
        self.to.do_send(ManagerExited { name: self.name, generation: self.generation, exit });
    }
}

/// What the hub holds of a manager.
#[derive(Debug, Clone)]
pub struct ManagerHandle {
    /// Where it is told to scan.
    pub scan: Recipient<Scan>,
    /// Where it is asked what it does.
    pub describe: Recipient<Inspect>,
}

impl ManagerHandle {
    /// The handle of a manager's actor.
    #[must_use]
    pub fn new<A>(manager: Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<Scan> + Handler<Inspect>,
    {
        Self { scan: manager.clone().recipient(), describe: manager.recipient() }
    }
}

/// Starts the manager of one bus; called again when it has failed.
pub type Factory = Box<dyn Fn(ManagerContext) -> ManagerHandle + Send>;

/// A bus that the hub is to start and to keep running.
pub struct BusSpec {
    /// Name in logs and metrics.
    pub name: &'static str,
    /// Makes its manager.
    pub factory: Factory,
    /// Whether it looks for hardware while a client scans; else hardware comes by itself at any time.
    pub scans: bool,
}

impl fmt::Debug for BusSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BusSpec({})", self.name)
    }
}
