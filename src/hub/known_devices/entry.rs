//! A device that was met: one entry of `devices.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::user::User;
use crate::types::Bus;

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

/// A device that was met, and its index.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// What it was when it was found last.
    #[serde(flatten)]
    pub key: Key,
    /// Its index for clients.
    pub index: u32,
    /// Name of its model, for people who read the file.
    #[serde(default)]
    pub name: String,
    /// What the user set, in files of version 1; since version 2 `devices.toml` says that.
    #[serde(default, skip_serializing_if = "User::is_empty")]
    pub(super) user: User,
    /// It is known only as long as the server runs, unless the user sets something for it.
    #[serde(skip)]
    pub(super) for_now: bool,
    /// What a later version wrote beside it.
    #[serde(flatten)]
    pub(super) more: BTreeMap<String, Value>,
}

impl Entry {
    /// Why the entry of a file of this version cannot be used, if so.
    pub(super) fn fault(&self, version: u64) -> Option<String> {
        if version > 1 && !self.user.is_empty() {
            return Some("\"user\" is no part of it; what you set for a device stands in devices.toml".to_owned());
        }
        // A note in the user's own words does no harm, but a misspelt `user` would.
        if let Some((key, _)) = self.more.iter().find(|(_, value)| value.is_object() || value.is_array()) {
            return Some(format!("{key:?} is no part of an entry; what the user sets is called \"user\""));
        }
        self.user.fault()
    }
}
