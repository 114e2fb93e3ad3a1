//! The manager of a bus that has to be asked, again and again, what is there.
//!
//! The list is made off the actor's thread, one at a time, so that a library that hangs costs nothing but its bus.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;

use super::contract::{Connector, Factory, Found, ManagerContext, ManagerGuard, ManagerHandle, Scan};
use super::open_devices::OpenDevices;
use crate::inspect::Inspect;
use crate::library::Hardware;
use crate::types::{ActorState, ActorStatus};

/// How often the hardware is listed. Known devices are found without a scan, so it goes on all the time.
const LISTED_EVERY: Duration = Duration::from_secs(1);

/// A bus that can say what is there.
pub(super) trait Enumerator: fmt::Debug + Send + Sync + 'static {
    /// Everything that is there. Blocking.
    fn list(&self) -> Result<Vec<Enumerated>, String>;

    /// What is looked for, for people. If there is nothing, nothing is listed.
    fn wanted(&self) -> Vec<String>;

    /// What is open.
    fn open_devices(&self) -> &OpenDevices;

    /// Clients scan or no longer, or something was lost. Most buses have nothing to do: their list is made anyway.
    fn scan(&self, _scan: &Scan) {}

    /// More to be said of it to people.
    fn details(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

/// Hardware that is there.
#[derive(Debug)]
pub(super) struct Enumerated {
    pub(super) hardware: Hardware,
    /// How to get at it; `None` for what nobody wants.
    pub(super) connector: Option<Arc<dyn Connector>>,
}

/// The manager of such a bus.
#[derive(Debug)]
struct PollingManager {
    enumerator: Arc<dyn Enumerator>,
    every: Duration,
    found: Recipient<Found>,
    /// Addresses of what is there and was reported.
    reported: BTreeSet<String>,
    scanning: bool,
    /// When the list that is being made was begun.
    listing: Option<Instant>,
    last_error: Option<String>,
    /// It is known whether the hardware can be listed.
    listed: bool,
    _guard: ManagerGuard,
}

/// Makes managers of a bus. What is open stays known when one manager follows another.
pub(super) fn factory(enumerator: impl Enumerator) -> Factory {
    factory_of(enumerator, LISTED_EVERY)
}

fn factory_of(enumerator: impl Enumerator, every: Duration) -> Factory {
    let enumerator: Arc<dyn Enumerator> = Arc::new(enumerator);
    Box::new(move |ManagerContext { found, guard, .. }| {
        let manager = PollingManager {
            enumerator: Arc::clone(&enumerator),
            every,
            found,
            reported: BTreeSet::new(),
            scanning: false,
            listing: None,
            last_error: None,
            listed: false,
            _guard: guard,
        };
        ManagerHandle::new(manager.start())
    })
}

impl PollingManager {
    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.listing.is_some() || self.enumerator.wanted().is_empty() {
            return;
        }
        self.listing = Some(Instant::now());
        let enumerator = Arc::clone(&self.enumerator);
        let listing = tokio::task::spawn_blocking(move || enumerator.list());
        ctx.spawn(listing.into_actor(self).map(|listed, this, _| {
            this.listing = None;
            this.listed = true;
            match listed {
                Ok(Ok(listed)) => {
                    this.last_error = None;
                    this.report(listed);
                }
                Ok(Err(why)) => this.last_error = Some(why),
                Err(error) => this.last_error = Some(error.to_string()),
            }
        }));
    }

    fn report(&mut self, listed: Vec<Enumerated>) {
        for due in self.enumerator.open_devices().due_for_retry() {
            self.reported.remove(&due);
        }
        let is_there = |address: &str| listed.iter().any(|listed| listed.hardware.address == address);
        self.reported.retain(|address| is_there(address));
        self.enumerator.open_devices().retain_present(is_there);
        for Enumerated { hardware, connector } in listed {
            let news = self.reported.insert(hardware.address.clone()) || self.scanning;
            let open_devices = self.enumerator.open_devices();
            if let Some(connector) = connector
                && news
                && !open_devices.is_open(&hardware.address)
                && !open_devices.in_backoff(&hardware.address)
            {
                self.found.do_send(Found { hardware, connector });
            }
        }
    }
}

impl Actor for PollingManager {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Where nothing is looked for there is nothing to find out.
        self.listed = self.enumerator.wanted().is_empty();
        self.look(ctx);
        ctx.run_interval(self.every, Self::look);
    }
}

impl Handler<Scan> for PollingManager {
    type Result = ();

    fn handle(&mut self, scan: Scan, ctx: &mut Self::Context) {
        self.enumerator.scan(&scan);
        match scan {
            Scan::Start => {
                self.scanning = true;
                // Somebody may have given the right that was missing, and wants to see whether it helps.
                self.enumerator.open_devices().reset_backoff();
            }
            Scan::Stop => self.scanning = false,
            Scan::LookFor(_) => {}
        }
        self.look(ctx);
    }
}

impl Handler<Inspect> for PollingManager {
    type Result = MessageResult<Inspect>;

    fn handle(&mut self, Inspect: Inspect, _: &mut Self::Context) -> Self::Result {
        let state = if self.listed { ActorState::Running } else { ActorState::Starting };
        let details = serde_json::json!({
            "looked_for": self.enumerator.wanted(), "there": self.reported,
            "open": self.enumerator.open_devices().addresses(), "opening": self.enumerator.open_devices().opening(),
            "hung_writes": self.enumerator.open_devices().hung(), "details": self.enumerator.details(),
            "listing_for_ms": self.listing.map(|since| since.elapsed().as_millis()),
        });
        MessageResult(ActorStatus::new(state).with_error(self.last_error.clone()).with(details))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::Boxed;
    use crate::library::Candidate;
    use crate::link::{Link, LinkError};
    use crate::manager::blocking_link;
    use crate::manager::contract::ManagerExited;
    use crate::manager::device_threads::DeviceThreads;
    use crate::types::Bus;
    use std::sync::Mutex;

    #[derive(Debug)]
    struct Nowhere;

    impl Connector for Nowhere {
        fn connect(&self, _: Vec<Candidate>) -> Boxed<'static, Result<(usize, Link), LinkError>> {
            Box::pin(async { Err(LinkError::Lost) })
        }

        fn refuse(&self, _: &str) {}
    }

    #[derive(Debug, Clone, Default)]
    struct Fake {
        there: Arc<Mutex<Vec<&'static str>>>,
        open_devices: OpenDevices,
    }

    impl Enumerator for Fake {
        fn list(&self) -> Result<Vec<Enumerated>, String> {
            let there = self.there.lock().unwrap().clone();
            if there.contains(&"error") {
                return Err("the list is broken".to_owned());
            }
            let listed = there.into_iter().map(|address| Enumerated {
                hardware: Hardware::new(Bus::Hid, "n", address),
                connector: (address != "unwanted").then(|| Arc::new(Nowhere) as Arc<dyn Connector>),
            });
            Ok(listed.collect())
        }

        fn wanted(&self) -> Vec<String> {
            vec!["fakes".to_owned()]
        }

        fn open_devices(&self) -> &OpenDevices {
            &self.open_devices
        }
    }

    /// FoundProbe what is found.
    struct FoundProbe(tokio::sync::mpsc::UnboundedSender<String>);

    impl Actor for FoundProbe {
        type Context = Context<Self>;
    }

    impl Handler<Found> for FoundProbe {
        type Result = ();

        fn handle(&mut self, found: Found, _: &mut Self::Context) {
            let _ = self.0.send(found.hardware.address);
        }
    }

    impl Handler<ManagerExited> for FoundProbe {
        type Result = ();

        fn handle(&mut self, _: ManagerExited, _: &mut Self::Context) {}
    }

    #[actix::test]
    async fn hardware_is_reported_when_it_comes_when_it_was_lost_and_in_scans() {
        let fake = Fake::default();
        fake.there.lock().unwrap().extend(["a", "unwanted"]);
        let (to, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let hears = FoundProbe(to).start();
        let guard = ManagerGuard::new(hears.clone().recipient(), "fake", 1);
        let manager = factory_of(fake.clone(), Duration::from_millis(50))(ManagerContext {
            found: hears.recipient(),
            threads: DeviceThreads::default(),
            guard,
        });
        let mut next = async || tokio::time::timeout(Duration::from_secs(5), heard.recv()).await.unwrap().unwrap();
        assert_eq!(next().await, "a");
        fake.there.lock().unwrap().push("b");
        assert_eq!(next().await, "b");
        // Lost, while the list shows it as if nothing had happened.
        drop(fake.open_devices.mark_open("a"));
        assert_eq!(next().await, "a");
        // In a scan, everything that is not open, again and again, unless it has just failed.
        let open = fake.open_devices.mark_open("b");
        manager.scan.do_send(Scan::Start);
        assert_eq!((next().await, next().await), ("a".to_owned(), "a".to_owned()));
        let fail = || blocking_link::open("a".to_owned(), fake.open_devices.clone(), |_, _| Err(LinkError::Lost));
        for _ in 0..6 {
            assert!(fail().await.is_err());
        }
        drop(fake.open_devices.mark_open("c"));
        fake.there.lock().unwrap().push("c");
        // What was on its way.
        while next().await != "c" {}
        assert_eq!((next().await, next().await), ("c".to_owned(), "c".to_owned()));
        manager.scan.do_send(Scan::Start);
        while next().await != "a" {}
        manager.scan.do_send(Scan::Stop);
        // A write to this one hangs.
        let hung = fake.open_devices.mark_open("z");
        hung.release().give_up();
        fake.there.lock().unwrap().push("error");
        for _ in 0..50 {
            let described = manager.describe.send(Inspect).await.unwrap();
            if described.last_error.as_deref() == Some("the list is broken") {
                assert_eq!(described.details["open"], serde_json::json!(["b"]));
                assert_eq!(described.details["hung_writes"][0]["address"], "z");
                drop(open);
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the error is not shown");
    }

    #[actix::test]
    async fn what_failed_while_it_was_pulled_out_is_taken_when_it_comes_back() {
        let fake = Fake::default();
        fake.there.lock().unwrap().push("a");
        let (to, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let hears = FoundProbe(to).start();
        let guard = ManagerGuard::new(hears.clone().recipient(), "fake", 1);
        let _manager = factory_of(fake.clone(), Duration::from_millis(50))(ManagerContext {
            found: hears.recipient(),
            threads: DeviceThreads::default(),
            guard,
        });
        let mut next = async || tokio::time::timeout(Duration::from_secs(5), heard.recv()).await.unwrap().unwrap();
        assert_eq!(next().await, "a");
        // Seen in the lab: a list from before the unplugging had it opened, again and again.
        for _ in 0..6 {
            let failed = blocking_link::open("a".to_owned(), fake.open_devices.clone(), |_, _| Err(LinkError::Lost));
            assert!(failed.await.is_err());
        }
        fake.there.lock().unwrap().clear();
        let forgotten = async {
            while fake.open_devices.in_backoff("a") {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), forgotten).await.unwrap();
        fake.there.lock().unwrap().push("a");
        assert_eq!(next().await, "a");
    }
}
