//! What the user says in `devices.toml` changes while the server runs: it holds at once.

use actix::prelude::*;

use super::actor::Hub;
use super::known_devices::{Key, Read};
use crate::events::Event;

/// Event: `devices.toml` was read again.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct NewSettings(pub Read);

impl Handler<NewSettings> for Hub {
    type Result = ();

    fn handle(&mut self, NewSettings(read): NewSettings, ctx: &mut Self::Context) {
        let before = self.known.problems();
        let held = self.hold_reason();
        let devices = &self.devices;
        let applied = self.known.apply(read, |index| devices.contains_key(&index));
        let problems = self.known.problems();
        for why in problems.iter().filter(|problem| !before.contains(problem)) {
            self.shared.metrics.emit(&Event::SettingsProblem { why });
        }
        if problems.is_empty() && !before.is_empty() {
            self.shared.metrics.emit(&Event::SettingsInOrder);
        }
        self.shared.state_problems.store(std::sync::Arc::new(problems));
        let hold = self.hold_reason();
        if hold != held {
            for device in self.devices.values() {
                device.handle.wanted().hold(hold.clone());
            }
        }
        self.follow_settings(ctx);
        if applied.changed {
            self.save(ctx);
        }
    }
}

impl Hub {
    /// Brings every device in line with what the user set.
    fn follow_settings(&mut self, ctx: &mut Context<Self>) {
        let mut changed = false;
        let mut unwanted = Vec::new();
        for (index, device) in &self.devices {
            let identity = device.handle.identity();
            if let Some(why) = self.known.refuses(&identity.address) {
                unwanted.push((*index, why));
            }
            let key = Key {
                bus: identity.bus,
                address: identity.address.clone(),
                protocol: identity.definition.protocol.clone(),
                identifier: identity.identifier.clone(),
            };
            let refused = device.handle.refusals();
            let user = self.known.settings_for(&key, &identity.model, &self.library);
            if !device.handle.set_user(&user) {
                continue;
            }
            changed = true;
            let name = &identity.model.name;
            self.shared.metrics.emit(&Event::DeviceChanged { index: *index, name });
            for why in device.handle.refusals().iter().filter(|why| !refused.contains(why)) {
                self.shared.metrics.emit(&Event::OutputRefused { index: *index, why });
            }
        }
        for (index, why) in unwanted {
            self.let_go(index, why, ctx);
        }
        if changed && !self.shutting_down {
            self.publish();
        }
    }
}
