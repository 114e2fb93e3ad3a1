//! What is in force for an address: limits and the model that they were set for. The state file keeps a copy of it.

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::user::{HeldLimits, User};
use crate::device::{UserSettings, output_name};
use crate::library::{Library, Model, OutputSpec};
use crate::types::{Bus, OutputKind};
use crate::user_devices::{OutputName, Source};

/// What is in force for an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Held {
    pub address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bus: Option<Bus>,
    /// Protocol of the model that the limits were set for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Identifier of that model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// Its name, for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    pub user: User,
    /// No entry of `devices.toml` changes it: it was set for the same address before there was that file, and holds beside
    /// what the file says until the device is forgotten.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
}

impl Held {
    /// What an entry of a state file of version 1 says.
    pub fn of_entry(entry: &Entry) -> Self {
        let (key, mut user) = (entry.key.clone(), entry.user.clone());
        for limits in user.outputs.values_mut() {
            limits.whole = limits.range.is_none();
        }
        Self {
            address: key.address,
            bus: Some(key.bus),
            protocol: Some(key.protocol),
            identifier: key.identifier,
            model: Some(entry.name.clone()).filter(|name| !name.is_empty()),
            user,
            beside: false,
        }
    }

    /// Which entry of `devices.toml` it is from.
    pub fn source(&self) -> Source {
        let (protocol, identifier) = (self.protocol.clone(), self.identifier.clone());
        Source { address: self.address.clone(), bus: self.bus, protocol, identifier }
    }

    /// The model that the limits were set for, if it is still known.
    fn set_for<'l>(&self, library: &'l Library) -> Option<&'l Model> {
        let definition = library.protocol(self.protocol.as_deref()?)?;
        Some(definition.model(self.identifier.as_deref()))
    }

    /// Writes beside each range the one that it was set for, where that is known and not yet said: a definition may
    /// change. Returns whether anything was written.
    pub fn complete(&mut self, library: &Library) -> bool {
        let specs: Vec<_> = match self.set_for(library) {
            Some(model) => model.outputs().collect(),
            None => return false,
        };
        let mut changed = false;
        for (name, limits) in &mut self.user.outputs {
            let place = OutputName::parse(name);
            let spec = specs.iter().find(|(index, spec)| Some(OutputName(*index, spec.kind)) == place);
            if let (Some((_, spec)), true) = (spec, limits.range.is_some() && limits.of.is_none()) {
                limits.of = Some((spec.min, spec.max));
                changed = true;
            }
        }
        changed
    }

    /// What holds for a position without limits of its own: one axis has one travel, however it is sent there.
    fn of_axis(&self, feature: u32, kind: OutputKind) -> Option<HeldLimits> {
        let same = |name: &str| OutputName::parse(name).is_some_and(|name| name.0 == feature && name.1.is_position());
        let own = self.user.outputs.iter().filter(|(name, _)| kind.is_position() && same(name));
        let speed = own.clone().filter_map(|(_, limits)| limits.speed).min();
        let (_, HeldLimits { range, of, reverse, .. }) = own.min_by_key(|(_, limits)| limits.range.is_none())?;
        Some(HeldLimits { range: *range, of: *of, reverse: *reverse, speed, ..HeldLimits::default() })
    }

    /// What the user allows on the outputs of a model, whichever model the limits were set for. An output for which it
    /// cannot be told is refused: one that has a limit in unknown steps; any without a limit of its own, when there is
    /// a limit that fits no output; one that the model of the limits did not have, when there are limits at all.
    pub fn limits_on(&self, model: &Model, library: &Library) -> UserSettings {
        let set_for = self.set_for(library);
        let had = |place| set_for.is_some_and(|saved| saved.outputs().any(|(index, spec)| (index, spec.kind) == place));
        let mut settings = UserSettings::default();
        let parsed = |name: &str| OutputName::parse(name).map(|OutputName(feature, kind)| (feature, kind));
        let own = |place: (u32, OutputKind)| {
            let limits = self.user.outputs.iter().find(|(name, _)| parsed(name) == Some(place));
            limits.map(|(_, limits)| *limits)
        };
        let limits = |(feature, kind): (u32, OutputKind)| match (own((feature, kind)), self.of_axis(feature, kind)) {
            // What only says other things of an axis leaves its travel as it is.
            (Some(own), Some(axis)) if own.says_range() || axis.range.is_none() => {
                Some(HeldLimits { speed: own.speed.or(axis.speed), ..own })
            }
            (Some(own), Some(HeldLimits { range, of, speed, .. })) => {
                Some(HeldLimits { range, of, speed: own.speed.or(speed), ..own })
            }
            (own, of_axis) => own.or(of_axis),
        };
        let fits = |name: &&String| model.outputs().any(|(index, spec)| parsed(name) == Some((index, spec.kind)));
        let astray = self.user.outputs.keys().find(|name| !fits(name));
        for (index, spec) in model.outputs() {
            let place = (index, spec.kind);
            let mut refuse = |why: String| settings.refused.insert(place, why);
            let name = output_name(index, spec.kind);
            // A limit that says nothing of the range does not say that all of it is allowed.
            let says = |user: &HeldLimits| user.says_range() || (astray.is_none() && had(place));
            match limits(place).filter(says) {
                Some(user) if user.range.is_some() && user.of.is_none() => {
                    let protocol = self.protocol.as_deref().unwrap_or("an unknown protocol");
                    refuse(format!(
                        "its range in devices.toml was set for a model of {protocol} that is not known, so it cannot be \
                         scaled; write the whole range of that model as `of` beside `range` of {name:?}"
                    ));
                }
                Some(user) => {
                    let scaled = user.limits().scaled_to(spec);
                    if scaled.disabled && !user.disabled {
                        refuse(format!("nothing is left of the limits in devices.toml for {name:?} on this model"));
                    } else if let Some(why) = cannot_keep(user, spec) {
                        refuse(format!("{why} in devices.toml for {name:?}"));
                    }
                    settings.limits.insert(place, scaled);
                }
                None if let Some(astray) = astray => {
                    refuse(format!(
                        "the limit for {astray:?} in devices.toml fits no output of {}, and may be meant for this one; \
                         correct it, or write a limit for {name:?}",
                        model.name
                    ));
                }
                None if !self.user.outputs.is_empty() && !had(place) => {
                    let of = set_for.map(|model| model.name.as_str()).or(self.model.as_deref());
                    refuse(format!(
                        "the limits in devices.toml were set for {}, which has no such output; write a limit for {name:?}",
                        of.unwrap_or("another model"),
                    ));
                }
                None => {}
            }
        }
        settings
    }
}

/// Which limit of speed or rise cannot be kept on this output, and why, if so.
fn cannot_keep(limits: HeldLimits, spec: OutputSpec) -> Option<String> {
    let kind = spec.kind;
    if limits.rise.is_some() && kind.is_event() {
        return Some(format!("a {} has no rise, as `rise` says", kind.key()));
    }
    let speed = limits.speed?;
    if !kind.is_position() {
        return Some(format!(
            "a {} has no speed, as `speed` says; `rise` limits how fast it becomes stronger",
            kind.key()
        ));
    }
    // Where the axis stands may not be known, and then a move has to last as long as one over all of the range.
    let (_, can) = spec.duration_ms?;
    let longest = limits.duration_ms.map_or(can, |(_, longest)| longest.min(can));
    let least = 100_000_u32.div_ceil(longest.max(1));
    (speed < least).then(|| format!("a move lasts {longest} ms at most, so `speed` cannot be below {least}, as it is"))
}
