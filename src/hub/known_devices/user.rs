//! What a user set for a device, as the state file keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::device::UserLimits;
use crate::user_devices::OutputName;

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
    pub outputs: BTreeMap<String, HeldLimits>,
}

/// Limits of one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeldLimits {
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub range: Option<(i32, i32)>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub of: Option<(i32, i32)>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reverse: bool,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<(u32, u32)>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub speed: Option<u32>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub rise: Option<u32>,
    /// That there is no range is what somebody wrote, and no absence.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
}

/// A limit that is written down must say something: `null` is no limit, and may have been one.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl HeldLimits {
    /// Whether somebody has said what part of the range is allowed, if any.
    pub fn says_range(&self) -> bool {
        self.range.is_some() || self.whole || self.disabled
    }

    /// As the device takes them.
    pub fn limits(self) -> UserLimits {
        let Self { range, of, disabled, reverse, duration_ms, speed, rise, .. } = self;
        UserLimits { range, of, disabled, reverse, duration_ms, speed, rise }
    }
}

impl User {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Why it cannot be used, if so.
    pub fn fault(&self) -> Option<String> {
        self.outputs.iter().find_map(|(name, limits)| match OutputName::parse(name) {
            None => Some(format!("{name:?} is no output; they are called like \"0.vibrate\"")),
            Some(_) => limits.limits().fault().map(|fault| format!("{name}: {fault}")),
        })
    }
}
