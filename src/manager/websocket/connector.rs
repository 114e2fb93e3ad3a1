//! How the hub gets at a device that has dialled in.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{mpsc, oneshot};

use crate::driver::Boxed;
use crate::library::Candidate;
use crate::link::{Link, LinkError};
use crate::manager::{contract::Connector, device_threads::DeviceThread};

/// What the hub does to a device that has dialled in.
pub(super) enum Command {
    Connect(Vec<Candidate>, oneshot::Sender<Result<(usize, Link), LinkError>>),
    Refuse,
}

/// The hub's side of a device that has dialled in.
#[derive(Debug)]
pub(super) struct Handle {
    pub commands: mpsc::UnboundedSender<Command>,
    pub connected: AtomicBool,
    /// Where its socket is served.
    pub thread: DeviceThread,
}

impl Connector for Handle {
    fn connect(&self, candidates: Vec<Candidate>) -> Boxed<'static, Result<(usize, Link), LinkError>> {
        let (done, outcome) = oneshot::channel();
        let sent = self.commands.send(Command::Connect(candidates, done));
        self.connected.store(true, Ordering::Relaxed);
        Box::pin(async move {
            sent.map_err(|_| LinkError::Lost)?;
            outcome.await.map_err(|_| LinkError::Lost)?
        })
    }

    fn refuse(&self, _: &str) {
        // The format has no word for it: the connection is closed.
        let _ = self.commands.send(Command::Refuse);
    }

    fn takes_over(&self) -> bool {
        !self.connected.load(Ordering::Relaxed)
    }

    fn thread(&self) -> Option<&DeviceThread> {
        Some(&self.thread)
    }
}
