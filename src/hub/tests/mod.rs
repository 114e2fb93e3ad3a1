//! Supervision, in paused time: drivers that panic, hardware that fails, managers that die.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::prelude::*;

use tokio::sync::{mpsc, oneshot};

use super::known_devices::KnownDevices;
use super::*;
use crate::device::DeviceHandle;
use crate::driver::{Boxed, testing::PANIC, testing::PANIC_LATER};
use crate::events::Metrics;
use crate::inspect::Inspect;
use crate::library::{Candidate, Hardware, Library};
use crate::link::{Clock, Confirms, Deadlines, Link, LinkEnd, LinkError, LinkInfo, LinkRequest, Operation, pair};
use crate::manager::{BusSpec, Connector, Factory, Found, ManagerContext, ManagerGuard, ManagerHandle, Scan};
use crate::types::{
    ActorState, ActorStatus, Bus, Endpoint, InputAction, InputKind, OperatorId, OperatorKind, Output, OutputKind,
};

const DEFINITION: &str = r#"
name = "Misbehaving"
driver = "misbehaving"
[[match]]
btle = { names = ["Mis"] }
services.ff00 = { tx = "ff01" }
[default]
name = "Mis"
features = [{ vibrate = [0, 100] }, { battery = [0, 100] }]
"#;

const ANN: OperatorId = OperatorId(1000);

/// A bus whose hardware and failures the test decides.
struct TestManager {
    scans: mpsc::UnboundedSender<Scan>,
    _guard: ManagerGuard,
}

impl Actor for TestManager {
    type Context = Context<Self>;
}

impl Handler<Scan> for TestManager {
    type Result = ();

    fn handle(&mut self, scan: Scan, _: &mut Self::Context) {
        self.scans.send(scan).unwrap();
    }
}

impl Handler<Inspect> for TestManager {
    type Result = MessageResult<Inspect>;

    fn handle(&mut self, Inspect: Inspect, _: &mut Self::Context) -> Self::Result {
        MessageResult(ActorStatus::new(ActorState::Running))
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Die;

impl Handler<Die> for TestManager {
    type Result = ();

    fn handle(&mut self, Die: Die, _: &mut Self::Context) {
        panic!("a manager that dies");
    }
}

/// Hardware in reach: each connection hands the test the other side of its link.
#[derive(Debug)]
struct Reach {
    ends: mpsc::UnboundedSender<LinkEnd>,
    refused: Mutex<Option<oneshot::Sender<String>>>,
    dials_in: bool,
}

impl Connector for Reach {
    fn connect(&self, _: Vec<Candidate>) -> Boxed<'static, Result<(usize, Link), LinkError>> {
        let info = LinkInfo {
            endpoints: BTreeSet::from([Endpoint::TX]),
            gap: Duration::ZERO,
            deadlines: Deadlines::default(),
            confirms: Confirms::Everything,
            clock: Clock::system(),
        };
        let (link, end) = pair(info);
        let sent = self.ends.send(end);
        Box::pin(async move { sent.map(|()| (0, link)).map_err(|_| LinkError::Lost) })
    }

    fn refuse(&self, why: &str) {
        if let Some(refused) = self.refused.lock().unwrap().take() {
            let _ = refused.send(why.to_owned());
        }
    }

    fn takes_over(&self) -> bool {
        self.dials_in
    }
}

struct Fixture {
    hub: HubHandle,
    found: Recipient<Found>,
    scans: mpsc::UnboundedReceiver<Scan>,
    managers: mpsc::UnboundedReceiver<(Recipient<Found>, Addr<TestManager>)>,
    manager: Addr<TestManager>,
    _session: Addr<Session>,
    events: mpsc::UnboundedReceiver<HubEvent>,
    _guard: OperatorGuard,
}

/// A session that only listens.
struct Session(mpsc::UnboundedSender<HubEvent>);

impl Actor for Session {
    type Context = Context<Self>;
}

impl Handler<HubEvent> for Session {
    type Result = ();

    fn handle(&mut self, event: HubEvent, _: &mut Self::Context) {
        let _ = self.0.send(event);
    }
}

impl Handler<Inspect> for Session {
    type Result = MessageResult<Inspect>;

    fn handle(&mut self, Inspect: Inspect, _: &mut Self::Context) -> Self::Result {
        MessageResult(ActorStatus::new(ActorState::Running))
    }
}

struct Hardwares {
    ends: mpsc::UnboundedReceiver<LinkEnd>,
}

impl Fixture {
    async fn start() -> Self {
        let options = HubOptions::for_tests();
        let library = Library::from_texts([("misbehaving", DEFINITION)], &crate::driver::names());
        assert!(library.problems().is_empty(), "{:?}", library.problems());
        let (scans_to, scans) = mpsc::unbounded_channel();
        let (managers_to, mut managers) = mpsc::unbounded_channel();
        let factory: Factory = Box::new(move |ManagerContext { found, guard, .. }| {
            let manager = TestManager { scans: scans_to.clone(), _guard: guard }.start();
            managers_to.send((found, manager.clone())).unwrap();
            ManagerHandle::new(manager)
        });
        let buses = vec![BusSpec { name: "test", factory, scans: true }];
        let metrics = Metrics::new().unwrap();
        let hub = HubHandle::start(options, Arc::new(library), KnownDevices::empty(), buses, Vec::new(), metrics);
        let (found, manager) = managers.recv().await.unwrap();
        let (events_to, events) = mpsc::unbounded_channel();
        let session = Session(events_to).start();
        let guard = hub.admit(OperatorKind::Session).unwrap();
        let handle = SessionHandle { events: session.clone().recipient(), describe: session.clone().recipient() };
        hub.register(guard.owner(), handle);
        hub.scan(guard.owner(), true);
        let mut fixture = Self { hub, found, scans, managers, manager, _session: session, events, _guard: guard };
        assert_eq!(fixture.scans.recv().await, Some(Scan::Start));
        fixture
    }

    /// With one piece of hardware that is connected.
    async fn with_one() -> (Self, Hardwares, DeviceHandle, LinkEnd) {
        let mut fixture = Self::start().await;
        let mut one = fixture.appear("one");
        let device = fixture.device().await;
        let end = one.ends.recv().await.unwrap();
        (fixture, one, device, end)
    }

    fn appear(&self, address: &str) -> Hardwares {
        self.found(address, false)
    }

    /// Hardware that takes over the address if it is in use.
    fn dial_in(&self, address: &str) -> Hardwares {
        self.found(address, true)
    }

    fn found(&self, address: &str, dials_in: bool) -> Hardwares {
        let (ends, received) = mpsc::unbounded_channel();
        let hardware = Hardware::new(Bus::Btle, "Mis", address);
        let connector = Arc::new(Reach { ends, refused: Mutex::new(None), dials_in });
        self.found.do_send(Found { hardware, connector });
        Hardwares { ends: received }
    }

    async fn device(&mut self) -> DeviceHandle {
        self.changed().await;
        self.hub.routes().devices.values().next_back().unwrap().clone()
    }

    async fn changed(&mut self) {
        loop {
            if let HubEvent::DevicesChanged = self.events.recv().await.unwrap() {
                return;
            }
        }
    }
}

fn set(device: &DeviceHandle, value: i32) {
    let output = Output { kind: OutputKind::Vibrate, value, duration_ms: 0 };
    device.set(ANN, &[(0, output)], None).unwrap();
}

async fn request(end: &mut LinkEnd) -> LinkRequest {
    tokio::time::timeout(Duration::from_secs(30), end.requests.recv()).await.expect("nothing is asked").unwrap()
}

/// Hardware is let go; it agrees.
async fn let_go(end: &mut LinkEnd) {
    let LinkRequest { operation, done } = request(end).await;
    assert!(matches!(operation, Operation::Disconnect), "{operation:?}");
    let _ = done.send(Ok(Vec::new()));
}

/// The value of the next write, which the hardware takes.
async fn taken(end: &mut LinkEnd) -> u8 {
    let LinkRequest { operation, done } = request(end).await;
    let Operation::Write(packet) = operation else { panic!("{operation:?}") };
    let _ = done.send(Ok(Vec::new()));
    packet.data[1]
}

fn test(body: impl Future<Output = ()>) {
    actix::System::new().block_on(async {
        tokio::time::pause();
        body.await;
    });
}

#[test]
fn hardware_that_is_reported_twice_is_not_refused_but_another_with_its_address_is() {
    test(async {
        let mut fixture = Fixture::start().await;
        let (ends, mut received) = mpsc::unbounded_channel();
        let (refuse, mut refused) = oneshot::channel();
        let connector =
            |refuse| Arc::new(Reach { ends: ends.clone(), refused: Mutex::new(Some(refuse)), dials_in: false });
        let report = |connector: &Arc<Reach>| {
            let connector = Arc::clone(connector) as Arc<dyn Connector>;
            fixture.found.do_send(Found { hardware: Hardware::new(Bus::Btle, "Mis", "one"), connector });
        };
        let (own, (other_refuse, other_refused)) = (connector(refuse), oneshot::channel());
        report(&own);
        report(&own);
        report(&connector(other_refuse));
        assert!(other_refused.await.unwrap().contains("is being opened"));
        let _end = received.recv().await.unwrap();
        report(&own);
        fixture.changed().await;
        fixture
            .found
            .send(Found {
                hardware: Hardware::new(Bus::Btle, "Mis", "one"),
                connector: Arc::clone(&own) as Arc<dyn Connector>,
            })
            .await
            .unwrap();
        assert!(refused.try_recv().is_err(), "it was refused");
        assert_eq!(fixture.hub.routes().devices.len(), 1);
    });
}

#[test]
fn a_driver_that_panics_costs_a_restart_and_nobody_else_anything() {
    test(async {
        let mut fixture = Fixture::start().await;
        let mut one = fixture.appear("one");
        let first = fixture.device().await;
        let mut other = fixture.appear("other");
        let second = fixture.device().await;
        let (mut one_end, mut other_end) = (one.ends.recv().await.unwrap(), other.ends.recv().await.unwrap());
        set(&second, 5);
        assert_eq!(taken(&mut other_end).await, 5);
        set(&first, 7);
        assert_eq!(taken(&mut one_end).await, 7);
        set(&first, PANIC);
        // The next actor takes the same link, and stops the hardware before anything else.
        set(&second, 6);
        assert_eq!(taken(&mut other_end).await, 6);
        let restarted = tokio::time::Instant::now();
        tokio::time::sleep(Duration::from_millis(1)).await;
        set(&first, 8);
        assert_eq!(taken(&mut one_end).await, 0);
        assert!(restarted.elapsed() <= Duration::from_millis(150), "{:?}", restarted.elapsed());
        assert_eq!(taken(&mut one_end).await, 8);
        assert!(fixture.events.try_recv().is_err(), "sessions notice nothing");
        assert_eq!(fixture.hub.observe().await.unwrap().devices[0].restarts, 1);
    });
}

#[test]
fn a_stop_that_is_asked_for_while_the_actor_is_dead_is_confirmed_only_by_the_hardware() {
    test(async {
        let (_fixture, _one, device, mut end) = Fixture::with_one().await;
        set(&device, PANIC_LATER);
        assert_eq!(taken(&mut end).await, 67);
        // The driver is asked when the gap after the write is over.
        tokio::time::sleep(Duration::from_millis(80)).await;
        assert!(!device.is_driven(), "it panicked when it was asked what it has to say");
        let number = device.begin_stop(None).unwrap();
        let early = tokio::time::timeout(Duration::from_millis(50), device.wanted().confirmed(number)).await;
        assert!(early.is_err(), "the hardware still runs");
        assert_eq!(taken(&mut end).await, 0);
        device.wanted().confirmed(number).await;
    });
}

#[test]
fn a_device_that_fails_too_often_is_given_up() {
    test(async {
        let (mut fixture, _one, device, mut end) = Fixture::with_one().await;
        for _ in 0..3 {
            set(&device, PANIC);
            // What is wanted is what makes it panic: once the gap after the last write is over. It must be replaced
            // before the next actor writes it.
            tokio::time::sleep(Duration::from_millis(80)).await;
            set(&device, 1);
            assert_eq!(taken(&mut end).await, 0);
            assert_eq!(taken(&mut end).await, 1);
        }
        set(&device, PANIC);
        assert_eq!(taken(&mut end).await, 0, "it is stopped before it is let go");
        let_go(&mut end).await;
        fixture.changed().await;
        assert!(fixture.hub.routes().devices.is_empty());
        assert!(device.set(ANN, &[], None).unwrap_err().to_string().contains("given up"));
    });
}

#[test]
fn hardware_that_panics_or_hangs_while_it_is_opened_hurts_nobody() {
    test(async {
        let mut fixture = Fixture::start().await;
        let mut panics = fixture.appear("panics when asked");
        let mut hangs = fixture.appear("never answers");
        let mut good = fixture.appear("good");
        let device = fixture.device().await;
        let mut end = good.ends.recv().await.unwrap();
        set(&device, 3);
        assert_eq!(taken(&mut end).await, 3);
        // Both may have been running before: they are stopped and let go, the one that hangs past its deadline.
        for failed in [&mut panics, &mut hangs] {
            let mut end = failed.ends.recv().await.unwrap();
            assert_eq!(taken(&mut end).await, 0);
            let_go(&mut end).await;
        }
        assert_eq!(fixture.hub.routes().devices.len(), 1);
    });
}

#[test]
fn a_read_that_panics_costs_that_read_alone() {
    test(async {
        let (_fixture, _one, device, mut end) = Fixture::with_one().await;
        let sink: crate::device::ReadingSink = Arc::new(|_| {});
        let read = device.input(ANN, sink, 1, InputKind::Battery, InputAction::Read).await;
        assert!(read.is_err());
        set(&device, 4);
        assert_eq!(taken(&mut end).await, 4);
    });
}

#[test]
fn lost_hardware_is_taken_back_within_its_grace_and_given_up_after_it() {
    test(async {
        let (mut fixture, _one, device, mut end) = Fixture::with_one().await;
        set(&device, 9);
        assert_eq!(taken(&mut end).await, 9);
        drop(end);
        tokio::time::sleep(Duration::from_millis(2900)).await;
        let mut again = fixture.appear("one");
        let mut end = again.ends.recv().await.unwrap();
        assert_eq!([taken(&mut end).await, taken(&mut end).await], [0, 9]);
        assert!(fixture.events.try_recv().is_err(), "sessions notice nothing");
        drop(end);
        let lost = tokio::time::Instant::now();
        fixture.changed().await;
        assert_eq!(lost.elapsed().as_millis() / 10, 300);
        assert!(fixture.hub.routes().devices.is_empty());
    });
}

#[test]
fn a_manager_that_dies_is_started_again_and_told_to_scan() {
    test(async {
        let (mut fixture, _one, device, mut end) = Fixture::with_one().await;
        for _ in 0..3 {
            fixture.manager.do_send(Die);
            let (found, manager) = fixture.managers.recv().await.unwrap();
            (fixture.found, fixture.manager) = (found, manager);
        }
        set(&device, 2);
        assert_eq!(taken(&mut end).await, 2);
        assert_eq!(fixture.hub.observe().await.unwrap().buses[0].restarts, 3);
        for _ in 0..3 {
            assert_eq!(fixture.scans.recv().await, Some(Scan::Start));
        }
        assert!(fixture.events.try_recv().is_err(), "sessions notice nothing");
    });
}

#[test]
fn a_session_that_is_dropped_leaves_nothing_running() {
    test(async {
        let (fixture, _one, device, mut end) = Fixture::with_one().await;
        let guard = fixture.hub.admit(OperatorKind::Session).unwrap();
        let output = Output { kind: OutputKind::Vibrate, value: 5, duration_ms: 0 };
        device.set(guard.owner(), &[(0, output)], None).unwrap();
        assert_eq!(taken(&mut end).await, 5);
        let doomed = tokio::spawn(async move {
            let _guard = guard;
            panic!("a session that panics");
        });
        assert!(doomed.await.is_err());
        assert_eq!(taken(&mut end).await, 0);
    });
}

#[test]
fn the_shutdown_waits_for_confirmations_and_names_who_gives_none() {
    test(async {
        let (fixture, _one, device, mut end) = Fixture::with_one().await;
        set(&device, 9);
        assert_eq!(taken(&mut end).await, 9);
        let hub = fixture.hub.clone();
        let down = actix::spawn(async move { hub.shut_down(Duration::from_secs(5)).await });
        let LinkRequest { done, .. } = request(&mut end).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!down.is_finished());
        assert!(device.set(ANN, &[], None).is_err(), "nothing is taken any more");
        let _ = done.send(Ok(Vec::new()));
        let LinkRequest { operation, .. } = request(&mut end).await;
        assert!(matches!(operation, Operation::Disconnect), "{operation:?}");
        assert_eq!(down.await.unwrap(), Vec::<String>::new());
    });
}

impl Handler<Die> for Hub {
    type Result = ();

    fn handle(&mut self, Die: Die, _: &mut Self::Context) {
        panic!("a hub that dies");
    }
}

#[test]
fn the_death_of_the_hub_is_noticed_and_everything_can_still_be_stopped() {
    test(async {
        let (fixture, _one, device, mut end) = Fixture::with_one().await;
        set(&device, 9);
        assert_eq!(taken(&mut end).await, 9);
        fixture.hub.hub.do_send(Die);
        fixture.hub.ended().await;
        let hub = fixture.hub.clone();
        let stopped = actix::spawn(async move { hub.stop_all(true).await });
        assert_eq!(taken(&mut end).await, 0);
        assert_eq!(stopped.await.unwrap(), Vec::<String>::new());
    });
}

mod closing;
