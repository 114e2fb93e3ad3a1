//! One connected client, from its first frame to its goodbye.
//!
//! Here live the session's state and what it makes of each frame ([`Session::frame`]); the actor that owns a socket is
//! in [`actor`]. What may not live here: device protocols, buses, WebSocket frames. A session reaches devices only
//! through their handles.

mod actor;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::buttplug::{
    Codec, ProtocolError, ReplyForm, Request, ServerMessage, frame, frame::Element, handshake, versions,
};
use crate::device::DeviceHandle;
use crate::hub::{HubHandle, Routes};
use crate::types::{CommandError, InputAction, InputKind, OperatorId, Output, StopScope};

pub use actor::serve;

/// What clients are told and allowed.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// What the server calls itself.
    pub server_name: String,
    /// A client that does not ping for this time is let go; `None` means that it need not ping.
    pub max_ping: Option<Duration>,
    /// Time for the handshake.
    pub handshake: Duration,
    /// Bytes of one message, for the error text.
    pub max_frame: usize,
}

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
        /// The devices; their stops have begun.
        devices: Vec<(DeviceHandle, u64)>,
    },
    /// Ask or listen to an input, then answer.
    Input {
        /// What the reply must look like.
        form: ReplyForm,
        /// The device.
        device: DeviceHandle,
        /// Its feature.
        feature: u32,
        /// What to measure.
        kind: InputKind,
        /// Ask once, start or stop listening.
        action: InputAction,
    },
    /// Say goodbye and close, for this reason.
    Close(&'static str),
}

/// The state of one client's session.
#[derive(Debug)]
pub struct Session {
    owner: OperatorId,
    options: SessionOptions,
    state: State,
}

/// Outputs of one frame for one device: the handle, the values, and the requests that wait for a reply.
type Batch = (DeviceHandle, Vec<(u32, Output)>, Vec<ReplyForm>);

impl Session {
    /// A client that has just connected.
    #[must_use]
    pub fn new(owner: OperatorId, options: SessionOptions) -> Self {
        Self { owner, options, state: State::AwaitingHandshake }
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
    pub fn frame(&mut self, text: &str, hub: &HubHandle) -> Vec<Action> {
        let routes = hub.routes();
        let mut actions = Vec::new();
        let mut batches: BTreeMap<u32, Batch> = BTreeMap::new();
        for element in frame::split(text) {
            match element {
                Ok(element) => self.element(element, &routes, hub, &mut batches, &mut actions),
                Err((id, error)) => actions.push(refused(ReplyForm::new(id, ""), error)),
            }
        }
        self.flush(&mut batches, hub, &mut actions);
        actions
    }

    /// What is said to a frame that is no text.
    #[must_use]
    pub fn no_text(&self, error: ProtocolError) -> Action {
        refused(ReplyForm::EVENT, error)
    }

    fn element(
        &mut self,
        element: Element,
        routes: &Routes,
        hub: &HubHandle,
        batches: &mut BTreeMap<u32, Batch>,
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
        let (request, form) = match codec.read(element, &routes.descriptions) {
            Ok(read) => read,
            Err(error) => return actions.push(refused(unread, error)),
        };
        if let Request::Output { device, sets } = request {
            if let Err(error) = self.output(form, device, &sets, routes, hub, batches) {
                actions.push(refused(form, error));
            }
            return;
        }
        // What comes after an output in a frame happens after it, a stop above all.
        self.flush(batches, hub, actions);
        match request {
            Request::Output { .. } => {}
            Request::Ping => {
                actions.push(Action::Pinged);
                actions.push(Action::Reply(form, ServerMessage::Ok));
            }
            Request::DeviceList => {
                let devices = routes.descriptions.clone();
                actions.push(Action::Reply(form, ServerMessage::DeviceList(devices)));
            }
            Request::StartScanning => actions.extend([Action::Scan(true), Action::Reply(form, ServerMessage::Ok)]),
            Request::StopScanning => actions.extend([Action::Scan(false), Action::Reply(form, ServerMessage::Ok)]),
            Request::Input { device, feature, kind, action } => match find(routes, device) {
                Ok(handle) => {
                    let device = handle.clone();
                    actions.push(Action::Input { form, device, feature, kind, action });
                }
                Err(error) => actions.push(refused(form, error)),
            },
            Request::Stop(scope) => match self.stop(scope, routes) {
                Ok(devices) => actions.push(Action::AwaitStops { form, devices }),
                Err(error) => actions.push(refused(form, error)),
            },
            Request::Disconnect => {
                hub.release(self.owner);
                actions.push(Action::Reply(form, ServerMessage::Ok));
                actions.push(self.goodbye());
            }
        }
    }

    fn goodbye(&mut self) -> Action {
        self.state = State::Ended;
        Action::Close("the client said goodbye")
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
                    actions.push(Action::Close("its protocol version is not supported"));
                }
                return;
            }
        };
        let Some(codec) = versions::for_version(handshake.version) else {
            return;
        };
        self.state = State::Connected(codec);
        let max_ping_ms = self.options.max_ping.map_or(0, |ping| u32::try_from(ping.as_millis()).unwrap_or(u32::MAX));
        actions.push(Action::Connected { client: handshake.client_name, version: handshake.version });
        let name = self.options.server_name.clone();
        actions.push(Action::Reply(form, ServerMessage::ServerInfo { name, max_ping_ms }));
    }

    fn output(
        &self,
        form: ReplyForm,
        device: u32,
        sets: &[(u32, Output)],
        routes: &Routes,
        hub: &HubHandle,
        batches: &mut BTreeMap<u32, Batch>,
    ) -> Result<(), ProtocolError> {
        if hub.is_shutting_down() {
            return Err(ProtocolError::ShuttingDown);
        }
        let handle = find(routes, device)?;
        // All of a message is valid, or nothing of it is taken.
        let accepted: Result<Vec<_>, CommandError> =
            sets.iter().map(|(feature, output)| Ok((*feature, handle.accept(*feature, *output)?))).collect();
        let accepted = accepted?;
        let (_, sets, forms) = batches.entry(device).or_insert_with(|| (handle.clone(), Vec::new(), Vec::new()));
        sets.extend(accepted);
        forms.push(form);
        Ok(())
    }

    fn flush(&self, batches: &mut BTreeMap<u32, Batch>, hub: &HubHandle, actions: &mut Vec<Action>) {
        for (_, (device, sets, forms)) in std::mem::take(batches) {
            let done = device.set(self.owner, &sets);
            if let Ok(replaced) = &done {
                hub.metrics().commands(sets.len(), *replaced);
            }
            for form in forms {
                actions.push(match &done {
                    Ok(_) => Action::Reply(form, ServerMessage::Ok),
                    Err(error) => refused(form, error.clone()),
                });
            }
        }
    }

    /// Begins the stops of a scope.
    fn stop(&self, scope: StopScope, routes: &Routes) -> Result<Vec<(DeviceHandle, u64)>, CommandError> {
        let devices: Vec<_> = match scope.device {
            Some(index) => vec![find(routes, index)?],
            None => routes.devices.values().collect(),
        };
        let mut stops = Vec::new();
        for device in devices {
            // Outputs first: a subscription that hangs must not hold the zero back.
            if scope.outputs {
                stops.push((device.clone(), device.begin_stop(scope.feature)?));
            } else if let Some(feature) = scope.feature {
                device.check_feature(feature)?;
            }
            if scope.inputs {
                device.end_inputs(self.owner, scope.feature);
            }
        }
        Ok(stops)
    }
}

fn refused(form: ReplyForm, error: impl Into<ProtocolError>) -> Action {
    Action::Reply(form, ServerMessage::Error(error.into()))
}

fn find(routes: &Routes, index: u32) -> Result<&DeviceHandle, CommandError> {
    routes.devices.get(&index).ok_or_else(|| {
        const SHOWN: usize = 10;
        let shown: Vec<_> = routes.devices.keys().take(SHOWN).map(ToString::to_string).collect();
        let known = match routes.devices.len() {
            0 => "none".to_owned(),
            count if count > SHOWN => format!("{} and {} more", shown.join(", "), count - SHOWN),
            _ => shown.join(", "),
        };
        CommandError::UnknownDevice { index, known }
    })
}
