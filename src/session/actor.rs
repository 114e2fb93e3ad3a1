//! The actor of one client: its connection, its timers, its replies.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use bytestring::ByteString;
use tokio::time::Instant;

use super::options::SessionOptions;
use super::state::{Action, Session};
use crate::buttplug::{Codec, ProtocolError, ReplyForm, ServerMessage, versions};
use crate::control::{Control, Operator};
use crate::device::ReadingSink;
use crate::events::Event;
use crate::hub::{HubEvent, SessionHandle};
use crate::inspect::Inspect;
use crate::patience::{self, Silence, Verdict};
use crate::transport::{CloseCode, Connection, Incoming, Outgoing};
use crate::types::{CommandError, Descriptions, InputAction, InputAddress, OperatorKind, Reading};

/// Requests of one client that may wait for hardware at the same time.
const PENDING: usize = 64;
/// Device events of one client are at least this far apart; changes in between are told together.
const EVENT_GAP: Duration = Duration::from_millis(50);

/// Serves one client.
pub fn serve(connection: Connection, control: Control, options: SessionOptions) {
    match control.attach(OperatorKind::Session, "", &connection.peer) {
        Ok(operator) => {
            drop(SessionActor::create(|ctx| SessionActor::new(connection, control, operator, options, ctx)));
        }
        Err(limit) => {
            let error = ProtocolError::TooManySessions { limit };
            control.metrics().emit(&Event::SessionRefused { why: &error.to_string() });
            if let Some(frame) = versions::newest().write(&ReplyForm::EVENT, &ServerMessage::Error(error)) {
                connection.outgoing.text(frame);
            }
            connection.outgoing.close(CloseCode::Again, "too many clients");
        }
    }
}

struct SessionActor {
    session: Session,
    control: Control,
    operator: Operator,
    outgoing: Outgoing,
    options: SessionOptions,
    /// When the client pinged last, or shook hands.
    pinged: Option<Instant>,
    /// Requests that wait for hardware.
    pending: usize,
    last_sent_at: Instant,
    send_later: bool,
    /// What the client calls itself, once it has.
    client: String,
    peer: String,
    /// A handshake of it was refused.
    refused: bool,
    /// Why the session ends, unless the connection was cut.
    close_reason: &'static str,
}

impl SessionActor {
    fn new(
        connection: Connection,
        control: Control,
        operator: Operator,
        options: SessionOptions,
        ctx: &mut Context<Self>,
    ) -> Self {
        let Connection { incoming, outgoing, peer } = connection;
        ctx.add_stream(incoming.into_stream());
        let own = ctx.address();
        operator.register(SessionHandle { events: own.clone().recipient(), describe: own.recipient() });
        control.metrics().emit(&Event::SessionOpened { id: operator.id().0, peer: &peer });
        let disconnected = operator.disconnected().clone().cancelled_owned();
        ctx.spawn(actix::fut::wrap_future::<_, Self>(disconnected).map(|(), this, ctx| {
            this.close("it was disconnected by the server", ctx);
        }));
        ctx.spawn(actix::fut::wrap_future::<_, Self>(patience::sleep(options.handshake)).map(|(), this, ctx| {
            if this.session.codec().is_none() {
                let limit_ms = this.options.handshake.as_millis();
                this.fail(ProtocolError::HandshakeTimeout { limit_ms }, "it did not shake hands", ctx);
            }
        }));
        Self {
            session: Session::new(options.clone(), control.devices()),
            control,
            operator,
            outgoing,
            options,
            pinged: None,
            pending: 0,
            last_sent_at: Instant::now(),
            send_later: false,
            client: String::new(),
            peer,
            refused: false,
            close_reason: "it closed the connection",
        }
    }

    /// The codec of this client. The newest one serves until its version is known: errors look the same in all.
    fn codec(&self) -> &'static dyn Codec {
        self.session.codec().unwrap_or_else(versions::newest)
    }

    fn send(&self, form: &ReplyForm, message: &ServerMessage) {
        if matches!(message, ServerMessage::Error(_)) {
            self.control.metrics().rejected();
        }
        let frame = match message {
            ServerMessage::DeviceList(devices) => self.options.lists.whole(self.codec(), form, devices),
            other => self.codec().write(form, other).map(ByteString::from),
        };
        if let Some(frame) = frame {
            self.outgoing.text(frame);
        }
    }

    /// An error that ends the session. What the client holds stops at once.
    fn fail(&mut self, error: ProtocolError, why: &'static str, ctx: &mut Context<Self>) {
        self.operator.release();
        self.send(&ReplyForm::EVENT, &ServerMessage::Error(error));
        self.close(why, ctx);
    }

    fn close(&mut self, why: &'static str, ctx: &mut Context<Self>) {
        self.close_reason = why;
        self.session.end();
        self.outgoing.close(CloseCode::Normal, why);
        ctx.stop();
    }

    fn act(&mut self, action: Action, ctx: &mut Context<Self>) {
        match action {
            Action::Reply(form, message) => self.send(&form, &message),
            Action::Send(frame) => self.outgoing.text(frame),
            Action::Changed { before, after } => self.send_change(&before, &after),
            Action::Connected { client, version } => {
                self.client.clone_from(&client);
                self.operator.rename(&client);
                let id = self.operator.id().0;
                self.control.metrics().emit(&Event::SessionNamed { id, client: &client, version });
                self.pinged(ctx);
            }
            Action::HandshakeRefused(why) => {
                let id = self.operator.id().0;
                // A client that tries the same again and again must not fill the log.
                let again = std::mem::replace(&mut self.refused, true);
                self.control.metrics().emit(&Event::HandshakeRefused { id, peer: &self.peer, why: &why, again });
            }
            Action::Pinged => self.pinged(ctx),
            Action::Scan(wanted) => self.operator.scan(wanted),
            Action::AwaitStops { form, stopping } => {
                if let Some(ctx) = self.admit(form, ctx) {
                    let done = async move {
                        match stopping.confirmed().await {
                            Ok(()) => ServerMessage::Ok,
                            Err(error) => ServerMessage::Error(error.into()),
                        }
                    };
                    ctx.spawn(done.into_actor(self).map(move |message, this, _| this.answer(&form, &message)));
                }
            }
            Action::Input { form, input, action } => {
                if let Some(ctx) = self.admit(form, ctx) {
                    let sink = sink(ctx.address(), form.event());
                    let asked = self.operator.input(input, action, sink);
                    let done = async move { input_reply(input, action, asked.await) };
                    ctx.spawn(done.into_actor(self).map(move |message, this, _| this.answer(&form, &message)));
                }
            }
            Action::Close(why) => self.close(why, ctx),
        }
    }

    /// Lets a request wait for hardware, unless too many do.
    fn admit<'a>(&mut self, form: ReplyForm, ctx: &'a mut Context<Self>) -> Option<&'a mut Context<Self>> {
        if self.pending >= PENDING {
            self.send(&form, &ServerMessage::Error(ProtocolError::TooManyPending { limit: PENDING }));
            return None;
        }
        self.pending += 1;
        Some(ctx)
    }

    fn answer(&mut self, form: &ReplyForm, message: &ServerMessage) {
        self.pending = self.pending.saturating_sub(1);
        self.send(form, message);
    }

    /// The client has pinged, or shaken hands: its time begins again.
    fn pinged(&mut self, ctx: &mut Context<Self>) {
        let Some(limit) = self.options.max_ping else { return };
        if self.pinged.replace(Instant::now()).is_none() {
            Self::watch_pings(Silence::in_steps(limit), limit, ctx);
        }
    }

    fn watch_pings(mut silence: Silence, limit: Duration, ctx: &mut Context<Self>) {
        ctx.run_later(silence.step(), move |this, ctx| {
            let Some(pinged) = this.pinged else { return };
            if silence.check(pinged) == Verdict::Over {
                let error = ProtocolError::PingTimeout { limit_ms: limit.as_millis() };
                this.fail(error, "it did not ping", ctx);
            } else {
                Self::watch_pings(silence, limit, ctx);
            }
        });
    }

    /// Sends the client the devices that there are now, if they have changed.
    fn send_devices(&mut self, ctx: &mut Context<Self>) {
        // A client that has not shaken hands asks for the list itself.
        if self.session.codec().is_none() || self.send_later {
            return;
        }
        let wait = EVENT_GAP.saturating_sub(self.last_sent_at.elapsed());
        if !wait.is_zero() {
            return self.later(wait, ctx, Self::send_devices);
        }
        let now = self.control.devices();
        let Some(before) = self.session.change_to(&now) else { return };
        let wait = self.options.lists.reserve(&self.options.lists.changed(self.codec(), &before, &now));
        if wait.is_zero() {
            self.send_newest();
        } else {
            self.later(wait, ctx, |this, _| this.send_newest());
        }
    }

    /// Does this once the time is over, unless something waits already.
    fn later(&mut self, wait: Duration, ctx: &mut Context<Self>, then: fn(&mut Self, &mut Context<Self>)) {
        if !std::mem::replace(&mut self.send_later, true) {
            ctx.run_later(wait, move |this, ctx| {
                this.send_later = false;
                then(this, ctx);
            });
        }
    }

    fn send_newest(&mut self) {
        let now = self.control.devices();
        if let Some(before) = self.session.give(&now) {
            self.send_change(&before, &now);
            self.last_sent_at = Instant::now();
        }
    }

    /// Sends what is different between these devices.
    fn send_change(&self, before: &Arc<Descriptions>, after: &Arc<Descriptions>) {
        for frame in self.options.lists.changed(self.codec(), before, after).iter() {
            self.outgoing.text(frame.clone());
        }
    }
}

fn sink(session: Addr<SessionActor>, form: ReplyForm) -> ReadingSink {
    Arc::new(move |reading| session.do_send(Notification { reading, form }))
}

fn input_reply(input: InputAddress, action: InputAction, outcome: Result<Option<i32>, CommandError>) -> ServerMessage {
    let InputAddress { device, feature, kind } = input;
    match (outcome, action) {
        (Ok(Some(value)), InputAction::Read) => ServerMessage::Reading(Reading { device, feature, kind, value }),
        (Ok(_), _) => ServerMessage::Ok,
        (Err(error), _) => ServerMessage::Error(error.into()),
    }
}

impl Actor for SessionActor {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        let why = self.outgoing.why().unwrap_or(self.close_reason);
        self.control.metrics().emit(&Event::SessionClosed { id: self.operator.id().0, why });
    }
}

impl StreamHandler<Incoming> for SessionActor {
    fn handle(&mut self, frame: Incoming, ctx: &mut Self::Context) {
        match frame {
            Incoming::Text(text) => {
                for action in self.session.frame(&text, &self.operator) {
                    self.act(action, ctx);
                }
            }
            Incoming::Binary(_) => {
                let action = self.session.binary_frame(ProtocolError::BinaryFrame);
                self.act(action, ctx);
            }
            Incoming::TooLarge => {
                let limit = self.options.max_frame;
                self.fail(ProtocolError::FrameTooLarge { limit }, "its frame was too large", ctx);
            }
            Incoming::Garbage(why) => {
                let why = format!("what came is no WebSocket frame: {why}");
                self.fail(ProtocolError::NotJson { why }, "it sent garbage", ctx);
            }
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<HubEvent> for SessionActor {
    type Result = ();

    fn handle(&mut self, event: HubEvent, ctx: &mut Self::Context) {
        match event {
            HubEvent::DevicesChanged => self.send_devices(ctx),
            HubEvent::ScanningFinished => {
                if self.session.codec().is_some() {
                    self.send(&ReplyForm::EVENT, &ServerMessage::ScanningFinished);
                }
            }
            HubEvent::ShuttingDown => self.close("the server is shutting down", ctx),
        }
    }
}

/// Event: an input that the client listens to has a value.
#[derive(Message)]
#[rtype(result = "()")]
struct Notification {
    reading: Reading,
    form: ReplyForm,
}

impl Handler<Notification> for SessionActor {
    type Result = ();

    fn handle(&mut self, Notification { reading, form }: Notification, _: &mut Self::Context) {
        if self.session.codec().is_some() {
            self.send(&form, &ServerMessage::Reading(reading));
        }
    }
}

impl Handler<Inspect> for SessionActor {
    type Result = MessageResult<Inspect>;

    fn handle(&mut self, Inspect: Inspect, _: &mut Self::Context) -> Self::Result {
        let version = self.session.codec().map(Codec::version);
        MessageResult(serde_json::json!({
            "state": if version.is_some() { "connected" } else { "awaiting handshake" }, "client": self.client,
            "peer": self.peer, "version": version, "waiting_for_hardware": self.pending,
            "unsent_bytes": self.outgoing.unsent(),
        }))
    }
}
