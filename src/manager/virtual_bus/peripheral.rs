//! One program that plays hardware: a task for each socket.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::{Message, Recipient};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::frames::{self, Ack, FromPeripheral};
use crate::driver::Boxed;
use crate::library::{Candidate, Hardware, RealServices};
use crate::link::{
    Clock, Confirms, Deadlines, Link, LinkEnd, LinkError, LinkInfo, LinkRequest, Notification, Operation, pair,
};
use crate::manager::{contract::Connector, device_threads::DeviceThread, link_info::choose, link_info::confirms};
use crate::text::{from_json, shown};
use crate::transport::{CloseReason, Connection, Incoming, Outgoing};
use crate::types::Endpoint;

/// Numbered requests that may wait for a reply; the oldest are forgotten beyond it, their deadlines have passed.
const WAITING: usize = 1024;

type Opened = oneshot::Sender<Result<(usize, Link), LinkError>>;

/// Time that the server gives itself to let go of hardware that says goodbye.
const GOODBYE: Duration = Duration::from_millis(500);

/// What the hub and the manager do to a peripheral.
enum Command {
    Connect(Vec<Candidate>, Opened),
    Refuse(String),
    Failed(String),
    /// Whether the address that it asked for is its own.
    Address {
        own: bool,
    },
}

/// Why a peripheral is not attached any more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Detached,
    Goodbye,
    Closed,
    /// The server ends.
    Shutdown,
}

/// The hub's side of an attached peripheral.
#[derive(Debug)]
pub(super) struct Handle {
    commands: mpsc::UnboundedSender<Command>,
    connected: AtomicBool,
    thread: DeviceThread,
}

impl Handle {
    pub(super) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// Tells a peripheral that asked for it whether the address is its own; if not, it is not attached.
    pub(super) fn address(&self, own: bool) {
        let _ = self.commands.send(Command::Address { own });
    }
}

impl Connector for Handle {
    fn connect(&self, candidates: Vec<Candidate>) -> Boxed<'static, Result<(usize, Link), LinkError>> {
        let (done, outcome) = oneshot::channel();
        let sent = self.commands.send(Command::Connect(candidates, done));
        Box::pin(async move {
            sent.map_err(|_| LinkError::Lost)?;
            outcome.await.map_err(|_| LinkError::Lost)?
        })
    }

    fn refuse(&self, why: &str) {
        let _ = self.commands.send(Command::Refuse(why.to_owned()));
    }

    fn failed(&self, why: &str) {
        let _ = self.commands.send(Command::Failed(why.to_owned()));
    }

    fn thread(&self) -> Option<&DeviceThread> {
        Some(&self.thread)
    }
}

/// Event: a peripheral is there.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Attached {
    pub(super) id: u64,
    pub(super) hardware: Hardware,
    pub(super) handle: Arc<Handle>,
    /// It must be the only one with its address.
    pub(super) exclusive: bool,
}

/// Event: a peripheral is out of reach.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Detached {
    pub(super) id: u64,
    /// Its socket is closed, too.
    pub(super) closed: bool,
}

/// Where a manager hears of its peripherals.
#[derive(Debug, Clone)]
pub(super) struct ManagerAddress {
    pub(super) attached: Recipient<Attached>,
    pub(super) detached: Recipient<Detached>,
}

/// What every peripheral is given.
#[derive(Debug, Clone)]
pub(super) struct Bus {
    pub(super) deadlines: Deadlines,
    /// Cancelled when the server ends.
    pub(super) closing: CancellationToken,
    /// Where the peripheral is served, and its device runs.
    pub(super) thread: DeviceThread,
}

/// Serves one socket until it closes, or until the server ends.
pub(super) async fn play(id: u64, mut socket: Connection, manager: ManagerAddress, bus: Bus) {
    loop {
        let frame = tokio::select! {
            frame = socket.incoming.next() => frame,
            () = bus.closing.cancelled() => break end_with_server(&socket),
        };
        let Some(frame) = frame else { break };
        match understand(frame) {
            Ok(FromPeripheral::Attach(attach)) => match attached(id, attach, &mut socket, &manager, &bus).await {
                End::Detached => {}
                End::Goodbye => break socket.outgoing.close(CloseReason::HardwareGoodbye),
                End::Closed => break,
                End::Shutdown => break end_with_server(&socket),
            },
            Ok(FromPeripheral::Detach) => {}
            Ok(FromPeripheral::Goodbye) => break socket.outgoing.close(CloseReason::HardwareGoodbye),
            Ok(_) => socket.outgoing.text(frames::error("nothing is attached; the first frame must be an attach")),
            Err(reason) => socket.outgoing.text(frames::error(&reason)),
        }
    }
    manager.detached.do_send(Detached { id, closed: true });
}

fn end_with_server(socket: &Connection) {
    socket.outgoing.close(CloseReason::ServerEnded);
}

/// Serves a peripheral from its attach until it goes.
async fn attached(
    id: u64,
    attach: frames::Attach,
    socket: &mut Connection,
    manager: &ManagerAddress,
    bus: &Bus,
) -> End {
    let exclusive = attach.exclusive;
    let (hardware, services, ack) = match attach.hardware() {
        Ok(understood) => understood,
        Err(reason) => {
            socket.outgoing.text(frames::error(&reason));
            return End::Detached;
        }
    };
    let (commands, from_hub) = mpsc::unbounded_channel();
    let handle = Arc::new(Handle { commands, connected: AtomicBool::new(false), thread: bus.thread.clone() });
    manager.attached.do_send(Attached { id, hardware: hardware.clone(), handle: Arc::clone(&handle), exclusive });
    let deadlines = bus.deadlines;
    let mut present = Present { socket, handle, services, ack, deadlines, hardware, open: None, next: 0 };
    let end = present.serve(from_hub, &bus.closing).await;
    manager.detached.do_send(Detached { id, closed: false });
    if let (End::Goodbye, Some(Open { end, waiting, .. })) = (end, present.open) {
        // What the device still asks for gets no answer any more. The server closes the socket when the device is gone, so
        // that a program which waits for that can use the address again at once; a link that hangs gets no more time than
        // this.
        drop(waiting);
        let _ = tokio::time::timeout(GOODBYE, end.say_goodbye()).await;
    }
    end
}

fn understand(frame: Incoming) -> Result<FromPeripheral, String> {
    match frame {
        Incoming::Text(text) => from_json(&text).map_err(|error| format!("the frame could not be understood: {error}")),
        Incoming::Binary(_) => Err("binary frames are not understood; send JSON in text frames".to_owned()),
        Incoming::TooLarge => Err("the frame is too large".to_owned()),
        Incoming::Garbage(why) => Err(why),
    }
}

/// A peripheral that is attached.
struct Present<'a> {
    socket: &'a mut Connection,
    handle: Arc<Handle>,
    services: Option<RealServices>,
    ack: Ack,
    deadlines: Deadlines,
    hardware: Hardware,
    open: Option<Open>,
    next: u64,
}

/// The link to it.
struct Open {
    end: LinkEnd,
    subscribed: BTreeSet<Endpoint>,
    waiting: BTreeMap<u64, Waiting>,
}

/// A numbered request that the peripheral has not answered.
struct Waiting {
    done: oneshot::Sender<Result<Vec<u8>, LinkError>>,
    subscribes: Option<Endpoint>,
}

impl Present<'_> {
    /// Serves until the peripheral goes.
    async fn serve(&mut self, mut commands: mpsc::UnboundedReceiver<Command>, closing: &CancellationToken) -> End {
        loop {
            let open = &mut self.open;
            let request = async {
                match open {
                    Some(open) => open.end.requests.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                frame = self.socket.incoming.next() => match frame.map(understand) {
                    None => return End::Closed,
                    Some(Ok(FromPeripheral::Detach)) => return End::Detached,
                    Some(Ok(FromPeripheral::Goodbye)) => return End::Goodbye,
                    Some(Ok(frame)) => self.frame(frame),
                    Some(Err(reason)) => self.send(frames::error(&reason)),
                },
                Some(command) = commands.recv() => match command {
                    Command::Connect(candidates, done) => {
                        let _ = done.send(self.connect(&candidates));
                    }
                    Command::Refuse(why) => self.send(frames::refused(&why)),
                    Command::Failed(why) => self.send(frames::failed(&why)),
                    Command::Address { own: true } => self.send(frames::present()),
                    Command::Address { own: false } => {
                        self.send(frames::taken(&self.hardware.address));
                        return End::Detached;
                    }
                },
                request = request => match request {
                    Some(request) => self.request(request),
                    None => self.let_go(),
                },
                () = closing.cancelled() => return End::Shutdown,
            }
        }
    }

    fn send(&self, frame: String) {
        let outgoing: &Outgoing = &self.socket.outgoing;
        outgoing.text(frame);
    }

    fn let_go(&mut self) {
        if self.open.take().is_some() {
            self.handle.connected.store(false, Ordering::Relaxed);
            self.send(frames::disconnect());
        }
    }

    fn connect(&mut self, candidates: &[Candidate]) -> Result<(usize, Link), LinkError> {
        // A new link takes the place of an old one.
        self.let_go();
        let chosen = choose(candidates, self.services.as_ref());
        let chosen = chosen.and_then(|(which, endpoints)| Some((which, endpoints, candidates.get(which)?)));
        let Some((which, endpoints, candidate)) = chosen else {
            let reason = "it has the services of no definition that matches it";
            self.send(frames::refused(reason));
            return Err(LinkError::Failed(reason.to_owned()));
        };
        let gap = Duration::from_millis(self.hardware.bus.gap_ms());
        // A peripheral that replies confirms; else it is as good as the bus that it plays.
        let confirms = match self.ack {
            Ack::Manual => Confirms::Everything,
            Ack::Auto => confirms(self.hardware.bus),
        };
        let (link, end) =
            pair(LinkInfo { endpoints, gap, deadlines: self.deadlines, confirms, clock: Clock::system() });
        self.open = Some(Open { end, subscribed: BTreeSet::new(), waiting: BTreeMap::new() });
        self.handle.connected.store(true, Ordering::Relaxed);
        self.send(frames::attached(&candidate.definition.protocol));
        Ok((which, link))
    }

    fn request(&mut self, LinkRequest { operation, done }: LinkRequest) {
        self.next += 1;
        let id = self.next;
        let (frame, read, subscribes) = match &operation {
            Operation::Write(packet) => (frames::write(id, packet), false, None),
            Operation::Read(endpoint) => (frames::request("read", id, *endpoint), true, None),
            Operation::Subscribe(endpoint) => (frames::request("subscribe", id, *endpoint), false, Some(*endpoint)),
            Operation::Unsubscribe(endpoint) => {
                if let Some(open) = &mut self.open {
                    open.subscribed.remove(endpoint);
                }
                (frames::request("unsubscribe", id, *endpoint), false, None)
            }
            Operation::Disconnect => {
                self.let_go();
                let _ = done.send(Ok(Vec::new()));
                return;
            }
        };
        self.send(frame);
        let Some(open) = &mut self.open else { return };
        // Notifications count from when the subscribe is sent: a peripheral may answer in the same breath.
        open.subscribed.extend(subscribes);
        if read || self.ack == Ack::Manual {
            open.waiting.insert(id, Waiting { done, subscribes });
            while open.waiting.len() > WAITING {
                open.waiting.pop_first();
            }
        } else {
            let _ = done.send(Ok(Vec::new()));
        }
    }

    fn frame(&mut self, frame: FromPeripheral) {
        let done = match frame {
            FromPeripheral::Attach(_) => Err("it is attached already; detach first".to_owned()),
            FromPeripheral::Notify { endpoint, data } => self.notify(&endpoint, &data),
            FromPeripheral::Reply { id, data, error } => self.reply(id.0, data.as_deref(), error),
            FromPeripheral::Detach | FromPeripheral::Goodbye => Ok(()),
        };
        if let Err(reason) = done {
            self.send(frames::error(&reason));
        }
    }

    fn notify(&mut self, endpoint: &str, data: &str) -> Result<(), String> {
        let known = Endpoint::parse(endpoint).ok_or_else(|| format!("there is no endpoint {:?}", shown(endpoint)))?;
        let data = frames::bytes(data)?;
        // Dropped unless the endpoint is subscribed, as the format says.
        if let Some(open) = self.open.as_ref().filter(|open| open.subscribed.contains(&known)) {
            let _ = open.end.notify.send(Notification { endpoint: known, data });
        }
        Ok(())
    }

    fn reply(&mut self, id: u64, data: Option<&str>, error: Option<String>) -> Result<(), String> {
        let data = data.map(frames::bytes).transpose()?.unwrap_or_default();
        // An answer to nothing is no error: with automatic acknowledgement nobody waits for it.
        let Some(open) = &mut self.open else { return Ok(()) };
        let Some(Waiting { done, subscribes }) = open.waiting.remove(&id) else {
            return Ok(());
        };
        if error.is_some()
            && let Some(endpoint) = subscribes
        {
            open.subscribed.remove(&endpoint);
        }
        let _ = done.send(error.map_or(Ok(data), |error| Err(LinkError::Failed(shown(&error).into_owned()))));
        Ok(())
    }
}
