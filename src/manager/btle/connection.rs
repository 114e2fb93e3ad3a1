//! From hardware that was seen to a link, and the task that serves it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::Pin;
use std::time::Duration;

use btleplug::api::{Characteristic, Peripheral as _, ValueNotification, WriteType};
use btleplug::platform::Peripheral;
use futures_util::{Stream, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::debug;
use uuid::Uuid;

use super::characteristic::{self, GattQueue};
use super::error::explain;
use crate::library::{Candidate, Matcher, RealServices};
use crate::link::{
    Clock, Confirms, Deadlines, Link, LinkEnd, LinkError, LinkInfo, LinkRequest, Notification, Operation, pair,
};
use crate::manager::link_info::choose;
use crate::types::{Bus, Endpoint};

/// Attempts to connect before the failure is reported. BlueZ aborts a first attempt now and then for no reason of the
/// hardware's.
const ATTEMPTS: u32 = 3;
/// Pause between them.
const PAUSE: Duration = Duration::from_millis(300);
/// Time for letting hardware go. BlueZ takes about two seconds (seen in the lab).
const FAREWELL: Duration = Duration::from_secs(5);
/// Requests that may wait for one characteristic.
const REQUESTS: usize = 32;

type Notifications = Pin<Box<dyn Stream<Item = ValueNotification> + Send>>;
/// Characteristics by service and their own UUID.
type Characteristics = HashMap<(Uuid, Uuid), Characteristic>;

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The hardware or the system dropped it.
    Lost,
    /// The device has no more use for it.
    LetGo,
}

/// A connected device, not yet served.
pub(super) struct Connection {
    peripheral: Peripheral,
    end: LinkEnd,
    notifications: Notifications,
    endpoints: BTreeMap<Endpoint, Characteristic>,
    deadlines: Deadlines,
}

/// Connects, discovers and maps; the result's link is for the device, the connection is to be served. When nobody waits
/// any more (`done` is closed) the attempt is called off, also in the system.
pub(super) async fn open(
    peripheral: Peripheral,
    candidates: Vec<Candidate>,
    deadlines: Deadlines,
    mut done: oneshot::Sender<Result<(usize, Link), LinkError>>,
) -> Result<Connection, String> {
    let opened = tokio::select! {
        opened = attempt(&peripheral, &candidates, deadlines) => opened,
        () = done.closed() => Err("it was called off".to_owned()),
    };
    match opened {
        Ok((which, link, connection)) => {
            if done.send(Ok((which, link))).is_err() {
                leave(&peripheral).await;
                return Err("it was called off".to_owned());
            }
            Ok(connection)
        }
        Err(why) => {
            leave(&peripheral).await;
            let _ = done.send(Err(LinkError::Failed(why.clone())));
            Err(why)
        }
    }
}

async fn attempt(
    peripheral: &Peripheral,
    candidates: &[Candidate],
    deadlines: Deadlines,
) -> Result<(usize, Link, Connection), String> {
    connect(peripheral).await?;
    let characteristics = discover(peripheral).await?;
    let mut services = RealServices::new();
    for (service, characteristic) in characteristics.keys() {
        services.entry(*service).or_default().insert(*characteristic);
    }
    let (which, names) = choose(candidates, Some(&services)).ok_or_else(|| {
        let has: Vec<_> = services.keys().map(ToString::to_string).collect();
        format!("it has the services of no known model; it has: {}", has.join(", "))
    })?;
    let candidate = candidates.get(which).ok_or("a definition was chosen that was not offered")?;
    let endpoints = endpoints(&candidate.matcher, &services, &characteristics);
    // Listened to before anything is subscribed to, or the first answer could be lost.
    let notifications = peripheral.notifications().await.map_err(|error| explain(&error))?;
    let gap = Duration::from_millis(Bus::Btle.gap_ms());
    let confirms = confirms(&endpoints);
    let (link, end) = pair(LinkInfo { endpoints: names, gap, deadlines, confirms, clock: Clock::system() });
    let connection = Connection { peripheral: peripheral.clone(), end, notifications, endpoints, deadlines };
    Ok((which, link, connection))
}

async fn connect(peripheral: &Peripheral) -> Result<(), String> {
    let mut attempt = 1;
    loop {
        // Hardware that the system is connected to already is taken over as it is; this waits until the system knows its
        // services, which takes seconds after a restart of the daemon (seen in the lab).
        match peripheral.connect().await {
            Ok(()) => return Ok(()),
            Err(error) if attempt == ATTEMPTS => return Err(explain(&error)),
            Err(error) => debug!("{}: attempt {attempt} to connect failed: {error}", peripheral.address()),
        }
        attempt += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

/// What the hardware has.
async fn discover(peripheral: &Peripheral) -> Result<Characteristics, String> {
    for attempt in 1.. {
        peripheral.discover_services().await.map_err(|error| explain(&error))?;
        let mut found = Characteristics::new();
        for service in peripheral.services() {
            for characteristic in service.characteristics {
                found.insert((service.uuid, characteristic.uuid), characteristic);
            }
        }
        if !found.is_empty() || attempt == ATTEMPTS {
            return Ok(found);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err("it has no services".to_owned())
}

fn endpoints(
    matcher: &Matcher,
    services: &RealServices,
    characteristics: &Characteristics,
) -> BTreeMap<Endpoint, Characteristic> {
    let Matcher::Btle { services: known, .. } = matcher else {
        return BTreeMap::new();
    };
    let found = known.on(services).into_iter();
    found.filter_map(|(endpoint, place)| Some((endpoint, characteristics.get(&place)?.clone()))).collect()
}

/// Which writes the hardware will confirm, by what its characteristics take.
fn confirms(endpoints: &BTreeMap<Endpoint, Characteristic>) -> Confirms {
    let only = |types: &'static [WriteType]| {
        let fits = move |characteristic: &Characteristic| {
            [true, false]
                .iter()
                .all(|ack| types.contains(&characteristic::short_write_type(*ack, characteristic.properties)))
        };
        endpoints.iter().filter(move |(_, one)| fits(one)).map(|(endpoint, _)| *endpoint).collect()
    };
    Confirms::Responses { always: only(&[WriteType::WithResponse]), never: only(&[WriteType::WithoutResponse]) }
}

/// Lets the hardware go, as far as that is possible.
async fn leave(peripheral: &Peripheral) {
    if tokio::time::timeout(FAREWELL, peripheral.disconnect()).await.is_err() {
        debug!("{} was not let go within {FAREWELL:?}", peripheral.address());
    }
}

impl Connection {
    /// Serves the link until the device lets go of it or `lost` says that the hardware is gone.
    pub(super) async fn serve(self, lost: CancellationToken) -> End {
        let Self { peripheral, end: LinkEnd { mut requests, notify, .. }, mut notifications, endpoints, deadlines } =
            self;
        // Operations under way end with their tasks, when the link is lost.
        let mut tasks = JoinSet::new();
        let mut queues: HashMap<Endpoint, mpsc::Sender<LinkRequest>> = HashMap::new();
        let mut sources: HashMap<(Uuid, Uuid), BTreeSet<Endpoint>> = HashMap::new();
        let mut by_place: HashMap<(Uuid, Uuid), mpsc::Sender<LinkRequest>> = HashMap::new();
        for (endpoint, characteristic) in endpoints {
            let place = (characteristic.service_uuid, characteristic.uuid);
            let queue = by_place.entry(place).or_insert_with(|| {
                let (queue, asked) = mpsc::channel(REQUESTS);
                tasks.spawn(GattQueue { peripheral: peripheral.clone(), characteristic, deadlines }.serve(asked));
                queue
            });
            queues.insert(endpoint, queue.clone());
            sources.entry(place).or_default().insert(endpoint);
        }
        let began = Instant::now();
        let end = loop {
            tokio::select! {
                () = lost.cancelled() => break End::Lost,
                notification = notifications.next() => match notification {
                    None => break End::Lost,
                    Some(ValueNotification { uuid, service_uuid, value }) => {
                        for endpoint in sources.get(&(service_uuid, uuid)).into_iter().flatten() {
                            let _ = notify.send(Notification { endpoint: *endpoint, data: value.clone() });
                        }
                    }
                },
                request = requests.recv() => match request {
                    None => {
                        leave(&peripheral).await;
                        break End::LetGo;
                    }
                    Some(LinkRequest { operation: Operation::Disconnect, done }) => {
                        leave(&peripheral).await;
                        let _ = done.send(Ok(Vec::new()));
                        break End::LetGo;
                    }
                    Some(request) => pass_on(request, &queues),
                },
            }
        };
        debug!("{}: {end:?} after {} s", peripheral.address(), began.elapsed().as_secs());
        end
    }
}

fn pass_on(request: LinkRequest, queues: &HashMap<Endpoint, mpsc::Sender<LinkRequest>>) {
    let endpoint = match &request.operation {
        Operation::Write(packet) => packet.endpoint,
        Operation::Read(endpoint) | Operation::Subscribe(endpoint) | Operation::Unsubscribe(endpoint) => *endpoint,
        Operation::Disconnect => return,
    };
    let Some(queue) = queues.get(&endpoint) else {
        let _ = request.done.send(Err(LinkError::NoEndpoint(endpoint)));
        return;
    };
    if let Err(refused) = queue.try_send(request) {
        let why = LinkError::Failed(format!("{REQUESTS} operations wait for {endpoint} already"));
        let _ = refused.into_inner().done.send(Err(why));
    }
}
