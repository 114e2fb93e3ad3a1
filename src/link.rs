//! An open connection to one piece of hardware, as drivers and devices see it.
//!
//! A bus makes a pair with [`pair`]: it keeps the [`LinkEnd`], serves its requests and feeds it notifications; the
//! device gets the [`Link`]. The link is lost when the bus drops its end. Here live no bus, no protocol, no actor.

mod spacing;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::Instant;

use crate::message::Endpoint;

use spacing::Spacing;

/// Requests that may wait for the bus; a device has one write and a few reads under way at most.
const REQUESTS: usize = 32;
/// Notifications kept for a listener that lags; the oldest are lost beyond it (the reference server's number).
const NOTIFICATIONS: usize = 256;

/// Bytes for one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Where to.
    pub endpoint: Endpoint,
    /// What.
    pub data: Vec<u8>,
    /// Write with response: the hardware itself acknowledges. Where it can't, the bus falls back to the other way.
    pub ack: bool,
}

/// What a device may ask of a bus.
#[derive(Debug)]
pub enum Operation {
    /// Send bytes; done when the hardware has them, as far as the bus can tell.
    Write(Packet),
    /// Ask an endpoint for its value.
    Read(Endpoint),
    /// Report what the endpoint sends.
    Subscribe(Endpoint),
    /// No longer report it.
    Unsubscribe(Endpoint),
    /// Let go of the hardware.
    Disconnect,
}

/// An operation and where its outcome goes. Reads give the value, everything else gives no bytes.
#[derive(Debug)]
pub struct LinkRequest {
    /// What to do.
    pub operation: Operation,
    /// Whom to tell. A dropped receiver means that nobody waits any more; the operation is still to be done.
    pub done: oneshot::Sender<Result<Vec<u8>, LinkError>>,
}

/// Bytes that the hardware sent by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Where from.
    pub endpoint: Endpoint,
    /// What.
    pub data: Vec<u8>,
}

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkError {
    /// The hardware is gone.
    #[error("the connection is lost")]
    Lost,
    /// No answer in time.
    #[error("{what} got no answer within {limit_ms} ms")]
    Timeout {
        /// The operation.
        what: String,
        /// How long it was waited for.
        limit_ms: u128,
    },
    /// The hardware has no such endpoint.
    #[error("the hardware has no endpoint {0}")]
    NoEndpoint(Endpoint),
    /// The bus said no.
    #[error("{0}")]
    Failed(String),
}

/// How long each kind of operation may take.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// Writes, subscribes, unsubscribes and disconnects.
    pub write: Duration,
    /// Reads.
    pub read: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { write: Duration::from_secs(2), read: Duration::from_secs(3) }
    }
}

/// Which writes are confirmed, so that a packet that gets lost on its way is noticed. Where one is not, a write is done when
/// the system has taken it, and a stop is written twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirms {
    /// None: there is no answer from the other end of the cable or the radio.
    Nothing,
    /// Those with response, as on Bluetooth LE.
    Responses {
        /// Endpoints that take every packet with response.
        always: BTreeSet<Endpoint>,
        /// Endpoints that take none so.
        never: BTreeSet<Endpoint>,
    },
    /// All: what is sent arrives or the link is lost, or the other end answers every packet.
    Everything,
}

impl Confirms {
    /// [`Confirms::Responses`] where each endpoint takes packets both ways.
    #[must_use]
    pub fn responses() -> Self {
        Self::Responses { always: BTreeSet::new(), never: BTreeSet::new() }
    }
}

/// What a bus says of a connection when it opens it.
#[derive(Debug, Clone)]
pub struct LinkInfo {
    /// Endpoints that the hardware really has.
    pub endpoints: BTreeSet<Endpoint>,
    /// Smallest time between two writes that this bus can carry.
    pub gap: Duration,
    /// Limits for its operations.
    pub deadlines: Deadlines,
    /// Which writes are confirmed.
    pub confirms: Confirms,
    /// The hardware is a script without a clock: sleeps end at once and what has not come will not come.
    pub scripted: bool,
}

/// The device's side of a connection. Copies are cheap and share it.
#[derive(Debug, Clone)]
pub struct Link {
    requests: mpsc::Sender<LinkRequest>,
    notifications: broadcast::WeakSender<Notification>,
    info: Arc<LinkInfo>,
    spacing: Arc<Spacing>,
}

/// The bus's side of a connection. Dropping it loses the link.
#[derive(Debug)]
pub struct LinkEnd {
    /// What the device asks for, in order. Ends when the device has dropped every copy of its side.
    pub requests: mpsc::Receiver<LinkRequest>,
    /// Where notifications go.
    pub notify: broadcast::Sender<Notification>,
}

/// Makes both sides of a connection.
#[must_use]
pub fn pair(info: LinkInfo) -> (Link, LinkEnd) {
    let (requests, from_device) = mpsc::channel(REQUESTS);
    let (notify, _) = broadcast::channel(NOTIFICATIONS);
    let link = Link { requests, notifications: notify.downgrade(), info: Arc::new(info), spacing: Arc::default() };
    (link, LinkEnd { requests: from_device, notify })
}

impl Link {
    /// Whether the hardware has this endpoint.
    #[must_use]
    pub fn has(&self, endpoint: Endpoint) -> bool {
        self.info.endpoints.contains(&endpoint)
    }

    /// Smallest time between two writes that the bus can carry.
    #[must_use]
    pub fn gap(&self) -> Duration {
        self.info.gap
    }

    /// Least time between two packets.
    #[must_use]
    pub fn packet_gap(&self) -> Duration {
        self.spacing.gap()
    }

    /// From now on keeps this time between the packets of one command of outputs, and between any other packet (a read's,
    /// one of connecting) and the one before or after it. Commands of one packet each do not wait for each other. Zero,
    /// which it is at first, lets everything go together.
    pub fn set_packet_gap(&self, gap: Duration) {
        self.spacing.set_gap(gap);
    }

    /// Whether a write of this packet is confirmed; see [`Confirms`].
    #[must_use]
    pub fn confirms(&self, packet: &Packet) -> bool {
        match &self.info.confirms {
            Confirms::Nothing => false,
            Confirms::Responses { always, never } => {
                (packet.ack && !never.contains(&packet.endpoint)) || always.contains(&packet.endpoint)
            }
            Confirms::Everything => true,
        }
    }

    /// Begins a command of outputs of so many packets.
    #[must_use]
    pub fn command(&self, packets: usize) -> Command<'_> {
        Command { link: self, spacing: spacing::Command::new(&self.spacing, packets) }
    }

    /// Sends bytes that belong to no command of outputs, in their turn. When this returns, the hardware has them as far as
    /// the bus can tell.
    ///
    /// # Errors
    /// An endpoint that isn't there, a refusal, a loss, or no confirmation before the deadline.
    pub async fn write(&self, packet: Packet) -> Result<(), LinkError> {
        self.turn(packet.endpoint, self.info.deadlines.write).await?;
        self.send(packet).await
    }

    /// Waits for a time between the packets of others, but not for ever.
    async fn turn(&self, endpoint: Endpoint, limit: Duration) -> Result<(), LinkError> {
        tokio::time::timeout(limit, self.spacing.turn()).await.map_err(|_| {
            let what = format!("a packet between commands to {endpoint}");
            LinkError::Timeout { what, limit_ms: limit.as_millis() }
        })
    }

    async fn send(&self, packet: Packet) -> Result<(), LinkError> {
        let endpoint = packet.endpoint;
        self.ask(endpoint, Operation::Write(packet), self.info.deadlines.write, "a write to").await.map(drop)
    }

    /// Asks an endpoint for its value, in its turn.
    ///
    /// # Errors
    /// As [`Link::write`].
    pub async fn read(&self, endpoint: Endpoint) -> Result<Vec<u8>, LinkError> {
        self.turn(endpoint, self.info.deadlines.read).await?;
        self.ask(endpoint, Operation::Read(endpoint), self.info.deadlines.read, "a read of").await
    }

    /// Has an endpoint report what the hardware sends; see [`Link::listen`]. Twice is as good as once.
    ///
    /// # Errors
    /// As [`Link::write`].
    pub async fn subscribe(&self, endpoint: Endpoint) -> Result<(), LinkError> {
        let operation = Operation::Subscribe(endpoint);
        self.ask(endpoint, operation, self.info.deadlines.write, "subscribing to").await.map(drop)
    }

    /// Ends what [`Link::subscribe`] began.
    ///
    /// # Errors
    /// As [`Link::write`].
    pub async fn unsubscribe(&self, endpoint: Endpoint) -> Result<(), LinkError> {
        let operation = Operation::Unsubscribe(endpoint);
        self.ask(endpoint, operation, self.info.deadlines.write, "unsubscribing from").await.map(drop)
    }

    /// Lets go of the hardware. Failing to is no error: the link ends when its last copy is dropped.
    pub async fn disconnect(&self) {
        let (done, outcome) = oneshot::channel();
        if self.requests.send(LinkRequest { operation: Operation::Disconnect, done }).await.is_ok() {
            let _ = tokio::time::timeout(self.info.deadlines.write, outcome).await;
        }
    }

    /// Hears every notification from now on.
    #[must_use]
    pub fn listen(&self) -> Listener {
        let notifications = self.notifications.upgrade().map(|sender| sender.subscribe());
        Listener { notifications, scripted: self.info.scripted }
    }

    /// Returns when the link is lost.
    pub async fn lost(&self) {
        self.requests.closed().await;
    }

    /// Whether the link is lost.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.requests.is_closed()
    }

    /// Sleeps, in the hardware's time.
    pub async fn sleep(&self, time: Duration) {
        if !self.info.scripted {
            tokio::time::sleep(time).await;
        }
    }

    async fn ask(
        &self,
        endpoint: Endpoint,
        operation: Operation,
        limit: Duration,
        what: &str,
    ) -> Result<Vec<u8>, LinkError> {
        if !self.has(endpoint) {
            return Err(LinkError::NoEndpoint(endpoint));
        }
        let (done, outcome) = oneshot::channel();
        let exchange = async {
            self.requests.send(LinkRequest { operation, done }).await.map_err(|_| LinkError::Lost)?;
            outcome.await.map_err(|_| LinkError::Lost)?
        };
        tokio::time::timeout(limit, exchange).await.unwrap_or_else(|_| {
            Err(LinkError::Timeout { what: format!("{what} {endpoint}"), limit_ms: limit.as_millis() })
        })
    }
}

/// A command of outputs that is being written, packet by packet. As long as it lives, no packet of anything else goes in
/// between.
#[derive(Debug)]
pub struct Command<'a> {
    link: &'a Link,
    spacing: spacing::Command<'a>,
}

impl Command<'_> {
    /// The time at which its next packet may go; `None` is now.
    #[must_use]
    pub fn waits_until(&self) -> Option<Instant> {
        self.spacing.waits_until()
    }

    /// Sends a packet of it, at once.
    ///
    /// # Errors
    /// As [`Link::write`].
    pub async fn write(&mut self, packet: Packet) -> Result<(), LinkError> {
        self.spacing.sent();
        let written = self.link.send(packet).await;
        self.spacing.sent();
        written
    }
}

/// Hears the notifications of a link.
#[derive(Debug)]
pub struct Listener {
    /// `None` when the link was lost before listening began.
    notifications: Option<broadcast::Receiver<Notification>>,
    scripted: bool,
}

impl Listener {
    /// The next notification of any endpoint. When the listener has lagged, the oldest are skipped.
    ///
    /// # Errors
    /// [`LinkError::Lost`] once the link is gone and everything heard before was returned.
    pub async fn next(&mut self) -> Result<Notification, LinkError> {
        let notifications = self.notifications.as_mut().ok_or(LinkError::Lost)?;
        loop {
            match notifications.recv().await {
                Ok(notification) => return Ok(notification),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return Err(LinkError::Lost),
            }
        }
    }

    /// The next notification of one endpoint.
    ///
    /// # Errors
    /// As [`Listener::next`], and [`LinkError::Timeout`] after `limit`.
    pub async fn next_on(&mut self, endpoint: Endpoint, limit: Duration) -> Result<Vec<u8>, LinkError> {
        // What a script sends, it has sent before it answers the write that comes before.
        let wait = if self.scripted { Duration::from_millis(1) } else { limit };
        let heard = async {
            loop {
                let notification = self.next().await?;
                if notification.endpoint == endpoint {
                    return Ok(notification.data);
                }
            }
        };
        tokio::time::timeout(wait, heard).await.unwrap_or_else(|_| {
            Err(LinkError::Timeout { what: format!("waiting for {endpoint}"), limit_ms: limit.as_millis() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> LinkInfo {
        LinkInfo {
            endpoints: BTreeSet::from([Endpoint::TX, Endpoint::RX]),
            gap: Duration::ZERO,
            deadlines: Deadlines::default(),
            confirms: Confirms::Everything,
            scripted: false,
        }
    }

    fn packet() -> Packet {
        Packet { endpoint: Endpoint::TX, data: vec![1], ack: false }
    }

    #[tokio::test(start_paused = true)]
    async fn every_operation_has_a_deadline() {
        let (link, _end) = pair(info());
        let text = link.write(packet()).await.unwrap_err().to_string();
        assert_eq!(text, "a write to tx got no answer within 2000 ms");
        assert!(matches!(link.read(Endpoint::RX).await, Err(LinkError::Timeout { .. })));
        assert!(matches!(link.subscribe(Endpoint::RX).await, Err(LinkError::Timeout { .. })));
        assert!(matches!(link.read(Endpoint::BATTERY).await, Err(LinkError::NoEndpoint(_))));
    }

    #[tokio::test]
    async fn dropping_the_bus_side_loses_the_link() {
        let (link, end) = pair(info());
        let mut heard = link.listen();
        end.notify.send(Notification { endpoint: Endpoint::RX, data: vec![7] }).unwrap();
        drop(end);
        link.lost().await;
        assert_eq!(link.write(packet()).await, Err(LinkError::Lost));
        assert_eq!(heard.next_on(Endpoint::RX, Duration::from_secs(1)).await, Ok(vec![7]));
        assert_eq!(heard.next().await, Err(LinkError::Lost));
        assert_eq!(link.listen().next().await, Err(LinkError::Lost));
    }

    #[test]
    fn which_writes_are_confirmed() {
        let confirmed = |confirms| {
            let (link, _end) = pair(LinkInfo { confirms, ..info() });
            [(Endpoint::TX, false), (Endpoint::TX, true), (Endpoint::RX, false), (Endpoint::RX, true)]
                .map(|(endpoint, ack)| link.confirms(&Packet { endpoint, data: vec![1], ack }))
        };
        assert_eq!(confirmed(Confirms::Nothing), [false; 4]);
        assert_eq!(confirmed(Confirms::Everything), [true; 4]);
        assert_eq!(confirmed(Confirms::responses()), [false, true, false, true]);
        let (always, never) = (BTreeSet::from([Endpoint::TX]), BTreeSet::from([Endpoint::RX]));
        assert_eq!(confirmed(Confirms::Responses { always, never }), [true, true, false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_packet_waits_for_its_turn_but_not_for_ever() {
        let (link, mut end) = pair(info());
        tokio::spawn(async move {
            while let Some(request) = end.requests.recv().await {
                let _ = request.done.send(Ok(Vec::new()));
            }
        });
        link.set_packet_gap(Duration::from_millis(40));
        let begun = Instant::now();
        for _ in 0..3 {
            link.write(packet()).await.unwrap();
        }
        assert_eq!(begun.elapsed(), Duration::from_millis(80));
        let command = link.command(2);
        let text = link.write(packet()).await.unwrap_err().to_string();
        assert_eq!(text, "a packet between commands to tx got no answer within 2000 ms");
        assert!(matches!(link.read(Endpoint::RX).await, Err(LinkError::Timeout { limit_ms: 3000, .. })));
        drop(command);
        assert_eq!(link.read(Endpoint::RX).await, Ok(Vec::new()));
    }
}
