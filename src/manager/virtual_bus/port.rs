//! Where programs that play hardware come in.

use std::sync::Arc;

use actix::prelude::*;
use arc_swap::ArcSwapOption;
use tokio_util::sync::CancellationToken;

use crate::transport::{CloseReason, Connection};

/// Where the web server takes new peripherals to. Copies share it; it outlives the manager.
#[derive(Debug, Clone, Default)]
pub struct Port {
    manager: Arc<ArcSwapOption<Recipient<Plug>>>,
    closing: CancellationToken,
}

impl Port {
    /// A peripheral has connected.
    pub fn plug(&self, socket: Connection) {
        match self.manager.load_full() {
            Some(manager) => manager.do_send(Plug(socket)),
            None => socket.outgoing.close(CloseReason::BusNotRunning),
        }
    }

    /// Closes every socket, because the server ends. To be called when all hardware was let go.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Peripherals go to this manager from now on.
    pub(super) fn open(&self, manager: Recipient<Plug>) {
        self.manager.store(Some(Arc::new(manager)));
    }

    /// Cancelled when the server ends.
    pub(super) fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }
}

/// Request: a program wants to play hardware.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Plug(pub(super) Connection);
