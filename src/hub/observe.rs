//! What the hub and everything under it is doing, for people and tools.

use actix::prelude::*;

use super::actor::Hub;
use crate::describe;

/// Request: what is the hub and everything under it doing?
#[derive(Debug, Message)]
#[rtype(result = "serde_json::Value")]
pub(super) struct Observe;

impl Handler<Observe> for Hub {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, Observe: Observe, _: &mut Self::Context) -> Self::Result {
        let managers = self.managers.iter().map(|manager| {
            serde_json::json!({
                "bus": manager.bus.name, "running": manager.running.is_some(), "error": manager.failed,
                "restarts": manager.budget.count(),
            })
        });
        let devices = self.devices.values().map(|device| {
            let mut observed = device.handle.observe();
            if let Some(object) = observed.as_object_mut() {
                object.insert("restarts".to_owned(), device.budget.count().into());
            }
            observed
        });
        let gone =
            self.gone.iter().map(|gone| serde_json::json!({ "index": gone.index, "name": gone.name, "why": gone.why }));
        MessageResult(serde_json::json!({
            "gone": gone.collect::<Vec<_>>(), "sessions": self.sessions.len(), "scanning": self.scans.active(), "scanned_for_by": self.scans.count(),
            "opening": self.opening.len(), "definitions": self.library.definitions().len(),
            "buses": managers.collect::<Vec<_>>(), "devices": devices.collect::<Vec<_>>(),
            "shutting_down": self.shutting_down,
            "held": self.held, "outputs_refused": self.known.withheld(), "state": self.known.observe(),
        }))
    }
}

/// Request: what does every actor say of itself?
#[derive(Debug, Message)]
#[rtype(result = "serde_json::Value")]
pub(super) struct ObserveActors;

impl Handler<ObserveActors> for Hub {
    type Result = ResponseFuture<serde_json::Value>;

    fn handle(&mut self, ObserveActors: ObserveActors, _: &mut Self::Context) -> Self::Result {
        let managers = self.managers.iter().map(|manager| {
            let own = serde_json::json!({
                "actor": format!("manager {}", manager.bus.name), "generation": manager.generation,
                "restarts": manager.budget.count(), "last_error": manager.failed,
            });
            (own, manager.running.as_ref().map(|running| running.describe.clone()))
        });
        let devices = self.devices.iter().map(|(index, device)| {
            let own = serde_json::json!({
                "actor": format!("device {index}"), "generation": device.generation,
                "restarts": device.budget.count(), "state": format!("{:?}", device.state),
            });
            (own, device.handle.describer())
        });
        let sessions = self.sessions.iter().map(|(owner, session)| {
            (serde_json::json!({ "actor": format!("session {}", owner.0) }), Some(session.describe.clone()))
        });
        let children: Vec<_> = managers.chain(devices).chain(sessions).collect();
        let hub = serde_json::json!({
            "actor": "hub", "state": if self.shutting_down { "shutting down" } else { "running" },
            "opening": self.opening.len(), "scanned_for_by": self.scans.count(), "held": self.held,
        });
        Box::pin(async move {
            // All are asked at once, so that one that is stuck does not hold up the others.
            let asked = children.into_iter().map(|(own, actor)| async move {
                let told = match actor {
                    Some(actor) => describe::ask(&actor).await,
                    None => serde_json::json!({ "state": "not running" }),
                };
                merge(told, own)
            });
            let children = futures_util::future::join_all(asked).await;
            merge(serde_json::json!({ "children": children }), hub)
        })
    }
}

/// What the supervisor knows of an actor, over what the actor says of itself.
fn merge(told: serde_json::Value, own: serde_json::Value) -> serde_json::Value {
    match (told, own) {
        (serde_json::Value::Object(mut told), serde_json::Value::Object(own)) => {
            told.extend(own.into_iter().filter(|(_, value)| !value.is_null()));
            serde_json::Value::Object(told)
        }
        (_, own) => own,
    }
}
