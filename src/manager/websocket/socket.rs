//! The socket of a device that has said who it is: its link, and whether it lives.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::{tungstenite, tungstenite::Message as Frame};

use super::connector::Command;
use super::options::WebsocketOptions;
use crate::library::Candidate;
use crate::link::{Clock, Link, LinkEnd, LinkError, LinkInfo, Notification, Operation, pair};
use crate::manager::{link_info::choose, link_info::confirms};
use crate::patience::{Silence, Verdict};
use crate::types::{Bus, Endpoint};

/// Time for the WebSocket upgrade.
pub(super) const UPGRADE: Duration = Duration::from_secs(5);

/// Sends a close frame, or the answer to the device's own, which the socket's own `close` would leave unsent.
pub(super) async fn take_leave(socket: &mut WebSocketStream<TcpStream>) {
    let _ = tokio::time::timeout(UPGRADE, SinkExt::close(socket)).await;
}

/// A device that has said who it is.
pub(super) struct Device {
    socket: WebSocketStream<TcpStream>,
    options: WebsocketOptions,
    open: Option<(LinkEnd, BTreeSet<Endpoint>)>,
    last_event_at: Instant,
}

impl Device {
    pub fn new(socket: WebSocketStream<TcpStream>, options: WebsocketOptions) -> Self {
        Self { socket, options, open: None, last_event_at: Instant::now() }
    }

    /// Serves until the socket or everybody's interest ends; returns why.
    pub async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) -> String {
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
