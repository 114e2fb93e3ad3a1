//! The end: everything is stopped first, and only then let go.

use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::prelude::*;

use super::actor::Hub;
use super::messages::HubEvent;
use crate::device::Availability;
use crate::manager::Scan;

/// Time for links to close once everything is stopped.
const CLOSING: Duration = Duration::from_millis(500);

/// Request: stop everything, let all hardware go. The answer names the devices that did not confirm the stop.
#[derive(Debug, Message)]
#[rtype(result = "Vec<String>")]
pub(super) struct ShutDown {
    pub deadline: Duration,
}

impl Handler<ShutDown> for Hub {
    type Result = ResponseFuture<Vec<String>>;

    fn handle(&mut self, ShutDown { deadline }: ShutDown, _: &mut Self::Context) -> Self::Result {
        self.shutting_down = true;
        self.shared.shutting_down.store(true, Ordering::Relaxed);
        self.tell_managers(&Scan::Stop);
        let stops = self.devices.values().map(|device| {
            let wanted = device.handle.wanted();
            wanted.hold(Some("the server is shutting down".to_owned()));
            wanted.stop(None, None);
            // One whose actor has just panicked is still connected: the next actor stops it.
            (device.handle.clone(), wanted.availability() == Availability::Connected)
        });
        let stops: Vec<_> = stops.collect();
        let sessions: Vec<_> = self.sessions.values().cloned().collect();
        Box::pin(async move {
            let end = tokio::time::Instant::now() + deadline;
            let mut unconfirmed = Vec::new();
            // Hardware that was lost before cannot confirm anything.
            for (handle, _) in stops.iter().filter(|(_, connected)| *connected) {
                // All are stopping at once; this only waits for the slowest.
                let settled = tokio::time::timeout_at(end, handle.wanted().settled()).await;
                if settled.is_err() || handle.wanted().stopping() {
                    unconfirmed.push(format!("{} {:?}", handle.index(), handle.description().name));
                }
            }
            for session in sessions {
                session.events.do_send(HubEvent::ShuttingDown);
            }
            for (handle, _) in &stops {
                // They have had their time to stop.
                handle.close(Duration::ZERO);
            }
            let closed = futures_util::future::join_all(stops.iter().map(|(handle, _)| handle.undriven()));
            let _ = tokio::time::timeout(CLOSING, closed).await;
            unconfirmed
        })
    }
}
