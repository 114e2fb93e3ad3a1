//! Definitions change while the server runs: devices whose own has changed are stopped and opened again.

use std::sync::Arc;

use actix::prelude::*;

use super::actor::Hub;
use super::entries::{LinkState, Successor};
use crate::device::LAST_STOP;
use crate::library::Library;

/// Event: definitions were read again.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct NewDefinitions(pub Arc<Library>);

impl Handler<NewDefinitions> for Hub {
    type Result = ();

    fn handle(&mut self, NewDefinitions(library): NewDefinitions, ctx: &mut Self::Context) {
        self.library = library;
        let indexes: Vec<_> = self.devices.keys().copied().collect();
        for index in indexes {
            self.follow_definition(index, ctx);
        }
    }
}

impl Hub {
    /// Stops a device and opens it again, if its definition is another by now; lets it go, if nothing knows it any more.
    pub(super) fn follow_definition(&mut self, index: u32, ctx: &mut Context<Self>) {
        let Some(device) = self.devices.get_mut(&index) else { return };
        let identity = device.handle.identity();
        let now = self.library.protocol(&identity.definition.protocol);
        if now.is_some_and(|now| identity.definition.is_same(now)) {
            return;
        }
        let candidates = self.library.candidates(&device.hardware);
        if candidates.is_empty() {
            return self.let_go(index, "no definition matches it any more", ctx);
        }
        if device.state == LinkState::Connected {
            // What has just dialled in at its address takes the new definition as well.
            let newer = device.take_over.take().map(|newer| (newer.hardware, newer.connector));
            let (hardware, connector) =
                newer.unwrap_or_else(|| (device.hardware.clone(), Arc::clone(&device.connector)));
            device.take_over = Some(Successor { hardware, connector, candidates });
            device.handle.close(LAST_STOP);
        } else {
            device.candidates = candidates;
        }
    }
}
