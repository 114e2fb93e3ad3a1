//! WebSockets: carries frames between a socket and a [`transport`] connection, and watches that the peer lives.
//!
//! This is the one file that touches `actix-web-actors`. That crate polls its actor only while the peer takes what is
//! sent to it, and buffers without bound. So the actor here is a mere [`Pump`]: whoever serves the peer lives
//! elsewhere, goes on when the peer does not read, and what it sends is counted by the connection until the socket takes
//! it. Liveness is watched outside the pump for the same reason.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::prelude::*;
use actix_web::{HttpRequest, HttpResponse, dev::Extensions, rt::net::TcpStream, web};
use actix_web_actors::ws;
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::access::{PROTOCOL, TOKEN_PROTOCOL, protocols};
use crate::patience::{self, Silence, Verdict};
use crate::transport::{self, CloseCode, CloseReason, Connection, Incoming, Outbound, Outgoing, Remote};
use crate::types::Cut;

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

/// A second handle on the TCP connection of a request, to end it when the peer neither reads nor goes.
#[derive(Clone)]
struct Tcp(Arc<socket2::Socket>);

/// When the peer was heard last; `None` while nothing is read from it, so that it cannot be heard.
#[derive(Clone)]
struct LastHeard(Arc<Mutex<Option<Instant>>>);

impl LastHeard {
    fn now() -> Self {
        Self(Arc::new(Mutex::new(Some(Instant::now()))))
    }

    fn set(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Nothing is read until the next [`LastHeard::set`].
    fn pause(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn get(&self) -> Instant {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_else(Instant::now)
    }
}

/// Keeps a handle on each new connection; give it to `HttpServer::on_connect`.
pub(super) fn on_connect(connection: &dyn std::any::Any, data: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Ok(copy) = socket2::SockRef::from(stream).try_clone()
    {
        // Small frames must not wait for each other's acknowledgement.
        let _ = copy.set_tcp_nodelay(true);
        data.insert(Tcp(Arc::new(copy)));
    }
}

/// Whether a request wants a WebSocket.
pub(super) fn is_upgrade(request: &HttpRequest) -> bool {
    let upgrade = request.headers().get(actix_web::http::header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"))
}

/// Answers a WebSocket request, and gives back the connection for whoever serves the peer.
///
/// # Errors
/// A request that is none.
pub(super) fn upgrade(
    request: &HttpRequest,
    payload: web::Payload,
    limits: SocketLimits,
) -> Result<(HttpResponse, Connection), actix_web::Error> {
    let peer = request.peer_addr().map_or_else(|| "someone".to_owned(), |peer| peer.to_string());
    let (connection, remote) = transport::pair(peer, limits.max_unsent);
    let tcp = request.conn_data::<Tcp>().cloned();
    let heard = LastHeard::now();
    let pump = Pump {
        remote,
        tcp: tcp.clone(),
        heard: heard.clone(),
        max_frame: limits.max_frame,
        partial: None,
        broken: false,
        parting: false,
        goodbye: false,
    };
    // Browsers refuse a connection whose sub-protocol request is not answered. One that carries a token is never said back.
    let asked: Vec<&str> = protocols(request).filter(|asked| !asked.starts_with(TOKEN_PROTOCOL)).collect();
    let own = asked.iter().find(|asked| **asked == PROTOCOL).or(asked.first());
    let asked: Vec<&str> = own.into_iter().copied().collect();
    let started = ws::WsResponseBuilder::new(pump, request, payload).protocols(&asked).frame_size(limits.max_frame);
    let (pump, response) = started.start_with_addr()?;
    actix_web::rt::spawn(watch(connection.outgoing.clone(), pump, tcp, heard, limits));
    Ok((response, connection))
}

/// Pings the peer, and cuts it off when nothing comes, or when it does not take its leave.
async fn watch(outgoing: Outgoing, pump: Addr<Pump>, tcp: Option<Tcp>, heard: LastHeard, limits: SocketLimits) {
    let mut silence = Silence::new(limits.deadline, limits.ping);
    loop {
        tokio::select! {
            () = outgoing.closed() => break,
            () = outgoing.closing() => {
                let _ = patience::timeout(FAREWELL, outgoing.closed()).await;
                break;
            }
            () = tokio::time::sleep(silence.step()) => {}
        }
        if silence.check(heard.get()) == Verdict::Over {
            outgoing.cut(Cut::Silent);
            break;
        }
        pump.do_send(Ping);
    }
    drop(pump);
    let Some(tcp) = tcp else { return };
    if outgoing.cut_reason().is_some() {
        let _ = tcp.0.shutdown(std::net::Shutdown::Both);
        return;
    }
    // The web server ends the connection once everything is written. A peer that does not read would hold it for ever.
    let weak = Arc::downgrade(&tcp.0);
    drop(tcp);
    patience::sleep(FAREWELL).await;
    if let Some(tcp) = weak.upgrade() {
        let _ = tcp.shutdown(std::net::Shutdown::Both);
    }
}

/// Moves frames between the socket and the connection.
struct Pump {
    remote: Remote,
    tcp: Option<Tcp>,
    heard: LastHeard,
    /// Bytes of one message.
    max_frame: usize,
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
        ctx.add_stream(self.remote.ready());
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        // The web server writes what is left, and then waits up to a second for the peer to end the connection, which the
        // peer leaves to the server (RFC 6455, section 7.1.1). Told that nothing more will come, it does not wait.
        if let (true, Some(tcp)) = (self.goodbye, &self.tcp) {
            let _ = tcp.0.shutdown(std::net::Shutdown::Read);
        }
    }
}

impl Pump {
    fn forward(&mut self, frame: Incoming, ctx: &mut ws::WebsocketContext<Self>) {
        match self.remote.frames.try_send(frame) {
            Ok(()) => {}
            // Reading pauses until there is room, so that a peer that floods fills only its own socket.
            Err(mpsc::error::TrySendError::Full(frame)) => {
                let frames = self.remote.frames.clone();
                self.heard.pause();
                let waiting = async move { drop(frames.send(frame).await) };
                ctx.wait(waiting.into_actor(self).map(|(), this, _| this.heard.set()));
            }
            // A close frame that is on its way goes first.
            Err(mpsc::error::TrySendError::Closed(_)) if self.remote.is_closing() => {}
            Err(mpsc::error::TrySendError::Closed(_)) => ctx.stop(),
        }
    }

    fn broken(&mut self, what: Incoming, ctx: &mut ws::WebsocketContext<Self>) {
        if !std::mem::replace(&mut self.broken, true) {
            self.forward(what, ctx);
        }
    }

    fn whole(&mut self, text: bool, data: Bytes, ctx: &mut ws::WebsocketContext<Self>) {
        if !text {
            return self.forward(Incoming::Binary(data), ctx);
        }
        match ByteString::try_from(data) {
            Ok(text) => self.forward(Incoming::Text(text), ctx),
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
        if buffer.len() + data.len() > self.max_frame {
            return self.broken(Incoming::TooLarge, ctx);
        }
        buffer.extend_from_slice(&data);
        if last {
            let (text, buffer) = (*text, std::mem::take(buffer));
            self.partial = None;
            self.whole(text, buffer.freeze(), ctx);
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
        if self.broken || self.remote.is_closing() {
            return;
        }
        self.heard.set();
        match message {
            Ok(ws::Message::Text(text)) => self.forward(Incoming::Text(text), ctx),
            Ok(ws::Message::Binary(data)) => self.whole(false, data, ctx),
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

/// Hands what the near end has sent to the socket. Handled only while the socket takes it.
impl StreamHandler<()> for Pump {
    fn handle(&mut self, (): (), ctx: &mut Self::Context) {
        for item in self.remote.drain() {
            match item {
                Outbound::Text(text) => ctx.text(text),
                Outbound::Binary(data) => ctx.binary(data),
                Outbound::Close(reason) => {
                    self.parting = true;
                    ctx.close(Some(close_frame(&reason)));
                    // Its own close frame ends it, or its silence.
                    ctx.run_later(FAREWELL, |_, ctx| ctx.stop());
                }
            }
        }
    }
}

fn close_frame(reason: &CloseReason) -> ws::CloseReason {
    // A close frame carries 125 bytes at most, two of them the code.
    let mut short: String = reason.to_string().chars().take(100).collect();
    while short.len() > 120 {
        short.pop();
    }
    let code = match reason.code() {
        CloseCode::Normal => ws::CloseCode::Normal,
        CloseCode::Away => ws::CloseCode::Away,
        CloseCode::Again => ws::CloseCode::Again,
    };
    ws::CloseReason { code, description: Some(short) }
}

/// Request: ping the peer. Handled only while the socket takes it.
#[derive(Message)]
#[rtype(result = "()")]
struct Ping;

impl Handler<Ping> for Pump {
    type Result = ();

    fn handle(&mut self, _: Ping, ctx: &mut Self::Context) {
        ctx.ping(b"hapticd");
    }
}
