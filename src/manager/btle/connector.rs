//! What the radio is told, and the way to one device that the hub holds.

use btleplug::platform::PeripheralId;
use tokio::sync::{mpsc, oneshot};

use crate::driver::Boxed;
use crate::library::Candidate;
use crate::link::{Link, LinkError};
use crate::manager::contract::{Connector, Scan};

/// What the radio is told.
pub(super) enum Order {
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
pub(super) struct Way {
    address: String,
    id: PeripheralId,
    orders: mpsc::WeakUnboundedSender<Order>,
}

impl Way {
    pub(super) fn new(address: String, id: PeripheralId, orders: mpsc::WeakUnboundedSender<Order>) -> Self {
        Self { address, id, orders }
    }
}

impl std::fmt::Debug for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Way({})", self.address)
    }
}

impl Connector for Way {
    fn connect(&self, candidates: Vec<Candidate>) -> Boxed<'static, Result<(usize, Link), LinkError>> {
        let (done, outcome) = oneshot::channel();
        let connect = Connect { address: self.address.clone(), id: self.id.clone(), candidates, done };
        let sent = self.orders.upgrade().is_some_and(|orders| orders.send(Order::Connect(connect)).is_ok());
        Box::pin(async move {
            if !sent {
                return Err(LinkError::Lost);
            }
            outcome.await.map_err(|_| LinkError::Lost)?
        })
    }

    fn refuse(&self, _: &str) {
        // Hardware that only advertises has nobody who could be told.
    }
}
