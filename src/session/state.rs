//! The state of a session, and what it makes of each frame.

use std::sync::Arc;

use super::options::SessionOptions;
use crate::buttplug::{
    ClientState, Codec, ProtocolError, ReplyForm, Request, ServerMessage, frame, frame::Element, handshake, versions,
};
use crate::control::{Batch, Operator, Stopping};
use crate::types::{CommandError, Descriptions, InputAction, InputAddress, SessionEnd};

/// Where a session stands. It never goes back.
#[derive(Debug, Clone, Copy)]
enum State {
    AwaitingHandshake,
    Connected(&'static dyn Codec),
    Ended,
}

/// What the actor has to do after a frame, in this order.
#[derive(Debug)]
pub enum Action {
    /// Reply to a request now.
    Reply(ReplyForm, ServerMessage),
    /// Send this frame.
    Send(String),
    /// Send what is different between these devices.
    Changed {
        /// What the client was given.
        before: Arc<Descriptions>,
        /// What there is.
        after: Arc<Descriptions>,
    },
    /// The handshake is done.
    Connected {
        /// What the client calls itself.
        client: String,
        /// The version that the connection speaks.
        version: u32,
    },
    /// The handshake is refused, for this reason, which names the client and the versions.
    HandshakeRefused(String),
    /// The client has pinged.
    Pinged,
    /// Have hardware looked for, or no longer.
    Scan(bool),
    /// Wait until these stops are confirmed, then answer.
    AwaitStops {
        /// What the reply must look like.
        form: ReplyForm,
        /// The stops, which have begun.
        stopping: Stopping,
    },
    /// Ask or listen to an input, then answer.
    Input {
        /// What the reply must look like.
        form: ReplyForm,
        /// Which input.
        input: InputAddress,
        /// Ask once, start or stop listening.
        action: InputAction,
    },
    /// Say goodbye and close, for this reason.
    Close(SessionEnd),
}

/// The state of one client's session.
#[derive(Debug)]
pub struct Session {
    options: SessionOptions,
    state: State,
    client: ClientState,
}

impl Session {
    /// A client that has just connected, while there are these devices.
    #[must_use]
    pub fn new(options: SessionOptions, devices: Arc<Descriptions>) -> Self {
        Self { options, state: State::AwaitingHandshake, client: ClientState::new(Some(devices)) }
    }

    /// The devices that a connected client was last given, if there are others now.
    #[must_use]
    pub fn change_to(&self, devices: &Arc<Descriptions>) -> Option<Arc<Descriptions>> {
        let connected = matches!(self.state, State::Connected(_));
        (connected && !self.client.knows(devices)).then(|| Arc::clone(self.client.given_or_none()))
    }

    /// Notes that the client is being given these devices. Returns those of before, if it has to be told the difference.
    pub fn give(&mut self, devices: &Arc<Descriptions>) -> Option<Arc<Descriptions>> {
        let before = self.change_to(devices)?;
        self.client.give(Arc::clone(devices));
        Some(before)
    }

    /// The version that the connection speaks, once it is known.
    #[must_use]
    pub fn codec(&self) -> Option<&'static dyn Codec> {
        match self.state {
            State::Connected(codec) => Some(codec),
            State::AwaitingHandshake | State::Ended => None,
        }
    }

    /// Nothing more is heard from this client.
    pub fn end(&mut self) {
        self.state = State::Ended;
    }

    /// Understands a text frame and does what can be done at once: outputs are set and stops begun when this returns.
    /// All outputs of one frame for one device go to it together. Every message of the frame gets an answer.
    pub fn frame(&mut self, text: &str, operator: &Operator) -> Vec<Action> {
        let mut batch = operator.batch();
        let mut actions = Vec::new();
        for element in frame::split(text) {
            match element {
                Ok(element) => self.element(element, operator, &mut batch, &mut actions),
                Err((id, error)) => actions.push(refused(ReplyForm::new(id, ""), error)),
            }
        }
        flush(operator, &mut batch, &mut actions);
        actions
    }

    /// The reply to a binary frame.
    #[must_use]
    pub fn binary_frame(&self, error: ProtocolError) -> Action {
        refused(ReplyForm::EVENT, error)
    }

    fn element(
        &mut self,
        element: Element,
        operator: &Operator,
        batch: &mut Batch<ReplyForm>,
        actions: &mut Vec<Action>,
    ) {
        let unread = ReplyForm::new(element.id, "");
        let codec = match (self.state, element.name.as_str()) {
            (State::Ended, _) => return,
            (State::AwaitingHandshake, handshake::NAME) => return self.handshake(element, actions),
            (State::AwaitingHandshake, "Disconnect") => {
                actions.push(Action::Reply(unread, ServerMessage::Ok));
                actions.push(self.goodbye());
                return;
            }
            (State::AwaitingHandshake, _) => {
                return actions.push(refused(unread, ProtocolError::HandshakeExpected { name: element.name }));
            }
            (State::Connected(_), handshake::NAME) => {
                return actions.push(refused(unread, ProtocolError::HandshakeRepeated));
            }
            (State::Connected(codec), _) => codec,
        };
        let (request, form) = match codec.read(element, &mut self.client, batch.devices()) {
            Ok(read) => read,
            Err(error) => return actions.push(refused(unread, error)),
        };
        if !self.options.may_drive && matches!(request, Request::Output { .. } | Request::StartScanning) {
            return actions.push(refused(form, CommandError::WatchOnly));
        }
        if let Request::Output { device, sets } = request {
            if let Err(error) = operator.add(batch, form, device, &sets) {
                actions.push(refused(form, error));
            }
            return;
        }
        // What comes after an output in a frame happens after it, a stop above all.
        flush(operator, batch, actions);
        match request {
            Request::Output { .. } => {}
            Request::Ping => {
                actions.push(Action::Pinged);
                actions.push(Action::Reply(form, ServerMessage::Ok));
            }
            Request::DeviceList => {
                let devices = Arc::clone(batch.devices());
                // What a client is told by the list needs no event.
                let before = self.client.give(Arc::clone(&devices));
                actions.extend(codec.before_list(&before, &devices).into_iter().map(Action::Send));
                actions.push(Action::Reply(form, ServerMessage::DeviceList(devices)));
            }
            Request::StartScanning => {
                actions.extend([Action::Scan(true), Action::Reply(form, ServerMessage::Ok)]);
                // A client that scans before it asks for a list learns of what is there by events.
                let first = self.client.given().is_none();
                if let Some(before) = first.then(|| self.give(batch.devices())).flatten() {
                    actions.push(Action::Changed { before, after: Arc::clone(batch.devices()) });
                }
            }
            Request::StopScanning => actions.extend([Action::Scan(false), Action::Reply(form, ServerMessage::Ok)]),
            Request::Input { device, feature, kind, action } => {
                let input = InputAddress { device, feature, kind };
                actions.push(match operator.check_device(device) {
                    Ok(()) => Action::Input { form, input, action },
                    Err(error) => refused(form, error),
                });
            }
            Request::Stop(scope) => actions.push(match operator.stop(scope) {
                Ok(stopping) => Action::AwaitStops { form, stopping },
                Err(error) => refused(form, error),
            }),
            Request::Echo(text) => actions.push(Action::Reply(form, ServerMessage::Echo(text))),
            Request::Nothing => actions.push(Action::Reply(form, ServerMessage::Ok)),
            Request::Disconnect => {
                operator.release();
                actions.push(Action::Reply(form, ServerMessage::Ok));
                actions.push(self.goodbye());
            }
        }
    }

    fn goodbye(&mut self) -> Action {
        self.state = State::Ended;
        Action::Close(SessionEnd::Goodbye)
    }

    fn handshake(&mut self, element: Element, actions: &mut Vec<Action>) {
        let form = ReplyForm::new(element.id, handshake::NAME);
        let handshake = match handshake::read(element.body) {
            Ok(handshake) => handshake,
            Err(error) => {
                let newer = matches!(error, ProtocolError::VersionUnsupported { .. });
                actions.push(Action::HandshakeRefused(error.to_string()));
                actions.push(refused(form, error));
                // A client of another version cannot go on (facts: sessions.md section 3.3).
                if newer {
                    self.state = State::Ended;
                    actions.push(Action::Close(SessionEnd::VersionUnsupported));
                }
                return;
            }
        };
        let Some(codec) = versions::for_version(handshake.version) else {
            return;
        };
        self.state = State::Connected(codec);
        if !codec.knows_devices_at_handshake() {
            self.client = ClientState::new(None);
        }
        let max_ping_ms = self.options.max_ping.map_or(0, |ping| u32::try_from(ping.as_millis()).unwrap_or(u32::MAX));
        actions.push(Action::Connected { client: handshake.client_name, version: handshake.version });
        let name = self.options.server_name.clone();
        actions.push(Action::Reply(form, ServerMessage::ServerInfo { name, max_ping_ms }));
    }
}

/// Sets what was collected and replies to each message of it.
fn flush(operator: &Operator, batch: &mut Batch<ReplyForm>, actions: &mut Vec<Action>) {
    actions.extend(operator.output(batch).into_iter().map(|(form, done)| match done {
        Ok(()) => Action::Reply(form, ServerMessage::Ok),
        Err(error) => refused(form, error),
    }));
}

fn refused(form: ReplyForm, error: impl Into<ProtocolError>) -> Action {
    Action::Reply(form, ServerMessage::Error(error.into()))
}
