//! One entry of `devices.json`: a device, and what the user set for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::device::{UserLimits, UserSettings, output_name};
use crate::library::{Library, Model};
use crate::types::{Bus, OutputKind};

/// What a device was when it was found (facts: devices.md section 1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Where it was found.
    pub bus: Bus,
    /// Its address there.
    pub address: String,
    /// Its protocol.
    pub protocol: String,
    /// Identifier of its model, as the hardware gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    #[serde(flatten)]
    pub key: Key,
    pub index: u32,
    /// For people who read the file.
    #[serde(default)]
    pub name: String,
    #[serde(default, skip_serializing_if = "User::is_empty")]
    pub user: User,
    /// It is known only as long as the server runs, unless the user sets something for it.
    #[serde(skip)]
    pub for_now: bool,
    /// What a later version wrote beside it.
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}

/// What the user set for a device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_ms: Option<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deny: bool,
    /// Keys are feature and output, such as `0.vibrate`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, UserLimits>,
}

impl User {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Entry {
    /// Why the entry cannot be used, if so.
    pub fn fault(&self) -> Option<String> {
        // A note in the user's own words does no harm, but a misspelt `user` would.
        if let Some((key, _)) = self.more.iter().find(|(_, value)| value.is_object() || value.is_array()) {
            return Some(format!("{key:?} is no part of an entry; what the user sets is called \"user\""));
        }
        self.user.outputs.iter().find_map(|(name, limits)| match output(name) {
            None => Some(format!("{name:?} is no output; they are called like \"0.vibrate\"")),
            Some(_) => limits.fault().map(|fault| format!("{name}: {fault}")),
        })
    }

    /// The model that the entry was saved for, if it is still known.
    pub fn saved_for<'l>(&self, library: &'l Library) -> Option<&'l Model> {
        library.protocol(&self.key.protocol).map(|definition| definition.model(self.key.identifier.as_deref()))
    }

    /// Writes beside each range the one that it was set for, where that is known and not yet said: a definition may
    /// change. Returns whether anything was written.
    pub fn complete(&mut self, library: &Library) -> bool {
        let Some(model) = self.saved_for(library) else { return false };
        let mut changed = false;
        for (name, limits) in &mut self.user.outputs {
            let spec =
                output(name).and_then(|place| model.outputs().find(|(index, spec)| (*index, spec.kind) == place));
            if let (Some((_, spec)), true) = (spec, limits.range.is_some() && limits.of.is_none()) {
                limits.of = Some((spec.min, spec.max));
                changed = true;
            }
        }
        changed
    }

    /// What holds for a position without limits of its own: one axis has one travel, however it is sent there.
    fn of_axis(&self, feature: u32, kind: OutputKind) -> Option<UserLimits> {
        let same = |name: &str| output(name).is_some_and(|(of, kind)| of == feature && kind.is_position());
        let (_, UserLimits { range, of, reverse, .. }) =
            self.user.outputs.iter().find(|(name, _)| kind.is_position() && same(name))?;
        Some(UserLimits { range: *range, of: *of, reverse: *reverse, ..UserLimits::default() })
    }

    /// What the user allows on the outputs of a model, whichever model the entry was saved for. An output for which it
    /// cannot be told is refused: one that has a limit in unknown steps; any without a limit of its own, when there is
    /// a limit that fits no output; one that the model of the entry did not have, when the entry has limits at all.
    pub fn limits_on(&self, model: &Model, library: &Library) -> UserSettings {
        let saved_for = self.saved_for(library);
        let had =
            |place| saved_for.is_some_and(|saved| saved.outputs().any(|(index, spec)| (index, spec.kind) == place));
        let mut settings = UserSettings::default();
        let own = |place: (u32, OutputKind)| {
            let limits = self.user.outputs.iter().find(|(name, _)| output(name) == Some(place));
            limits.map(|(_, limits)| *limits)
        };
        let limits = |(feature, kind): (u32, OutputKind)| own((feature, kind)).or_else(|| self.of_axis(feature, kind));
        let fits = |name: &&String| model.outputs().any(|(index, spec)| output(name) == Some((index, spec.kind)));
        let astray = self.user.outputs.keys().find(|name| !fits(name));
        for (index, spec) in model.outputs() {
            let place = (index, spec.kind);
            let mut refuse = |why: String| settings.refused.insert(place, why);
            let name = output_name(index, spec.kind);
            match limits(place) {
                Some(user) if user.range.is_some() && user.of.is_none() => {
                    let protocol = &self.key.protocol;
                    refuse(format!(
                        "its range in devices.json was set for a model of {protocol} that is not known, so it cannot be \
                         scaled; write the whole range of that model as \"of\" beside \"range\" of {name:?}"
                    ));
                }
                Some(user) => {
                    let scaled = user.scaled_to(spec);
                    if scaled.disabled && !user.disabled {
                        refuse(format!("nothing is left of the limits in devices.json for {name:?} on this model"));
                    }
                    settings.limits.insert(place, scaled);
                }
                None if let Some(astray) = astray => {
                    refuse(format!(
                        "the limit for {astray:?} in devices.json fits no output of {}, and may be meant for this one; \
                         correct it, or write a limit for {name:?}",
                        model.name
                    ));
                }
                None if !self.user.outputs.is_empty() && !had(place) => {
                    refuse(format!(
                        "the limits in devices.json were set for {}, which has no such output; write a limit for {name:?}",
                        saved_for.map_or(self.name.as_str(), |saved| &saved.name),
                    ));
                }
                None => {}
            }
        }
        settings
    }
}

/// Feature and output of a name such as `0.vibrate`.
fn output(name: &str) -> Option<(u32, OutputKind)> {
    let (feature, kind) = name.split_once('.')?;
    let (feature, kind) = (feature.parse().ok()?, OutputKind::from_key(kind)?);
    // `00.vibrate` would be a second limit for the same output.
    (output_name(feature, kind) == name).then_some((feature, kind))
}
