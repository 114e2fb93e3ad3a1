//! What sessions and the hub hold of a device. It checks commands, puts them into the desired state, and never waits.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::watch;

use super::availability::{Availability, Refusal};
use super::desired::DesiredState;
use super::identity::{Identity, UserSettings, output_name};
use super::messages::{ActorAddress, Close, Read, Subscribe, Unsubscribe};
use super::subscriptions::{ReadingSink, Subscriptions};
use super::view::View;
use super::write_stats::WriteStats;
use crate::driver::DriverError;
use crate::inspect::Inspect;
use crate::text::shown;
use crate::types::{
    CommandError, Description, DeviceState, DeviceStatus, FeatureDescription, InputAction, InputKind, OperatorId,
    Output,
};
use crate::words::listed;

/// What sessions and the hub know of a device. Copies share it.
#[derive(Clone)]
pub struct DeviceHandle {
    pub(super) shared: Arc<Shared>,
}

/// What outlives the actor.
pub(super) struct Shared {
    pub(super) identity: Identity,
    /// What the user set, and how the device looks because of it.
    view: ArcSwap<View>,
    pub(super) wanted: DesiredState,
    pub(super) subscriptions: Subscriptions,
    pub(super) vitals: WriteStats,
    pub(super) actor: ArcSwapOption<ActorAddress>,
    /// Whether there is one.
    pub(super) driven: watch::Sender<bool>,
}

impl fmt::Debug for DeviceHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceHandle({}, {:?})", self.index(), self.shared.identity.model.name)
    }
}

impl DeviceHandle {
    /// A device that no actor drives yet.
    #[must_use]
    pub fn new(identity: Identity, user: &UserSettings) -> Self {
        let view = View::new(&identity, user);
        let wanted = DesiredState::new(view.channels.clone()).with_gap(view.gap);
        Self {
            shared: Arc::new(Shared {
                identity,
                view: ArcSwap::from_pointee(view),
                wanted,
                subscriptions: Subscriptions::default(),
                vitals: WriteStats::default(),
                actor: ArcSwapOption::empty(),
                driven: watch::Sender::new(false),
            }),
        }
    }

    /// The user has set something else. It holds from now on: what runs beyond the new limits is brought within them, what
    /// runs on an output that is now disabled is stopped. Returns whether anything has changed.
    #[must_use]
    pub fn set_user(&self, user: &UserSettings) -> bool {
        if self.shared.view.load().user == *user {
            return false;
        }
        let view = Arc::new(View::new(&self.shared.identity, user));
        // The change of the limits wakes the writer, which must find the new view then.
        self.shared.view.store(Arc::clone(&view));
        self.shared.wanted.change_limits(&view.channels, view.gap);
        true
    }

    /// How it looks under what the user set.
    pub(super) fn view(&self) -> Arc<View> {
        self.shared.view.load_full()
    }

    /// Index for clients.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.shared.identity.index
    }

    /// What it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.shared.identity
    }

    /// What clients see.
    #[must_use]
    pub fn description(&self) -> Arc<Description> {
        Arc::clone(&self.shared.view.load().description)
    }

    /// What it is wanted to do.
    #[must_use]
    pub fn wanted(&self) -> &DesiredState {
        &self.shared.wanted
    }

    /// Checks one output of a client and returns it in the hardware's steps.
    ///
    /// # Errors
    /// A feature, output, value or duration that the device does not have; an output whose limits are not known.
    pub fn accept(&self, feature: u32, output: Output) -> Result<Output, CommandError> {
        let device = self.index();
        let view = self.shared.view.load();
        if let Some(why) = view.user.refused.get(&(feature, output.kind)) {
            return Err(CommandError::OutputsRefused { device, why: why.clone() });
        }
        let description = self.feature(&view, feature)?;
        let place = view.channel(feature, output.kind);
        let offered = description.outputs.iter().any(|known| known.kind == output.kind);
        let Some(place) = place.filter(|_| offered) else {
            let known = listed(description.outputs.iter().map(|known| known.kind.name()), "no output");
            return Err(CommandError::NoSuchOutput { device, feature, kind: output.kind, known });
        };
        place.limits.accept(device, feature, output)
    }

    /// Sets outputs together, for at most the time that they last; values come from [`DeviceHandle::accept`]. Returns how
    /// many values that were not yet written they replaced.
    ///
    /// # Errors
    /// A device that was given up.
    pub fn set(
        &self,
        owner: OperatorId,
        sets: &[(u32, Output)],
        lasts: Option<Duration>,
    ) -> Result<usize, CommandError> {
        let device = self.index();
        self.shared.wanted.set(owner, sets, lasts).map_err(|refusal| match refusal {
            Refusal::Held(why) => CommandError::OutputsRefused { device, why },
            Refusal::Gone(why) => CommandError::DeviceUnreachable { device, why },
        })
    }

    /// Begins to stop outputs of one feature or all, whoever holds them; the number is for [`DesiredState::confirmed`].
    ///
    /// # Errors
    /// A feature that isn't there.
    pub fn begin_stop(&self, feature: Option<u32>) -> Result<u64, CommandError> {
        if let Some(feature) = feature {
            self.check_feature(feature)?;
        }
        Ok(self.shared.wanted.stop(feature, None))
    }

    /// Checks that there is such a feature.
    ///
    /// # Errors
    /// A feature that isn't there.
    pub fn check_feature(&self, feature: u32) -> Result<(), CommandError> {
        self.feature(&self.shared.view.load(), feature).map(drop)
    }

    /// A session has gone: what it holds stops, what it listens to ends.
    pub fn release(&self, owner: OperatorId) {
        // Outputs first: nothing may hold the zero back.
        self.shared.wanted.stop(None, Some(owner));
        self.end_inputs(owner, None);
    }

    /// Ends what a session listens to, on one feature or all.
    pub fn end_inputs(&self, owner: OperatorId, feature: Option<u32>) {
        let ended = self.shared.subscriptions.remove(owner, feature);
        if let Some(actor) = self.shared.actor.load_full() {
            for endpoint in ended {
                actor.unsubscribe.do_send(Unsubscribe(endpoint));
            }
        }
    }

    /// Asks an input, or starts or ends listening to it. Reading gives the value.
    ///
    /// # Errors
    /// An input that isn't there or can't do that; hardware that doesn't answer or is out of reach.
    pub async fn input(
        &self,
        owner: OperatorId,
        sink: ReadingSink,
        feature: u32,
        kind: InputKind,
        action: InputAction,
    ) -> Result<Option<i32>, CommandError> {
        let device = self.index();
        let view = self.view();
        let description = self.feature(&view, feature)?;
        let Some(input) = description.inputs.iter().find(|known| known.kind == kind) else {
            let known = listed(description.inputs.iter().map(|known| known.kind.name()), "no input");
            return Err(CommandError::NoSuchInput { device, feature, kind, known });
        };
        let allowed = if action == InputAction::Read { input.read } else { input.subscribe };
        if !allowed {
            let allowed = match (input.read, input.subscribe) {
                (true, true) => "Read, Subscribe",
                (true, false) => "Read",
                (false, true) => "Subscribe",
                (false, false) => "nothing",
            };
            return Err(CommandError::InputAction { device, feature, kind, action: action.participle(), allowed });
        }
        let unreachable = || CommandError::DeviceUnreachable { device, why: "the connection is lost".to_owned() };
        let failed = |error: DriverError| CommandError::InputFailed { device, kind, why: error.to_string() };
        match action {
            InputAction::Read => {
                let actor = self.shared.actor.load_full().ok_or_else(unreachable)?;
                let read = actor.read.send(Read { feature, kind }).await.map_err(|_| unreachable())?;
                read.map(Some).map_err(failed)
            }
            InputAction::Subscribe => {
                self.shared.subscriptions.add(owner, feature, kind, sink);
                let actor = self.shared.actor.load_full().ok_or_else(unreachable)?;
                let subscribed = actor.subscribe.send(Subscribe { feature, kind }).await.map_err(|_| unreachable())?;
                if subscribed.is_err() {
                    self.shared.subscriptions.remove_one(owner, feature, kind);
                }
                subscribed.map(|()| None).map_err(failed)
            }
            InputAction::Unsubscribe => {
                if let Some(endpoint) = self.shared.subscriptions.remove_one(owner, feature, kind)
                    && let Some(actor) = self.shared.actor.load_full()
                {
                    actor.unsubscribe.do_send(Unsubscribe(endpoint));
                }
                Ok(None)
            }
        }
    }

    /// Where its actor is asked what it does, if there is one.
    #[must_use]
    pub fn describer(&self) -> Option<actix::Recipient<Inspect>> {
        self.shared.actor.load_full().map(|actor| actor.describe.clone())
    }

    /// Whether an actor drives it at the moment.
    #[must_use]
    pub fn is_driven(&self) -> bool {
        self.shared.actor.load().is_some()
    }

    /// Returns when no actor drives it.
    pub async fn undriven(&self) {
        // The sender lives as long as `self`, so waiting only ends with the actor.
        let _ = self.shared.driven.subscribe().wait_for(|driven| !*driven).await;
    }

    /// Lets the hardware go. What may still run is stopped first, for at most this time; what is wanted stays wanted.
    pub fn close(&self, stop_within: Duration) {
        if let Some(actor) = self.shared.actor.load_full() {
            actor.close.do_send(Close { stop_within });
        }
    }

    /// What it is doing, for people and tools; its restarts are for the hub to fill in.
    #[must_use]
    pub fn observe(&self) -> DeviceStatus {
        let identity = self.identity();
        let state = match self.shared.wanted.availability() {
            Availability::Connected => DeviceState::Connected,
            Availability::Away => DeviceState::Away,
            Availability::Gone(why) => DeviceState::Gone(why),
        };
        DeviceStatus {
            index: identity.index,
            name: identity.model.name.clone(),
            display_name: self.view().user.display_name.clone(),
            bus: identity.bus,
            protocol: identity.definition.protocol.clone(),
            address: shown(&identity.address).to_string(),
            state,
            outputs: self.shared.wanted.observe(),
            refused: self.refusals(),
            subscriptions: self.shared.subscriptions.count(),
            restarts: 0,
        }
    }

    /// Every output that nobody may use, with the reason.
    #[must_use]
    pub fn refusals(&self) -> Vec<String> {
        self.view()
            .user
            .refused
            .iter()
            .map(|((feature, kind), why)| format!("{}: {why}", output_name(*feature, *kind)))
            .collect()
    }

    fn feature<'v>(&self, view: &'v View, feature: u32) -> Result<&'v FeatureDescription, CommandError> {
        let features = &view.description.features;
        features.iter().find(|known| known.index == feature).ok_or_else(|| {
            let known = listed(features.iter().map(|known| known.index.to_string()), "none");
            CommandError::UnknownFeature { device: self.index(), feature, known }
        })
    }
}
