//! The conversation with a server: attach, answer, tell what happens, begin again when the server goes away.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::advertisement::Advertisement;
use super::connection::{Socket, connect};
use super::event_output::{Event, EventOutput};
use super::frames::{self, ServerFrame};
use super::model_lookup::FoundModel;
use crate::cli::server_address::Servers;
use crate::link::Notification;
use crate::simulation::{Level, SimulatedDevice, simulate};
use crate::types::Endpoint;

/// Pause before a lost server is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// Time that a server gets to say whether an address is free.
const ANSWER: Duration = Duration::from_secs(5);
/// Pieces of one model that have an address.
const MOST: u8 = 99;
/// How a server says that an address is not free.
const TAKEN: &str = "taken";
/// Time that a server gets to take the farewell.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often a display that does not follow every event is brought up to date.
const REDRAW: Duration = Duration::from_millis(100);

/// Which address the user wants.
#[derive(Debug)]
pub(super) enum AddressChoice {
    /// This one.
    Address(String),
    /// The one of this number.
    Number(u8),
    /// The first that no other program plays.
    Free,
}

/// Plays the hardware until the user ends it. The error is a sentence for the user.
pub(super) async fn run(
    servers: &Servers,
    found: &FoundModel,
    attach: &Advertisement,
    wanted: &AddressChoice,
    show: &mut dyn EventOutput,
) -> Result<(), String> {
    let mut signals = Signals::new()?;
    // A server that was never there is a mistake of the user's; one that went away comes back.
    let mut known = false;
    // A user who has read that the server has ended need not read that it is not there.
    let mut ended = false;
    let mut place = None;
    // One toy for all connections, as what runs goes on running when a connection ends.
    let mut toy = simulate(&found.definition, &found.model);
    loop {
        let connecting = tokio::select! {
            () = signals.next() => return Ok(()),
            connected = connect(servers) => connected,
        };
        match connecting {
            Ok((socket, url)) => {
                known = true;
                let mut peripheral = Peripheral {
                    socket,
                    found,
                    levels: toy.levels(),
                    toy: toy.as_mut(),
                    attached: false,
                    show: &mut *show,
                };
                let end = peripheral.play(&url, attach, wanted, &mut place, &mut signals).await;
                toy.released();
                ended = matches!(end, End::Server);
                match end {
                    End::Asked => return Ok(()),
                    End::Refused(reason) => return Err(reason),
                    End::Server => show.event(&Event::Ended),
                    End::Lost(reason) => show.event(&Event::Lost { reason: &reason }),
                }
            }
            Err(reason) if !known => return Err(reason),
            Err(_) if ended => {}
            Err(reason) => show.event(&Event::Lost { reason: &reason }),
        }
        tokio::select! {
            () = signals.next() => return Ok(()),
            () = sleep(AGAIN) => {}
        }
    }
}

/// Why a conversation ended.
enum End {
    Asked,
    Refused(String),
    /// The server ends, and has said so.
    Server,
    Lost(String),
}

/// The address that this toy has found free, and the number that it belongs to.
type Place = (String, Option<u8>);

struct Peripheral<'a> {
    socket: Socket,
    found: &'a FoundModel,
    toy: &'a mut dyn SimulatedDevice,
    /// What was shown last.
    levels: Vec<Level>,
    attached: bool,
    show: &'a mut dyn EventOutput,
}

impl Peripheral<'_> {
    async fn play(
        &mut self,
        url: &str,
        attach: &Advertisement,
        wanted: &AddressChoice,
        place: &mut Option<Place>,
        signals: &mut Signals,
    ) -> End {
        let (address, number) = match self.appear(attach, wanted, place.clone(), signals).await {
            Ok(found) => place.insert(found).clone(),
            Err(end) => return end,
        };
        self.show.event(&Event::Attach { frame: &attach.at(&address), server: url, address: &address, number });
        self.doubt();
        let mut redraw: Interval = interval(REDRAW);
        redraw.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let text = tokio::select! {
                () = signals.next() => {
                    self.leave().await;
                    return End::Asked;
                }
                _ = redraw.tick() => {
                    self.show.redraw();
                    continue;
                }
                text = next(&mut self.socket) => text,
            };
            let done = match text {
                Ok(text) => self.told(&text).await,
                Err(end) => return end,
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Attaches under an address that no other program plays.
    async fn appear(
        &mut self,
        attach: &Advertisement,
        wanted: &AddressChoice,
        before: Option<Place>,
        signals: &mut Signals,
    ) -> Result<Place, End> {
        let places: Vec<Place> = match (&before, wanted) {
            // It is the same device as before, or it would not find its place again.
            (Some(place), _) => vec![place.clone()],
            (None, AddressChoice::Address(address)) => vec![(address.clone(), None)],
            (None, AddressChoice::Number(number)) => vec![(attach.address(*number), Some(*number))],
            (None, AddressChoice::Free) => (1..=MOST).map(|number| (attach.address(number), Some(number))).collect(),
        };
        for place in places {
            self.send(&attach.at(&place.0)).await.map_err(End::Lost)?;
            let answer = tokio::select! {
                () = signals.next() => {
                    self.leave().await;
                    return Err(End::Asked);
                }
                answer = timeout(ANSWER, next(&mut self.socket)) => answer,
            };
            let answer = answer.map_err(|_| End::Lost("the server does not answer".to_owned()))??;
            match serde_json::from_str(&answer) {
                Ok(ServerFrame::Present) => return Ok(place),
                Ok(ServerFrame::Refused { code, .. }) if code == TAKEN => {}
                _ => {
                    self.told(&answer).await?;
                    return Err(End::Refused(format!("what the server answers is not understood: {answer}")));
                }
            }
        }
        let name = &self.found.model.name;
        let (which, hint) = match wanted {
            AddressChoice::Address(address) => (format!("something at {address}"), "choose another --address"),
            AddressChoice::Number(number) => {
                (format!("{name}, number {number}"), "choose another --number, or leave it out")
            }
            AddressChoice::Free => (format!("{name}, all {MOST} of it"), "choose an --address"),
        };
        let why = format!("another program plays {which}");
        // Before, it was this one's; the server has not noticed yet that the connection broke.
        Err(if before.is_some() { End::Lost(why) } else { End::Refused(format!("{why}; {hint}")) })
    }

    async fn told(&mut self, text: &str) -> Result<(), End> {
        let told = match serde_json::from_str(text) {
            Ok(told) => told,
            Err(error) => {
                let reason = format!("a frame of the server cannot be understood ({error}): {text}");
                self.show.event(&Event::Error { reason: &reason });
                return Ok(());
            }
        };
        match told {
            ServerFrame::Attached { protocol } => {
                self.attached = true;
                self.show.event(&Event::Attached { protocol: &protocol });
                let wanted = &self.found.definition.protocol;
                if protocol != *wanted {
                    let reason = format!("the server takes this for {protocol}, not for {wanted}");
                    self.show.event(&Event::Error { reason: &reason });
                }
            }
            // Said where it is asked for.
            ServerFrame::Present => {}
            ServerFrame::Failed { reason } => {
                self.attached = false;
                self.show.event(&Event::Failed { reason: &reason });
                self.doubt();
            }
            ServerFrame::Refused { reason, .. } => {
                self.show.event(&Event::Refused { reason: &reason });
                // The reason is a sentence for people, but this one has a cause that people do not think of.
                let hint = if reason.contains("no definition") {
                    "; it and this program each read the definitions when they start, see `devices.definitions_dir`"
                } else {
                    ""
                };
                return Err(End::Refused(format!("the server refuses {}: {reason}{hint}", self.found.model.name)));
            }
            ServerFrame::Error { reason } => {
                self.show.event(&Event::Error { reason: &reason });
                if !self.attached {
                    return Err(End::Refused(format!("the server does not take the hardware: {reason}")));
                }
            }
            ServerFrame::Disconnect => {
                self.attached = false;
                self.show.event(&Event::Disconnect);
                self.toy.released();
            }
            ServerFrame::Write { endpoint, data, with_response } => self.write(&endpoint, &data, with_response).await?,
            ServerFrame::Read { id, endpoint } => {
                let answer = match Endpoint::parse(&endpoint) {
                    Some(known) => self.toy.read(known),
                    None => Err(format!("{endpoint:?} is no endpoint")),
                };
                let (endpoint, result) = (endpoint.as_str(), answer.as_deref());
                self.show.event(&Event::Read { endpoint, result });
                self.send(&frames::reply(id, &answer)).await.map_err(End::Lost)?;
            }
            ServerFrame::Subscribe { endpoint } => {
                self.show.event(&Event::Subscribe { endpoint: &endpoint });
                let said = Endpoint::parse(&endpoint).map(|endpoint| self.toy.subscribed(endpoint));
                self.say(&said.unwrap_or_default()).await?;
            }
            ServerFrame::Unsubscribe { endpoint } => self.show.event(&Event::Unsubscribe { endpoint: &endpoint }),
        }
        Ok(())
    }

    async fn write(&mut self, endpoint: &str, hex: &str, with_response: bool) -> Result<(), End> {
        let (Some(to), Ok(data)) = (Endpoint::parse(endpoint), hex::decode(hex)) else {
            let reason = format!("a write to {endpoint:?} of {hex:?}: no known endpoint, or no hex");
            self.show.event(&Event::Error { reason: &reason });
            return Ok(());
        };
        let before = self.toy.not_understood();
        let said = self.toy.written(to, &data);
        self.show.event(&Event::Write {
            endpoint,
            data: &data,
            with_response,
            understood: self.toy.not_understood() == before,
        });
        self.changed();
        self.say(&said).await
    }

    /// Tells what the toy cannot answer; the server may not get along with that.
    fn doubt(&mut self) {
        let unmet = self.toy.unmet();
        if !unmet.is_empty() {
            let reason = format!(
                "this toy knows no answer for which {{{}}} holds; the `<` lines of an [[example]] would tell it one",
                unmet.join("} and {")
            );
            self.show.event(&Event::Error { reason: &reason });
        }
    }

    /// Tells which outputs do something else than before.
    fn changed(&mut self) {
        let levels = self.toy.levels();
        for (before, now) in self.levels.iter().zip(&levels) {
            if before != now {
                self.show.event(&Event::Level(now));
            }
        }
        self.levels = levels;
    }

    async fn say(&mut self, said: &[Notification]) -> Result<(), End> {
        for notification in said {
            self.show.event(&Event::Notify(notification));
            self.send(&frames::notify(notification)).await.map_err(End::Lost)?;
        }
        Ok(())
    }

    async fn send(&mut self, frame: &Value) -> Result<(), String> {
        let sent = self.socket.send(Message::text(frame.to_string())).await;
        sent.map_err(|error| format!("the connection broke: {error}"))
    }

    async fn leave(&mut self) {
        self.show.event(&Event::Detach);
        let farewell = async {
            let _ = self.send(&frames::goodbye()).await;
            // The server says that it closes when the device is gone. Until the connection has ended takes it longer.
            while let Some(Ok(message)) = self.socket.next().await {
                if message.is_close() {
                    let _ = self.socket.flush().await;
                    return;
                }
            }
        };
        let _ = timeout(FAREWELL, farewell).await;
    }
}

/// The next text of the server.
async fn next(socket: &mut Socket) -> Result<String, End> {
    loop {
        match socket.next().await {
            None => return Err(End::Lost("the server closed the connection".to_owned())),
            Some(Err(error)) => return Err(End::Lost(format!("the connection broke: {error}"))),
            Some(Ok(Message::Close(Some(frame)))) if frame.code == CloseCode::Away => return Err(End::Server),
            Some(Ok(Message::Close(frame))) => {
                let why = frame.map(|frame| frame.reason.to_string()).filter(|why| !why.is_empty());
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                return Err(End::Lost(format!("the server closed the connection{why}")));
            }
            Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
            Some(Ok(_)) => {}
        }
    }
}

/// Ctrl-C, and where there are such signals, SIGTERM and that of a terminal which is closed.
struct Signals {
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> Result<Self, String> {
        use tokio::signal::unix::{SignalKind, signal};
        let signal = |kind| signal(kind).map_err(|error| format!("signals cannot be received: {error}"));
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
    fn new() -> Result<Self, String> {
        Ok(Self {})
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.hangup.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
