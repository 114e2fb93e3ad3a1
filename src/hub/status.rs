//! What the hub and everything under it is doing, for people and tools.

use actix::prelude::*;

use super::actor::Hub;
use super::entries::{LinkState, ManagerEntry};
use crate::inspect::{self, Inspect};
use crate::types::{ActorState, ActorStatus, BusState, BusStatus, ServerStatus};

/// Request: what is the hub and everything under it doing?
#[derive(Debug, Message)]
#[rtype(result = "ServerStatus")]
pub(super) struct Observe;

/// How a bus is: from what the hub knows of it, and from what its manager reports, if it runs.
fn bus_status(own: BusStatus, manager: Option<&ActorStatus>) -> BusStatus {
    // A bus that asks the system again and again what is there runs on while the system has no answer.
    let error = own.error.clone().or_else(|| manager.and_then(|manager| manager.last_error.clone()));
    let (state, error) = match (error, manager.map(|manager| manager.state)) {
        (Some(error), _) => (BusState::NotWorking, Some(error)),
        (None, Some(ActorState::Running)) => (BusState::Working, None),
        // The hub learns in a moment why a manager has ended, and starts it again.
        (None, Some(ActorState::Starting | ActorState::Ended) | None) => (BusState::Starting, None),
        (None, Some(other)) => (BusState::NotWorking, Some(format!("its manager: {other}"))),
    };
    BusStatus { state, error, ..own }
}

/// Asks the manager of a bus how it is.
async fn bus(own: BusStatus, manager: Option<Recipient<Inspect>>) -> BusStatus {
    match manager {
        Some(manager) => bus_status(own, Some(&inspect::ask(&manager).await)),
        None => bus_status(own, None),
    }
}

fn describer(manager: &ManagerEntry) -> Option<Recipient<Inspect>> {
    manager.running.as_ref().map(|running| running.describe.clone())
}

impl Handler<Observe> for Hub {
    type Result = ResponseFuture<ServerStatus>;

    fn handle(&mut self, Observe: Observe, _: &mut Self::Context) -> Self::Result {
        let managers = self.managers.iter().map(|manager| {
            let own = BusStatus {
                bus: manager.bus.name.to_owned(),
                running: manager.running.is_some(),
                error: manager.failed.as_ref().map(ToString::to_string),
                restarts: manager.budget.count(),
                state: BusState::Starting,
            };
            bus(own, describer(manager))
        });
        // All are asked at once, so that one that is stuck does not hold up the others.
        let buses = futures_util::future::join_all(managers);
        let devices = self.devices.values().map(|device| {
            let mut status = device.handle.observe();
            status.restarts = device.budget.count();
            status
        });
        let status = ServerStatus {
            devices: devices.collect(),
            gone: self.gone.iter().cloned().collect(),
            buses: Vec::new(),
            sessions: self.sessions.len(),
            scanning: self.scans.active(),
            scanned_for_by: self.scans.count(),
            opening: self.opening.len(),
            definitions: self.library.definitions().len(),
            shutting_down: self.shutting_down,
            held: self.held,
            outputs_refused: self.known.withheld(),
            state: self.known.observe(),
        };
        Box::pin(async move { ServerStatus { buses: buses.await, ..status } })
    }
}

/// Request: what does every actor report of itself?
#[derive(Debug, Message)]
#[rtype(result = "ActorStatus")]
pub(super) struct ObserveActors;

impl Handler<ObserveActors> for Hub {
    type Result = ResponseFuture<ActorStatus>;

    fn handle(&mut self, ObserveActors: ObserveActors, _: &mut Self::Context) -> Self::Result {
        let managers = self.managers.iter().map(|manager| {
            let own = ActorStatus {
                actor: format!("manager {}", manager.bus.name),
                generation: Some(manager.generation),
                restarts: Some(manager.budget.count()),
                ..ActorStatus::new(ActorState::NotRunning)
            };
            (own.with_error(manager.failed.as_ref().map(ToString::to_string)), None, describer(manager))
        });
        let devices = self.devices.iter().map(|(index, device)| {
            let state = match device.state {
                LinkState::Connected => ActorState::Connected,
                LinkState::Away => ActorState::Away,
            };
            let own = ActorStatus {
                actor: format!("device {index}"),
                generation: Some(device.generation),
                restarts: Some(device.budget.count()),
                ..ActorStatus::new(state)
            };
            (own, Some(state), device.handle.describer())
        });
        let sessions = self.sessions.iter().map(|(owner, session)| {
            let own = ActorStatus { actor: format!("session {}", owner.0), ..ActorStatus::new(ActorState::NotRunning) };
            (own, None, Some(session.describe.clone()))
        });
        let children: Vec<_> = managers.chain(devices).chain(sessions).collect();
        let state = if self.shutting_down { ActorState::ShuttingDown } else { ActorState::Running };
        let hub = ActorStatus { actor: "hub".to_owned(), ..ActorStatus::new(state) }.with(serde_json::json!({
            "opening": self.opening.len(), "scanned_for_by": self.scans.count(), "held": self.held,
        }));
        Box::pin(async move {
            // All are asked at once, so that one that is stuck does not hold up the others.
            let asked = children.into_iter().map(|(own, state, actor)| async move {
                match actor {
                    Some(actor) => merge(own, state, inspect::ask(&actor).await),
                    None => own,
                }
            });
            ActorStatus { children: futures_util::future::join_all(asked).await, ..hub }
        })
    }
}

/// What the supervisor knows of an actor, and `state` if it knows even that, over what the actor reports of itself.
fn merge(own: ActorStatus, state: Option<ActorState>, reported: ActorStatus) -> ActorStatus {
    ActorStatus {
        actor: own.actor,
        state: state.unwrap_or(reported.state),
        generation: own.generation,
        restarts: own.restarts,
        last_error: own.last_error.or(reported.last_error),
        details: reported.details,
        children: reported.children,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_works_if_neither_the_hub_nor_its_manager_knows_better() {
        let state = |error: Option<&str>, manager: Option<ActorStatus>| {
            let own = BusStatus { error: error.map(str::to_owned), ..BusStatus::default() };
            let status = bus_status(own, manager.as_ref());
            (status.state, status.error)
        };
        let manager = |state| Some(ActorStatus::new(state));
        let running = |error: &str| Some(ActorStatus::new(ActorState::Running).with_error(Some(error.to_owned())));
        let broken = |error: &str| (BusState::NotWorking, Some(error.to_owned()));
        assert_eq!(state(None, manager(ActorState::Running)), (BusState::Working, None));
        assert_eq!(state(None, None), (BusState::Starting, None));
        assert_eq!(state(None, manager(ActorState::Starting)), (BusState::Starting, None));
        assert_eq!(state(Some("no adapter"), None), broken("no adapter"));
        // A bus that runs on though it cannot list what is there.
        assert_eq!(state(None, running("no")), broken("no"));
        let stuck = manager(ActorState::Unresponsive { within_ms: 200 });
        assert_eq!(state(None, stuck), broken("its manager: does not answer within 200 ms"));
    }
}
