//! The actor that the hub sees, and the devices that dial in.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix::prelude::*;
use futures_util::{FutureExt, SinkExt, StreamExt};
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, uri::Authority};
use tokio_tungstenite::{tungstenite, tungstenite::Message as Frame, tungstenite::protocol::WebSocketConfig};
use tracing::{debug, warn};

use crate::access::{self, Caller};
use crate::addresses::take_all;
use crate::buttplug::number::Whole;
use crate::driver::Boxed;
use crate::inspect::Inspect;
use crate::library::{Candidate, Hardware};
use crate::link::{Clock, Deadlines, Link, LinkEnd, LinkError, LinkInfo, Notification, Operation, pair};
use crate::manager::{
    contract::Connector, contract::Factory, contract::Found, contract::ManagerContext, contract::ManagerExit,
    contract::ManagerGuard, contract::ManagerHandle, contract::Scan, link_info::choose, link_info::confirms,
};
use crate::patience::{self, Silence, Verdict};
use crate::text::{from_json, shown};
use crate::throttle::Throttle;
use crate::types::{Bus, Endpoint};

/// Largest frame that a device may send; protocols send tens of bytes.
const MAX_FRAME: usize = 64 * 1024;
/// Time for the WebSocket upgrade.
const UPGRADE: Duration = Duration::from_secs(5);

/// How the bus is set.
#[derive(Debug, Clone, Copy)]
pub struct WebsocketOptions {
    /// Devices at once.
    pub max_devices: usize,
    /// Time for the first frame.
    pub first_frame: Duration,
    /// Time between two pings.
    pub ping: Duration,
    /// A device from which nothing came for this time is lost.
    pub deadline: Duration,
    /// Limits for the operations of its links.
    pub deadlines: Deadlines,
}

/// The manager of devices that dial in.
#[derive(Debug)]
pub struct WebsocketManager {
    /// Where devices dial in.
    listen: Vec<SocketAddr>,
    options: WebsocketOptions,
    /// Where it really listens, which the settings may leave to the system.
    bound: Arc<OnceLock<Vec<SocketAddr>>>,
    /// One place for each device at once.
    room: Arc<Semaphore>,
    found: Recipient<Found>,
    guard: ManagerGuard,
}

/// Makes managers of devices that dial in at these addresses.
#[must_use]
pub fn factory(listen: Vec<SocketAddr>, options: WebsocketOptions) -> Factory {
    Box::new(move |ManagerContext { found, guard }| {
        let listen = listen.clone();
        let room = Arc::new(Semaphore::new(options.max_devices));
        ManagerHandle::new(WebsocketManager { listen, options, bound: Arc::default(), room, found, guard }.start())
    })
}

impl Actor for WebsocketManager {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let bound = Arc::clone(&self.bound);
        let listening = listen(self.listen.clone(), self.options, bound, Arc::clone(&self.room), self.found.clone());
        ctx.spawn(listening.into_actor(self).map(|why, this, ctx| {
            this.guard.set_exit_reason(ManagerExit::Failed(why));
            ctx.stop();
        }));
    }
}

impl Handler<Scan> for WebsocketManager {
    type Result = ();

    fn handle(&mut self, _: Scan, _: &mut Self::Context) {
        // Devices announce themselves, whether somebody scans or not.
    }
}

impl Handler<Inspect> for WebsocketManager {
    type Result = MessageResult<Inspect>;

    fn handle(&mut self, Inspect: Inspect, _: &mut Self::Context) -> Self::Result {
        let sockets = self.options.max_devices.saturating_sub(self.room.available_permits());
        MessageResult(serde_json::json!({
            "state": if self.bound.get().is_some() { "running" } else { "starting" },
            "listen": self.listen.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "bound": self.bound.get(), "sockets": sockets,
        }))
    }
}

/// Accepts devices for as long as it is polled; returns why it cannot.
async fn listen(
    addresses: Vec<SocketAddr>,
    options: WebsocketOptions,
    bound: Arc<OnceLock<Vec<SocketAddr>>>,
    room: Arc<Semaphore>,
    found: Recipient<Found>,
) -> String {
    let failed =
        |at: SocketAddr, error: std::io::Error| format!("`buses.websocket.listen` = {at} cannot be used: {error}");
    let bind = |at| {
        let listener = std::net::TcpListener::bind(at)?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    let port = |listener: &TcpListener| listener.local_addr().map_or(0, |bound| bound.port());
    let (listeners, missing) = match take_all(&addresses, bind, port) {
        Ok(taken) => taken,
        Err((at, error)) => return failed(at, error),
    };
    if let (true, Some((at, error))) = (listeners.is_empty(), missing.into_iter().next()) {
        return failed(at, error);
    }
    let _ = bound.set(listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect());
    let accepting = listeners.into_iter().map(|listener| accept(listener, options, Arc::clone(&room), found.clone()));
    futures_util::future::join_all(accepting).await;
    "nobody accepts devices any more".to_owned()
}

/// Accepts devices for ever.
async fn accept(listener: TcpListener, options: WebsocketOptions, room: Arc<Semaphore>, found: Recipient<Found>) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            // Too many open files, or the peer was gone at once: neither is the end of the port.
            Err(error) => {
                debug!("a device could not be accepted: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // A place is taken before a byte is read, so that strangers cannot hold more than there are.
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            debug!("{peer} is turned away: as many devices as allowed are connected, {}", options.max_devices);
            continue;
        };
        let found = found.clone();
        actix::spawn(async move {
            if let Err(why) = serve(stream, options, found).await {
                debug!("device at {peer}: {why}");
            }
            drop(place);
        });
    }
}

#[derive(Deserialize)]
struct Hello {
    identifier: String,
    address: String,
    /// Required by the format and not used.
    #[serde(rename = "version")]
    _version: Whole<u32>,
}

/// Takes no request that a web page sent: hardware that a page plays would be nobody's choice.
fn admit(request: &Request) -> Result<(), (StatusCode, String)> {
    static HINT: Throttle = Throttle::new(Duration::from_secs(60));
    let all = |name: &str| request.headers().get_all(name).iter().map(HeaderValue::as_bytes).collect();
    let headers = access::Headers {
        hosts: all("host"),
        target: request.uri().authority().map(Authority::as_str),
        origins: all("origin"),
        fetch_sites: all("sec-fetch-site"),
    };
    match access::caller(&headers) {
        Ok(Caller::Program | Caller::OwnPage) => Ok(()),
        Ok(Caller::ForeignPage) => {
            let origin = headers.origins.first().map(|origin| String::from_utf8_lossy(origin)).unwrap_or_default();
            if let Some(more) = HINT.admit() {
                warn!(
                    "a device that dials in was refused: its request carries the Origin {:?}, as web pages do; \
                     firmware must send none{more}",
                    shown(&origin)
                );
            }
            Err((StatusCode::FORBIDDEN, "a web page may not dial in".to_owned()))
        }
        Err(refusal) if refusal.is_malformed() => Err((StatusCode::BAD_REQUEST, refusal.to_string())),
        Err(refusal) => Err((StatusCode::FORBIDDEN, refusal.to_string())),
    }
}

async fn serve(stream: TcpStream, options: WebsocketOptions, found: Recipient<Found>) -> Result<(), String> {
    let _ = stream.set_nodelay(true);
    let config = WebSocketConfig::default().max_message_size(Some(MAX_FRAME)).max_frame_size(Some(MAX_FRAME));
    let mut refused = None;
    #[expect(clippy::result_large_err, reason = "the library wants it so")]
    let check = |request: &Request, response: Response| match admit(request) {
        Ok(()) => Ok(response),
        Err((status, why)) => {
            let mut answer = ErrorResponse::new(Some(format!("{why}\n")));
            *answer.status_mut() = status;
            refused = Some(why);
            Err(answer)
        }
    };
    let upgrade = tokio_tungstenite::accept_hdr_async_with_config(stream, check, Some(config));
    let upgraded = patience::timeout(UPGRADE, upgrade).await.ok_or("no WebSocket request came")?;
    let mut socket = match upgraded {
        Ok(socket) => socket,
        Err(error) => return Err(refused.unwrap_or_else(|| error.to_string())),
    };
    let first = patience::timeout(options.first_frame, socket.next()).await;
    let hello = match first.ok_or("it did not say who it is")? {
        Some(Ok(Frame::Text(text))) => from_json::<Hello>(&text),
        Some(Ok(_)) => Err("its first frame is no text".to_owned()),
        Some(Err(error)) => Err(error.to_string()),
        None => return Ok(()),
    };
    let hello = match hello {
        Ok(hello) if !hello.address.is_empty() => hello,
        other => {
            take_leave(&mut socket).await;
            return Err(other.err().unwrap_or_else(|| "its address is empty".to_owned()));
        }
    };
    let (commands, from_hub) = mpsc::unbounded_channel();
    let handle = Arc::new(Handle { commands, connected: AtomicBool::new(false) });
    let hardware = Hardware::new(Bus::Websocket, hello.identifier, hello.address);
    found.do_send(Found { hardware, connector: Arc::clone(&handle) as Arc<dyn Connector> });
    // The hub keeps a handle for as long as it wants the device.
    drop(handle);
    let why = Device { socket, options, open: None, last_event_at: Instant::now() }.run(from_hub).await;
    debug!("a device that had dialled in is gone: {why}");
    Ok(())
}

/// Sends a close frame, or the answer to the device's own, which the socket's own `close` would leave unsent.
async fn take_leave(socket: &mut WebSocketStream<TcpStream>) {
    let _ = tokio::time::timeout(UPGRADE, SinkExt::close(socket)).await;
}

enum Command {
    Connect(Vec<Candidate>, oneshot::Sender<Result<(usize, Link), LinkError>>),
    Refuse,
}

#[derive(Debug)]
struct Handle {
    commands: mpsc::UnboundedSender<Command>,
    connected: AtomicBool,
}

impl Connector for Handle {
    fn connect(&self, candidates: Vec<Candidate>) -> Boxed<'static, Result<(usize, Link), LinkError>> {
        let (done, outcome) = oneshot::channel();
        let sent = self.commands.send(Command::Connect(candidates, done));
        self.connected.store(true, Ordering::Relaxed);
        Box::pin(async move {
            sent.map_err(|_| LinkError::Lost)?;
            outcome.await.map_err(|_| LinkError::Lost)?
        })
    }

    fn refuse(&self, _: &str) {
        // The format has no word for it: the connection is closed.
        let _ = self.commands.send(Command::Refuse);
    }

    fn takes_over(&self) -> bool {
        !self.connected.load(Ordering::Relaxed)
    }
}

/// A device that has said who it is.
struct Device {
    socket: WebSocketStream<TcpStream>,
    options: WebsocketOptions,
    open: Option<(LinkEnd, BTreeSet<Endpoint>)>,
    last_event_at: Instant,
}

impl Device {
    /// Serves until the socket or everybody's interest ends; returns why.
    async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) -> String {
        let mut ping = tokio::time::interval_at(Instant::now() + self.options.ping, self.options.ping);
        ping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut silence = Silence::new(self.options.deadline, self.options.ping);
        loop {
            let open = &mut self.open;
            let request = async {
                match open {
                    Some((end, _)) => end.requests.recv().await,
                    None => std::future::pending().await,
                }
            };
            let step = tokio::select! {
                frame = self.socket.next() => self.received(frame),
                command = commands.recv() => match command {
                    None => Err("nobody wants it".to_owned()),
                    Some(Command::Refuse) => Err("it was refused".to_owned()),
                    Some(Command::Connect(candidates, done)) => {
                        let _ = done.send(self.connect(&candidates));
                        Ok(())
                    }
                },
                request = request => match request {
                    None => Err("it was let go".to_owned()),
                    Some(request) => {
                        let (outcome, go_on) = self.operation(request.operation).await;
                        let _ = request.done.send(outcome);
                        go_on
                    }
                },
                _ = ping.tick() => self.ping(&mut silence).await,
            };
            if let Err(why) = step {
                // The link is lost before the farewell, which may take its time.
                self.open = None;
                take_leave(&mut self.socket).await;
                return why;
            }
        }
    }

    /// Pings the device, unless it has been silent for too long.
    async fn ping(&mut self, silence: &mut Silence) -> Result<(), String> {
        // What has come counts, though nobody has looked at it yet.
        while let Some(frame) = self.socket.next().now_or_never() {
            self.received(frame)?;
        }
        if silence.check(self.last_event_at) == Verdict::Over {
            return Err("it no longer answers".to_owned());
        }
        self.send(Frame::Ping(vec![0].into())).await
    }

    fn received(&mut self, frame: Option<Result<Frame, tungstenite::Error>>) -> Result<(), String> {
        match frame {
            None => Err("its socket was closed".to_owned()),
            Some(Err(error)) => Err(error.to_string()),
            Some(Ok(frame)) => self.frame(frame),
        }
    }

    async fn send(&mut self, frame: Frame) -> Result<(), String> {
        let sent = tokio::time::timeout(self.options.deadlines.write, self.socket.send(frame)).await;
        match sent {
            Ok(sent) => sent.map_err(|error| error.to_string()),
            Err(_) => Err("it takes nothing any more".to_owned()),
        }
    }

    fn connect(&mut self, candidates: &[Candidate]) -> Result<(usize, Link), LinkError> {
        let (which, endpoints) = choose(candidates, None).ok_or(LinkError::Lost)?;
        let deadlines = self.options.deadlines;
        let (link, end) = pair(LinkInfo {
            endpoints,
            gap: Duration::ZERO,
            deadlines,
            confirms: confirms(Bus::Websocket),
            clock: Clock::system(),
        });
        self.open = Some((end, BTreeSet::new()));
        Ok((which, link))
    }

    fn frame(&mut self, frame: Frame) -> Result<(), String> {
        self.last_event_at = Instant::now();
        let data = match frame {
            Frame::Binary(data) => data.to_vec(),
            Frame::Text(text) => text.as_bytes().to_vec(),
            Frame::Close(_) => return Err("it said goodbye".to_owned()),
            Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_) => return Ok(()),
        };
        if let Some((end, subscribed)) = &self.open {
            // There is one channel from the device; it carries every endpoint that was asked for.
            for endpoint in subscribed {
                let _ = end.notify.send(Notification { endpoint: *endpoint, data: data.clone() });
            }
        }
        Ok(())
    }

    async fn operation(&mut self, operation: Operation) -> (Result<Vec<u8>, LinkError>, Result<(), String>) {
        let done =
            |result: Result<(), String>| (result.clone().map(|()| Vec::new()).map_err(LinkError::Failed), result);
        match operation {
            Operation::Write(packet) => done(self.send(Frame::Binary(packet.data.into())).await),
            Operation::Read(_) => {
                let reason = "devices that dial in cannot be read".to_owned();
                (Err(LinkError::Failed(reason)), Ok(()))
            }
            Operation::Subscribe(endpoint) => {
                if let Some((_, subscribed)) = &mut self.open {
                    subscribed.insert(endpoint);
                }
                done(Ok(()))
            }
            Operation::Unsubscribe(endpoint) => {
                if let Some((_, subscribed)) = &mut self.open {
                    subscribed.remove(&endpoint);
                }
                done(Ok(()))
            }
            Operation::Disconnect => (Ok(Vec::new()), Err("it was let go".to_owned())),
        }
    }
}
