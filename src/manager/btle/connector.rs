//! The commands that the central takes, and the connector through which the hub opens one device.

use btleplug::platform::PeripheralId;
use tokio::sync::{mpsc, oneshot};

use crate::driver::Boxed;
use crate::library::Candidate;
use crate::link::{Link, LinkError};
use crate::manager::{contract::Connector, contract::Scan};

/// Commands to the central.
pub(super) enum Command {
    Scan(Scan),
    /// Open a link.
    Connect(Connect),
    /// A link was opened.
    Opened(String),
}

/// Whom to connect, and who waits for it.
pub(super) struct Connect {
    pub address: String,
    pub id: PeripheralId,
    pub candidates: Vec<Candidate>,
    pub done: oneshot::Sender<Result<(usize, Link), LinkError>>,
}

/// How to connect to one device.
pub(super) struct BtleConnector {
    address: String,
    id: PeripheralId,
    commands: mpsc::WeakUnboundedSender<Command>,
}

impl BtleConnector {
    pub(super) fn new(address: String, id: PeripheralId, commands: mpsc::WeakUnboundedSender<Command>) -> Self {
        Self { address, id, commands }
    }
}

impl std::fmt::Debug for BtleConnector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BtleConnector({})", self.address)
    }
}

impl Connector for BtleConnector {
    fn connect(&self, candidates: Vec<Candidate>) -> Boxed<'static, Result<(usize, Link), LinkError>> {
        let (done, outcome) = oneshot::channel();
        let connect = Connect { address: self.address.clone(), id: self.id.clone(), candidates, done };
        let sent = self.commands.upgrade().is_some_and(|commands| commands.send(Command::Connect(connect)).is_ok());
        Box::pin(async move {
            if !sent {
                return Err(LinkError::Lost);
            }
            outcome.await.map_err(|_| LinkError::Lost)?
        })
    }

    fn refuse(&self, _: &str) {
        // Hardware that only advertises cannot be told why.
    }
}
