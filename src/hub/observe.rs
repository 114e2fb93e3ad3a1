//! What the hub and everything under it is doing, for people and tools.

use actix::prelude::*;

use super::actor::Hub;

/// Request: what is the hub and everything under it doing?
#[derive(Debug, Message)]
#[rtype(result = "serde_json::Value")]
pub(super) struct Observe;

impl Handler<Observe> for Hub {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, Observe: Observe, _: &mut Self::Context) -> Self::Result {
        let managers = self.managers.iter().map(|manager| {
            serde_json::json!({
                "bus": manager.bus.name, "running": manager.scan.is_some(), "error": manager.failed,
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
        MessageResult(serde_json::json!({
            "sessions": self.sessions.len(), "scanning": self.scans.active(), "scanned_for_by": self.scans.count(),
            "opening": self.opening.len(), "definitions": self.library.definitions().len(),
            "buses": managers.collect::<Vec<_>>(), "devices": devices.collect::<Vec<_>>(),
            "shutting_down": self.shutting_down,
        }))
    }
}
