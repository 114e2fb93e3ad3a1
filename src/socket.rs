//! The server's end of one WebSocket, as frames in and frames out.
//!
//! This is the one file that touches `actix-web-actors`. That crate polls its actor only while the peer takes what is
//! sent to it, and buffers without bound. So the actor here is a mere [`Pump`]: whoever serves the peer lives
//! elsewhere, goes on when the peer does not read, and what it sends is counted in [`Outgoing`] until the socket takes
//! it. Liveness is watched outside the pump for the same reason.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::prelude::*;
use actix_web::{HttpRequest, HttpResponse, dev::Extensions, rt::net::TcpStream, web};
use actix_web_actors::ws;
use bytes::BytesMut;
use futures_util::Stream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::patience::{self, Silence, Verdict};

/// Frames read but not yet handled; the peer's own socket buffer fills beyond it.
const INCOMING: usize = 32;
/// Time to say what was wrong to a peer that can no longer be understood.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a peer may do.
#[derive(Debug, Clone, Copy)]
pub struct SocketLimits {
    /// Bytes of one message.
    pub max_frame: usize,
    /// Bytes sent but not taken; beyond it the peer is cut off.
    pub max_unsent: usize,
    /// Time between two WebSocket pings.
    pub ping: Duration,
    /// A peer from which nothing came for this time is cut off.
    pub deadline: Duration,
}

/// What comes from a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A text frame.
    Text(String),
    /// A binary frame.
    Binary(Vec<u8>),
    /// A message larger than allowed. Nothing can be read after it.
    TooLarge,
    /// Bytes that are no WebSocket frame. Nothing can be read after them.
    Garbage(String),
}

/// Why a socket is closed, as the close frame says it.
pub use ws::CloseCode;

enum Item {
    Text(String),
    Binary(Vec<u8>),
    Ping,
    Close(ws::CloseReason),
}

impl Item {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(data) => data.len(),
            Self::Ping | Self::Close(_) => 0,
        }
    }
}

/// The sending half. Copies share it.
#[derive(Clone)]
pub struct Outgoing {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue>,
    pump: Mutex<Option<Addr<Pump>>>,
    /// The connection itself, to end it when the peer neither reads nor goes.
    connection: Option<Connection>,
    /// Set once nothing more will come or go.
    closed: CancellationToken,
    /// Set once a close frame is to be sent: what comes is no longer heard.
    closing: CancellationToken,
    limits: SocketLimits,
}

struct Queue {
    items: VecDeque<Item>,
    unsent: usize,
    /// The pump has been told and has not come yet.
    told: bool,
    heard: Instant,
    why: Option<&'static str>,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outgoing({} bytes unsent)", self.shared.queue().unsent)
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut(&self, why: &'static str) {
        self.queue().why.get_or_insert(why);
        self.closed.cancel();
        if let Some(connection) = &self.connection {
            let _ = connection.0.shutdown(std::net::Shutdown::Both);
        }
    }
}

impl Outgoing {
    /// Sends a text frame.
    pub fn text(&self, text: String) {
        self.push(Item::Text(text));
    }

    /// Sends a binary frame.
    pub fn binary(&self, data: Vec<u8>) {
        self.push(Item::Binary(data));
    }

    /// Sends a close frame after everything before it, and ends the connection.
    pub fn close(&self, code: CloseCode, why: &str) {
        // A close frame carries 125 bytes at most, two of them the code.
        let mut short: String = why.chars().take(100).collect();
        while short.len() > 120 {
            short.pop();
        }
        self.push(Item::Close(ws::CloseReason { code, description: Some(short) }));
        self.shared.closing.cancel();
    }

    /// Ends the connection at once.
    pub fn cut(&self, why: &'static str) {
        self.shared.cut(why);
    }

    /// Bytes that the socket has not taken yet.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.shared.queue().unsent
    }

    /// Why the server ended the connection, if it did.
    #[must_use]
    pub fn why(&self) -> Option<&'static str> {
        self.shared.queue().why
    }

    fn push(&self, item: Item) {
        let mut queue = self.shared.queue();
        queue.unsent += item.len();
        if queue.unsent > self.shared.limits.max_unsent {
            drop(queue);
            self.shared.cut("it does not read what is sent to it");
            return;
        }
        queue.items.push_back(item);
        let tell = !std::mem::replace(&mut queue.told, true);
        drop(queue);
        let pump = self.shared.pump.lock().unwrap_or_else(PoisonError::into_inner);
        if let (true, Some(pump)) = (tell, &*pump) {
            pump.do_send(Flush);
        }
    }
}

/// The server's end of one WebSocket.
#[derive(Debug)]
pub struct Socket {
    /// What comes; ends when the connection does.
    pub incoming: Frames,
    /// What goes.
    pub outgoing: Outgoing,
    /// Who is at the other end, for logs.
    pub peer: String,
}

/// The receiving half.
#[derive(Debug)]
pub struct Frames {
    frames: mpsc::Receiver<Incoming>,
    closed: CancellationToken,
}

impl Frames {
    /// The next frame; `None` when the connection has ended.
    pub async fn next(&mut self) -> Option<Incoming> {
        tokio::select! {
            biased;
            () = self.closed.cancelled() => None,
            frame = self.frames.recv() => frame,
        }
    }

    /// The frames as a stream, for an actor.
    pub fn into_stream(self) -> impl Stream<Item = Incoming> {
        futures_util::stream::unfold(self, |mut frames| async { frames.next().await.map(|frame| (frame, frames)) })
    }
}

/// A second handle on the TCP connection of a request.
#[derive(Clone)]
struct Connection(Arc<socket2::Socket>);

/// Keeps a handle on each new connection; give it to `HttpServer::on_connect`.
pub fn on_connect(connection: &dyn std::any::Any, data: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Ok(copy) = socket2::SockRef::from(stream).try_clone()
    {
        // Small frames must not wait for each other's acknowledgement.
        let _ = copy.set_tcp_nodelay(true);
        data.insert(Connection(Arc::new(copy)));
    }
}

/// Answers a WebSocket request.
///
/// # Errors
/// A request that is none.
pub fn upgrade(
    request: &HttpRequest,
    payload: web::Payload,
    limits: SocketLimits,
) -> Result<(HttpResponse, Socket), actix_web::Error> {
    let (incoming, frames) = mpsc::channel(INCOMING);
    let closed = CancellationToken::new();
    let queue = Queue { items: VecDeque::new(), unsent: 0, told: false, heard: Instant::now(), why: None };
    let shared = Arc::new(Shared {
        queue: Mutex::new(queue),
        pump: Mutex::new(None),
        connection: request.conn_data::<Connection>().cloned(),
        closed: closed.clone(),
        closing: CancellationToken::new(),
        limits,
    });
    let pump =
        Pump { shared: Arc::clone(&shared), incoming, partial: None, broken: false, parting: false, goodbye: false };
    // Browsers refuse a connection whose sub-protocol request is not answered.
    let asked = request.headers().get("sec-websocket-protocol").and_then(|asked| asked.to_str().ok());
    let asked: Vec<&str> = asked.into_iter().flat_map(|asked| asked.split(',')).map(str::trim).take(1).collect();
    let started = ws::WsResponseBuilder::new(pump, request, payload).protocols(&asked).frame_size(limits.max_frame);
    let (address, response) = started.start_with_addr()?;
    *shared.pump.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
    actix_web::rt::spawn(watch(Arc::clone(&shared)));
    let peer = request.peer_addr().map_or_else(|| "someone".to_owned(), |peer| peer.to_string());
    Ok((response, Socket { incoming: Frames { frames, closed }, outgoing: Outgoing { shared }, peer }))
}

/// Pings the peer, and cuts it off when nothing comes, or when it does not take its leave.
async fn watch(shared: Arc<Shared>) {
    let mut silence = Silence::new(shared.limits.deadline, shared.limits.ping);
    loop {
        tokio::select! {
            () = shared.closed.cancelled() => break,
            () = shared.closing.cancelled() => {
                let _ = patience::timeout(FAREWELL, shared.closed.cancelled()).await;
                break;
            }
            () = tokio::time::sleep(silence.step()) => {}
        }
        let heard = shared.queue().heard;
        if silence.check(heard) == Verdict::Over {
            shared.cut("it no longer answers");
            return;
        }
        Outgoing { shared: Arc::clone(&shared) }.push(Item::Ping);
    }
    // The web server ends the connection once everything is written. A peer that does not read would hold it for ever.
    let Some(connection) = shared.connection.as_ref().map(|connection| Arc::downgrade(&connection.0)) else {
        return;
    };
    drop(shared);
    patience::sleep(FAREWELL).await;
    if let Some(connection) = connection.upgrade() {
        let _ = connection.shutdown(std::net::Shutdown::Both);
    }
}

/// Moves frames between the socket and the queues.
struct Pump {
    shared: Arc<Shared>,
    incoming: mpsc::Sender<Incoming>,
    /// The parts of a message so far, and whether it is text.
    partial: Option<(bool, BytesMut)>,
    /// Nothing more can be read.
    broken: bool,
    /// Our close frame is on its way.
    parting: bool,
    /// The peer has sent its close frame, after which nothing comes.
    goodbye: bool,
}

impl Actor for Pump {
    type Context = ws::WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // What was sent before the pump could be told.
        ctx.notify(Flush);
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.shared.closed.cancel();
        // The web server writes what is left, and then waits up to a second for the peer to end the connection, which the
        // peer leaves to the server (RFC 6455, section 7.1.1). Told that nothing more will come, it does not wait.
        if let (true, Some(connection)) = (self.goodbye, &self.shared.connection) {
            let _ = connection.0.shutdown(std::net::Shutdown::Read);
        }
    }
}

impl Pump {
    fn forward(&mut self, frame: Incoming, ctx: &mut ws::WebsocketContext<Self>) {
        match self.incoming.try_send(frame) {
            Ok(()) => {}
            // Reading pauses until there is room, so that a peer that floods fills only its own socket.
            Err(mpsc::error::TrySendError::Full(frame)) => {
                let incoming = self.incoming.clone();
                ctx.wait(async move { drop(incoming.send(frame).await) }.into_actor(self));
            }
            // A close frame that is on its way goes first.
            Err(mpsc::error::TrySendError::Closed(_)) if self.shared.closing.is_cancelled() => {}
            Err(mpsc::error::TrySendError::Closed(_)) => ctx.stop(),
        }
    }

    fn broken(&mut self, what: Incoming, ctx: &mut ws::WebsocketContext<Self>) {
        if !std::mem::replace(&mut self.broken, true) {
            self.forward(what, ctx);
        }
    }

    fn whole(&mut self, text: bool, data: &[u8], ctx: &mut ws::WebsocketContext<Self>) {
        if !text {
            return self.forward(Incoming::Binary(data.to_vec()), ctx);
        }
        match std::str::from_utf8(data) {
            Ok(text) => self.forward(Incoming::Text(text.to_owned()), ctx),
            Err(error) => self.broken(Incoming::Garbage(format!("a text frame is not UTF-8: {error}")), ctx),
        }
    }

    fn part(&mut self, item: actix_http::ws::Item, ctx: &mut ws::WebsocketContext<Self>) {
        let (data, last) = match item {
            actix_http::ws::Item::FirstText(data) => {
                self.partial = Some((true, BytesMut::new()));
                (data, false)
            }
            actix_http::ws::Item::FirstBinary(data) => {
                self.partial = Some((false, BytesMut::new()));
                (data, false)
            }
            actix_http::ws::Item::Continue(data) => (data, false),
            actix_http::ws::Item::Last(data) => (data, true),
        };
        let Some((text, buffer)) = &mut self.partial else {
            return;
        };
        if buffer.len() + data.len() > self.shared.limits.max_frame {
            return self.broken(Incoming::TooLarge, ctx);
        }
        buffer.extend_from_slice(&data);
        if last {
            let (text, buffer) = (*text, std::mem::take(buffer));
            self.partial = None;
            self.whole(text, &buffer, ctx);
        }
    }
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for Pump {
    fn handle(&mut self, message: Result<ws::Message, ws::ProtocolError>, ctx: &mut Self::Context) {
        if let Ok(ws::Message::Close(reason)) = message {
            // It answers our own close frame, or wants one.
            if !self.parting {
                ctx.close(reason);
            }
            self.goodbye = true;
            return ctx.stop();
        }
        if self.broken || self.shared.closing.is_cancelled() {
            return;
        }
        self.shared.queue().heard = Instant::now();
        match message {
            Ok(ws::Message::Text(text)) => self.forward(Incoming::Text(text.into()), ctx),
            Ok(ws::Message::Binary(data)) => self.whole(false, &data, ctx),
            Ok(ws::Message::Continuation(item)) => self.part(item, ctx),
            Ok(ws::Message::Ping(data)) => ctx.pong(&data),
            Ok(ws::Message::Pong(_) | ws::Message::Nop | ws::Message::Close(_)) => {}
            // The connection is gone; there is nobody to tell.
            Err(ws::ProtocolError::Io(_)) => ctx.stop(),
            Err(ws::ProtocolError::Overflow) => self.broken(Incoming::TooLarge, ctx),
            Err(error) => self.broken(Incoming::Garbage(error.to_string()), ctx),
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        if self.broken {
            // Whoever serves the peer says what was wrong, and closes; but not for ever.
            ctx.run_later(FAREWELL, |_, ctx| ctx.stop());
        } else {
            ctx.stop();
        }
    }
}

/// Request: hand what is queued to the socket. Handled only while the socket takes it.
#[derive(Message)]
#[rtype(result = "()")]
struct Flush;

impl Handler<Flush> for Pump {
    type Result = ();

    fn handle(&mut self, _: Flush, ctx: &mut Self::Context) {
        let mut queue = self.shared.queue();
        queue.told = false;
        queue.unsent = 0;
        for item in std::mem::take(&mut queue.items) {
            match item {
                Item::Text(text) => ctx.text(text),
                Item::Binary(data) => ctx.binary(data),
                Item::Ping => ctx.ping(b"hapticd"),
                Item::Close(reason) => {
                    self.parting = true;
                    ctx.close(Some(reason));
                    // Its own close frame ends it, or its silence.
                    ctx.run_later(FAREWELL, |_, ctx| ctx.stop());
                }
            }
        }
    }
}
