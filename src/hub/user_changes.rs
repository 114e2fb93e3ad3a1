//! What the user says in `devices.toml` changes while the server runs: it holds at once.

use actix::prelude::*;

use super::actor::Hub;
use super::known_devices::{Key, Read};
use crate::events::Event;

/// Devices that are brought in line at a time, so that the hub is never busy for long; `benches/reload.rs` measures it.
pub const DEVICES_A_TURN: usize = 50;

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
        let (left, changed): (Vec<_>, _) = (self.devices.keys().copied().collect(), false);
        if left.len() > DEVICES_A_TURN {
            ctx.notify(FollowSettings { left, changed });
        } else {
            self.follow_settings(left, changed, ctx);
        }
        if applied.changed {
            self.save(ctx);
        }
    }
}

/// Event to itself: these devices are still to be brought in line; others have `changed`.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct FollowSettings {
    left: Vec<u32>,
    changed: bool,
}

impl Handler<FollowSettings> for Hub {
    type Result = ();

    fn handle(&mut self, FollowSettings { left, changed }: FollowSettings, ctx: &mut Self::Context) {
        self.follow_settings(left, changed, ctx);
    }
}

impl Hub {
    /// Brings these devices in line with what the user set, and then says so if one of them or of those before has `changed`.
    fn follow_settings(&mut self, mut indexes: Vec<u32>, mut changed: bool, ctx: &mut Context<Self>) {
        let left = indexes.split_off(indexes.len().min(DEVICES_A_TURN));
        let mut unwanted = Vec::new();
        for index in &indexes {
            let Some(device) = self.devices.get(index) else { continue };
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
        if !left.is_empty() {
            ctx.notify(FollowSettings { left, changed });
        } else if changed && !self.shutting_down {
            self.publish();
        }
    }
}
