//! A cheap question that shows whether the hub still works, for those who watch over the process.

use std::time::Duration;

use actix::prelude::*;

use super::actor::Hub;
use super::entries::LinkState;
use super::handle::HubHandle;
use crate::patience;

/// The hub's answer: it lives, and this is how much it looks after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Clients.
    pub sessions: usize,
    /// Devices that are connected.
    pub connected: usize,
    /// Devices that are out of reach and still have their place.
    pub away: usize,
}

#[derive(Debug, Message)]
#[rtype(result = "Heartbeat")]
struct Ask;

impl Handler<Ask> for Hub {
    type Result = MessageResult<Ask>;

    fn handle(&mut self, Ask: Ask, _: &mut Self::Context) -> Self::Result {
        let connected = self.devices.values().filter(|device| device.state == LinkState::Connected).count();
        let away = self.devices.len() - connected;
        MessageResult(Heartbeat { sessions: self.sessions.len(), connected, away })
    }
}

impl HubHandle {
    /// Asks the hub itself; nothing if it has not answered within `deadline` of time that this process was awake, or is no
    /// more.
    pub async fn pulse(&self, deadline: Duration) -> Option<Heartbeat> {
        patience::timeout(deadline, self.hub.send(Ask)).await?.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::super::{HubOptions, known_devices::KnownDevices};
    use super::*;
    use crate::device::WritePolicy;
    use crate::events::Metrics;
    use crate::library::Library;

    #[derive(Message)]
    #[rtype(result = "()")]
    struct Hang(mpsc::Receiver<()>);

    impl Handler<Hang> for Hub {
        type Result = ();

        fn handle(&mut self, Hang(until): Hang, _: &mut Self::Context) {
            let _ = until.recv();
        }
    }

    /// A hub on a thread of its own, so that it can hang without the test.
    fn elsewhere() -> HubHandle {
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            System::new().block_on(async move {
                let second = Duration::from_secs(1);
                let options = HubOptions {
                    grace: second,
                    restart_budget: 1,
                    restart_window: second,
                    restart_delay: second,
                    connect_timeout: second,
                    init_timeout: second,
                    pace: WritePolicy { max_failures: 1, dead_man: None },
                    max_sessions: 1,
                    page: String::new(),
                };
                let library = Arc::new(Library::from_texts([], &[]));
                let hub =
                    HubHandle::start(options, library, KnownDevices::empty(), vec![], vec![], Metrics::new().unwrap());
                tell.send(hub.clone()).unwrap();
                hub.ended().await;
            });
        });
        told.recv().unwrap()
    }

    #[tokio::test]
    async fn a_hub_that_hangs_has_no_pulse() {
        let hub = elsewhere();
        let healthy = Some(Heartbeat { sessions: 0, connected: 0, away: 0 });
        assert_eq!(hub.pulse(Duration::from_secs(10)).await, healthy);
        let (release, until) = mpsc::channel();
        hub.hub.do_send(Hang(until));
        assert_eq!(hub.pulse(Duration::from_millis(200)).await, None);
        release.send(()).unwrap();
        assert_eq!(hub.pulse(Duration::from_secs(10)).await, healthy);
    }
}
