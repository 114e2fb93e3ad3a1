//! The stop from outside any client, and the hold after it.

use std::time::Duration;

use actix::prelude::*;

use super::actor::Hub;
use super::shared::Routes;
use crate::events::Event;

/// Why outputs are refused while held, for the person who reads it in a program's error: what happened, what to do.
pub(super) fn reason(page: &str) -> String {
    format!("outputs are held after an emergency stop; press Resume on the page {page} or run `hapticd resume`")
}

/// Time for the confirmations; the stops themselves go on.
const ANSWER: Duration = Duration::from_secs(1);

/// Begins to stop everything now, holds it for the reason given if there is one, and returns what waits for the
/// confirmations, naming the devices that give none.
pub(super) fn stop(routes: &Routes, hold: Option<&str>) -> impl Future<Output = Vec<String>> + use<> {
    let stops = routes.devices.values().map(|device| {
        if let Some(reason) = hold {
            device.wanted().hold(Some(reason.to_owned()));
        }
        (device.clone(), device.wanted().stop(None, None))
    });
    let stops: Vec<_> = stops.collect();
    async move {
        let end = tokio::time::Instant::now() + ANSWER;
        let mut unconfirmed = Vec::new();
        for (device, number) in stops {
            if tokio::time::timeout_at(end, device.wanted().confirmed(number)).await.is_err() {
                unconfirmed.push(format!("{} {:?}", device.index(), device.description().name));
            }
        }
        unconfirmed
    }
}

/// Request: refuse outputs, or take them again.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Hold(pub bool);

impl Handler<Hold> for Hub {
    type Result = ();

    fn handle(&mut self, Hold(held): Hold, _: &mut Self::Context) {
        if self.shutting_down {
            return;
        }
        if self.held != held {
            self.shared.metrics.emit(if held { &Event::Held } else { &Event::Resumed });
        }
        self.held = held;
        self.shared.hold.send_replace(held);
        let reason = self.hold_reason();
        for device in self.devices.values() {
            let wanted = device.handle.wanted();
            wanted.hold(reason.clone());
            // A device that came while the stop was on its way is stopped, too.
            if held {
                wanted.stop(None, None);
            }
        }
    }
}
