//! An open connection to one piece of hardware, as drivers and devices see it.
//!
//! A bus makes a pair with [`pair`]: it keeps the [`LinkEnd`], serves its requests and feeds it notifications; the
//! device gets the [`Link`]. The link is lost when the bus drops its end. Here live no bus, no protocol, no actor.

mod clock;
mod error;
mod flight;
mod listener;
mod operation;
mod spacing;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio::{sync::broadcast, sync::mpsc, sync::oneshot, sync::watch};

use flight::Outcome;
use spacing::Spacing;

use crate::patience;
use crate::types::Endpoint;
pub use clock::Clock;
pub use error::LinkError;
pub use flight::Flight;
pub use listener::Listener;
pub use operation::{LinkRequest, Notification, Operation, Packet};

/// Requests that may wait for the bus; a device has one write and a few reads under way at most.
const REQUESTS: usize = 32;
/// Notifications kept for a listener that lags; the oldest are lost beyond it (the reference server's number).
const NOTIFICATIONS: usize = 256;

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
    /// The time that the hardware lives in.
    pub clock: Clock,
}

/// The device's side of a connection. Copies are cheap and share it.
#[derive(Debug, Clone)]
pub struct Link {
    requests: mpsc::Sender<LinkRequest>,
    notifications: broadcast::WeakSender<Notification>,
    info: Arc<LinkInfo>,
    spacing: Arc<Spacing>,
    /// Whether the hardware said goodbye.
    left: watch::Receiver<bool>,
}

/// The bus's side of a connection. Dropping it loses the link.
#[derive(Debug)]
pub struct LinkEnd {
    /// What the device asks for, in order. Ends when the device has dropped every copy of its side.
    pub requests: mpsc::Receiver<LinkRequest>,
    /// Where notifications go.
    pub notify: broadcast::Sender<Notification>,
    left: watch::Sender<bool>,
}

impl LinkEnd {
    /// Loses the link because the hardware says goodbye: it was switched off and does not come back by itself. Returns
    /// when the device has dropped every copy of its side.
    pub async fn say_goodbye(mut self) {
        self.left.send_replace(true);
        self.requests.close();
        // What is still asked for is dropped, which answers it with the loss of the link.
        while self.requests.recv().await.is_some() {}
        drop(self.notify);
        self.left.closed().await;
    }
}

/// Makes both sides of a connection.
#[must_use]
pub fn pair(info: LinkInfo) -> (Link, LinkEnd) {
    let (requests, from_device) = mpsc::channel(REQUESTS);
    let (notify, _) = broadcast::channel(NOTIFICATIONS);
    let (goodbye, left) = watch::channel(false);
    let (notifications, spacing) = (notify.downgrade(), Arc::default());
    let link = Link { requests, notifications, info: Arc::new(info), spacing, left };
    (link, LinkEnd { requests: from_device, notify, left: goodbye })
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
        self.begin_write(packet).await?.landed().await
    }

    /// Waits for a time between the packets of others, but not for ever.
    async fn turn(&self, endpoint: Endpoint, limit: Duration) -> Result<(), LinkError> {
        patience::timeout(limit, self.spacing.turn()).await.ok_or_else(|| {
            let what = format!("a packet between commands to {endpoint}");
            LinkError::Timeout { what, limit_ms: limit.as_millis() }
        })
    }

    /// Gives bytes to the bus, without waiting until the hardware has them. What the bus has once been given cannot be
    /// called back, and the bus may do it even after the deadline.
    ///
    /// # Errors
    /// As [`Link::write`]; the bus does not have the packet then.
    pub async fn begin_write(&self, packet: Packet) -> Result<Flight, LinkError> {
        let (endpoint, limit) = (packet.endpoint, self.info.deadlines.write);
        let until = Instant::now() + limit;
        let asking = self.ask(endpoint, Operation::Write(packet));
        let outcome = patience::timeout(limit, asking).await.unwrap_or_else(|| {
            Err(LinkError::Failed(format!("the bus took no write to {endpoint} within {} ms", limit.as_millis())))
        })?;
        Ok(Flight::new(endpoint, limit, until, outcome))
    }

    /// Asks an endpoint for its value, in its turn.
    ///
    /// # Errors
    /// As [`Link::write`].
    pub async fn read(&self, endpoint: Endpoint) -> Result<Vec<u8>, LinkError> {
        self.turn(endpoint, self.info.deadlines.read).await?;
        self.answer(endpoint, Operation::Read(endpoint), self.info.deadlines.read, "a read of").await
    }

    /// Has an endpoint report what the hardware sends; see [`Link::listen`]. Twice is as good as once.
    ///
    /// # Errors
    /// As [`Link::write`].
    pub async fn subscribe(&self, endpoint: Endpoint) -> Result<(), LinkError> {
        let operation = Operation::Subscribe(endpoint);
        self.answer(endpoint, operation, self.info.deadlines.write, "subscribing to").await.map(drop)
    }

    /// Ends what [`Link::subscribe`] began.
    ///
    /// # Errors
    /// As [`Link::write`].
    pub async fn unsubscribe(&self, endpoint: Endpoint) -> Result<(), LinkError> {
        let operation = Operation::Unsubscribe(endpoint);
        self.answer(endpoint, operation, self.info.deadlines.write, "unsubscribing from").await.map(drop)
    }

    /// Lets go of the hardware. Failing to is no error: the link ends when its last copy is dropped.
    pub async fn disconnect(&self) {
        let (done, outcome) = oneshot::channel();
        if self.requests.send(LinkRequest { operation: Operation::Disconnect, done }).await.is_ok() {
            let _ = patience::timeout(self.info.deadlines.write, outcome).await;
        }
    }

    /// Hears every notification from now on.
    #[must_use]
    pub fn listen(&self) -> Listener {
        let notifications = self.notifications.upgrade().map(|sender| sender.subscribe());
        Listener { notifications, clock: self.info.clock.clone() }
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

    /// Whether the hardware said goodbye, so that the hub need not wait for its return.
    #[must_use]
    pub fn has_left(&self) -> bool {
        *self.left.borrow()
    }

    /// The time that the hardware lives in: drivers and the writer go by it.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.info.clock
    }

    /// Sleeps, in the hardware's time.
    pub async fn sleep(&self, time: Duration) {
        self.info.clock.sleep(time).await;
    }

    /// Puts an operation into the queue of the bus; what is returned gives its outcome.
    async fn ask(&self, endpoint: Endpoint, operation: Operation) -> Result<Outcome, LinkError> {
        if !self.has(endpoint) {
            return Err(LinkError::NoEndpoint(endpoint));
        }
        let (done, outcome) = oneshot::channel();
        self.requests.send(LinkRequest { operation, done }).await.map_err(|_| LinkError::Lost)?;
        Ok(outcome)
    }

    async fn answer(
        &self,
        endpoint: Endpoint,
        operation: Operation,
        limit: Duration,
        what: &str,
    ) -> Result<Vec<u8>, LinkError> {
        let exchange = async { self.ask(endpoint, operation).await?.await.map_err(|_| LinkError::Lost)? };
        patience::timeout(limit, exchange).await.unwrap_or_else(|| {
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

    /// Gives a packet of it to the bus, at once.
    ///
    /// # Errors
    /// As [`Link::begin_write`].
    pub async fn begin_write(&mut self, packet: Packet) -> Result<Flight, LinkError> {
        self.spacing.sent();
        self.link.begin_write(packet).await
    }

    /// The packet that was begun last has ended its way: the time to the next one counts from now.
    pub fn landed(&mut self) {
        self.spacing.sent();
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
            clock: Clock::system(),
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
        assert!(!link.has_left());
    }

    #[tokio::test(start_paused = true)]
    async fn a_goodbye_ends_when_the_device_has_let_go() {
        let (link, end) = pair(info());
        let asked = tokio::spawn({
            let link = link.clone();
            async move { link.write(packet()).await }
        });
        tokio::task::yield_now().await;
        let goodbye = tokio::spawn(end.say_goodbye());
        link.lost().await;
        assert!(link.has_left() && link.is_lost());
        assert_eq!(asked.await.unwrap(), Err(LinkError::Lost), "what is under way is not waited for");
        assert_eq!(link.listen().next().await, Err(LinkError::Lost));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!goodbye.is_finished());
        drop(link);
        goodbye.await.unwrap();
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
