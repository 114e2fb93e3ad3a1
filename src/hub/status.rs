//! What the hub and everything under it is doing, for people and tools.

use actix::prelude::*;

use super::actor::Hub;
use crate::inspect::{self, Inspect};

/// Request: what is the hub and everything under it doing?
#[derive(Debug, Message)]
#[rtype(result = "serde_json::Value")]
pub(super) struct Observe;

/// A bus: as the hub knows it, and as its manager says itself.
async fn bus(own: serde_json::Value, manager: Option<Recipient<Inspect>>) -> serde_json::Value {
    match manager {
        Some(manager) => judged(own, &inspect::ask(&manager).await),
        None => judged(own, &serde_json::Value::Null),
    }
}

/// Whether a bus works, from what the hub knows of it and what its manager says.
fn judged(mut bus: serde_json::Value, told: &serde_json::Value) -> serde_json::Value {
    if let Some(bus) = bus.as_object_mut() {
        let text = |value: Option<&serde_json::Value>| value.and_then(serde_json::Value::as_str).map(str::to_owned);
        // A bus that asks the system again and again what is there runs on while the system has no answer.
        let error = text(bus.get("error")).or_else(|| text(told.get("last_error")));
        let (state, error) = match (error, text(told.get("state")).as_deref()) {
            (Some(error), _) => ("not working", Some(error)),
            (None, Some("running")) => ("working", None),
            // The hub learns in a moment why a manager has ended, and starts it again.
            (None, Some("starting" | "ended") | None) => ("starting", None),
            (None, Some(other)) => ("not working", Some(format!("its manager: {other}"))),
        };
        bus.insert("error".to_owned(), error.into());
        bus.insert("state".to_owned(), state.into());
    }
    bus
}

impl Handler<Observe> for Hub {
    type Result = ResponseFuture<serde_json::Value>;

    fn handle(&mut self, Observe: Observe, _: &mut Self::Context) -> Self::Result {
        let managers = self.managers.iter().map(|manager| {
            let own = serde_json::json!({
                "bus": manager.bus.name, "running": manager.running.is_some(), "error": manager.failed.as_ref().map(ToString::to_string),
                "restarts": manager.budget.count(),
            });
            bus(own, manager.running.as_ref().map(|running| running.describe.clone()))
        });
        // All are asked at once, so that one that is stuck does not hold up the others.
        let buses = futures_util::future::join_all(managers);
        let devices = self.devices.values().map(|device| {
            let mut observed = device.handle.observe();
            if let Some(object) = observed.as_object_mut() {
                object.insert("restarts".to_owned(), device.budget.count().into());
            }
            observed
        });
        let gone =
            self.gone.iter().map(|gone| serde_json::json!({ "index": gone.index, "name": gone.name, "why": gone.why }));
        let mut observed = serde_json::json!({
            "gone": gone.collect::<Vec<_>>(), "sessions": self.sessions.len(), "scanning": self.scans.active(), "scanned_for_by": self.scans.count(),
            "opening": self.opening.len(), "definitions": self.library.definitions().len(),
            "devices": devices.collect::<Vec<_>>(),
            "shutting_down": self.shutting_down,
            "held": self.held, "outputs_refused": self.known.withheld(), "state": self.known.observe(),
        });
        Box::pin(async move {
            let buses = buses.await;
            if let Some(observed) = observed.as_object_mut() {
                observed.insert("buses".to_owned(), buses.into());
            }
            observed
        })
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
                "restarts": manager.budget.count(), "last_error": manager.failed.as_ref().map(ToString::to_string),
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
                    Some(actor) => inspect::ask(&actor).await,
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_bus_works_if_neither_the_hub_nor_its_manager_knows_better() {
        let state = |error: Value, told: Value| {
            let bus = judged(json!({"bus": "x", "error": error}), &told);
            (bus["state"].as_str().unwrap().to_owned(), bus["error"].clone())
        };
        let is = |state: &str, error: Value| (state.to_owned(), error);
        assert_eq!(state(Value::Null, json!({"state": "running", "last_error": null})), is("working", Value::Null));
        assert_eq!(state(Value::Null, Value::Null), is("starting", Value::Null));
        assert_eq!(state(Value::Null, json!({"state": "starting"})), is("starting", Value::Null));
        assert_eq!(state("no adapter".into(), Value::Null), is("not working", "no adapter".into()));
        // A bus that runs on though it cannot list what is there.
        assert_eq!(state(Value::Null, json!({"state": "running", "last_error": "no"})), is("not working", "no".into()));
        let stuck = json!({"state": "does not answer within 200 ms"});
        assert_eq!(state(Value::Null, stuck).0, "not working");
    }
}
