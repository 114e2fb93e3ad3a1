//! Hardware that dials in over WebSocket: DIY firmware and simulators (facts: protocols/websocket-devices.md).
//!
//! The device's first frame says who it is: `{"identifier": "...", "address": "...", "version": 0}`. After that every
//! write is one binary frame to it and every frame from it is a notification.

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
use tokio_tungstenite::tungstenite::{self, Message as Frame, protocol::WebSocketConfig};
use tracing::debug;

use super::{Connector, Factory, Found, ManagerContext, ManagerGuard, ManagerHandle, Scan, choose};
use crate::describe::Describe;
use crate::driver::Boxed;
use crate::library::{Bus, Candidate, Hardware};
use crate::link::{Deadlines, Link, LinkEnd, LinkError, LinkInfo, Notification, Operation, pair};
use crate::message::Endpoint;

/// Largest frame that a device may send; protocols send tens of bytes.
const MAX_FRAME: usize = 64 * 1024;
/// Time for the WebSocket upgrade.
const UPGRADE: Duration = Duration::from_secs(5);

/// How the bus is set.
#[derive(Debug, Clone, Copy)]
pub struct WebsocketOptions {
    /// Where devices dial in.
    pub listen: SocketAddr,
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
    options: WebsocketOptions,
    /// Where it really listens, which the settings may leave to the system.
    bound: Arc<OnceLock<SocketAddr>>,
    /// One place for each device at once.
    room: Arc<Semaphore>,
    found: Recipient<Found>,
    guard: ManagerGuard,
}

/// Makes managers of devices that dial in.
#[must_use]
pub fn factory(options: WebsocketOptions) -> Factory {
    Box::new(move |ManagerContext { found, guard }| {
        let room = Arc::new(Semaphore::new(options.max_devices));
        ManagerHandle::new(WebsocketManager { options, bound: Arc::default(), room, found, guard }.start())
    })
}

impl Actor for WebsocketManager {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let listening = listen(self.options, Arc::clone(&self.bound), Arc::clone(&self.room), self.found.clone());
        ctx.spawn(listening.into_actor(self).map(|why, this, ctx| {
            this.guard.because(why);
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

impl Handler<Describe> for WebsocketManager {
    type Result = MessageResult<Describe>;

    fn handle(&mut self, Describe: Describe, _: &mut Self::Context) -> Self::Result {
        let sockets = self.options.max_devices.saturating_sub(self.room.available_permits());
        MessageResult(serde_json::json!({
            "state": "running", "listen": self.options.listen.to_string(), "bound": self.bound.get(),
            "sockets": sockets,
        }))
    }
}

/// Accepts devices until the port fails; returns why.
async fn listen(
    options: WebsocketOptions,
    bound: Arc<OnceLock<SocketAddr>>,
    room: Arc<Semaphore>,
    found: Recipient<Found>,
) -> String {
    let listener = match TcpListener::bind(options.listen).await {
        Ok(listener) => {
            if let Ok(address) = listener.local_addr() {
                let _ = bound.set(address);
            }
            listener
        }
        Err(error) => return format!("`buses.websocket.listen` = {} cannot be used: {error}", options.listen),
    };
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
            debug!("{peer} is turned away: {} devices are connected", options.max_devices);
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
    _version: u32,
}

async fn serve(stream: TcpStream, options: WebsocketOptions, found: Recipient<Found>) -> Result<(), String> {
    let _ = stream.set_nodelay(true);
    let config = WebSocketConfig::default().max_message_size(Some(MAX_FRAME)).max_frame_size(Some(MAX_FRAME));
    let upgrade = tokio_tungstenite::accept_async_with_config(stream, Some(config));
    let upgraded = tokio::time::timeout(UPGRADE, upgrade).await.map_err(|_| "no WebSocket request came".to_owned())?;
    let mut socket = upgraded.map_err(|error| error.to_string())?;
    let first = tokio::time::timeout(options.first_frame, socket.next()).await;
    let hello = match first.map_err(|_| "it did not say who it is".to_owned())? {
        Some(Ok(Frame::Text(text))) => serde_json::from_str::<Hello>(&text).map_err(|error| error.to_string()),
        Some(Ok(_)) => Err("its first frame is no text".to_owned()),
        Some(Err(error)) => Err(error.to_string()),
        None => return Ok(()),
    };
    let hello = match hello {
        Ok(hello) if !hello.address.is_empty() => hello,
        other => {
            let _ = socket.close(None).await;
            return Err(other.err().unwrap_or_else(|| "its address is empty".to_owned()));
        }
    };
    let (orders, from_hub) = mpsc::unbounded_channel();
    let handle = Arc::new(Handle { orders, connected: AtomicBool::new(false) });
    let hardware = Hardware::new(Bus::Websocket, hello.identifier, hello.address);
    found.do_send(Found { hardware, connector: Arc::clone(&handle) as Arc<dyn Connector> });
    // The hub keeps a handle for as long as it wants the device.
    drop(handle);
    let why = Device { socket, options, open: None, heard: Instant::now() }.run(from_hub).await;
    debug!("a device that had dialled in is gone: {why}");
    Ok(())
}

enum Order {
    Connect(Vec<Candidate>, oneshot::Sender<Result<(usize, Link), LinkError>>),
    Refuse,
}

#[derive(Debug)]
struct Handle {
    orders: mpsc::UnboundedSender<Order>,
    connected: AtomicBool,
}

impl Connector for Handle {
    fn connect(&self, candidates: Vec<Candidate>) -> Boxed<'static, Result<(usize, Link), LinkError>> {
        let (done, outcome) = oneshot::channel();
        let sent = self.orders.send(Order::Connect(candidates, done));
        self.connected.store(true, Ordering::Relaxed);
        Box::pin(async move {
            sent.map_err(|_| LinkError::Lost)?;
            outcome.await.map_err(|_| LinkError::Lost)?
        })
    }

    fn refuse(&self, _: &str) {
        // The format has no word for it: the connection is closed.
        let _ = self.orders.send(Order::Refuse);
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
    heard: Instant,
}

impl Device {
    /// Serves until the socket or everybody's interest ends; returns why.
    async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) -> String {
        let mut ping = tokio::time::interval_at(Instant::now() + self.options.ping, self.options.ping);
        ping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
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
                order = orders.recv() => match order {
                    None => Err("nobody wants it".to_owned()),
                    Some(Order::Refuse) => Err("it was refused".to_owned()),
                    Some(Order::Connect(candidates, done)) => {
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
                due = ping.tick() => self.ping(due).await,
            };
            if let Err(why) = step {
                // The link is lost before the farewell, which may take its time.
                self.open = None;
                let _ = tokio::time::timeout(UPGRADE, self.socket.close(None)).await;
                return why;
            }
        }
    }

    /// Pings the device, unless it has been silent for too long.
    async fn ping(&mut self, due: Instant) -> Result<(), String> {
        // While this program was held up, by a busy computer or a closed lid, it heard nothing whatever the device said.
        let held_up = due.elapsed();
        if held_up >= self.options.ping {
            self.heard = (self.heard + held_up).min(Instant::now());
        }
        // What has come counts, though nobody has looked at it yet.
        while let Some(frame) = self.socket.next().now_or_never() {
            self.received(frame)?;
        }
        if self.heard.elapsed() >= self.options.deadline {
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
        let (link, end) = pair(LinkInfo { endpoints, gap: Duration::ZERO, deadlines, scripted: false });
        self.open = Some((end, BTreeSet::new()));
        Ok((which, link))
    }

    fn frame(&mut self, frame: Frame) -> Result<(), String> {
        self.heard = Instant::now();
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
