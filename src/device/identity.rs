//! What a device is, from when it is identified until it is given up, and what the user set for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::limits::UserLimits;
use crate::library::{Definition, Model};
use crate::types::{Bus, OutputKind};

/// What the user set for a device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserSettings {
    /// The user's own name for it.
    pub display_name: Option<String>,
    /// Smallest time between two writes, instead of the definition's or the bus's.
    pub gap_ms: Option<u32>,
    /// Limits by feature index and output, in the steps of this device's model.
    pub limits: BTreeMap<(u32, OutputKind), UserLimits>,
    /// Outputs that nobody may use, because it cannot be told what the user allows on them, and why.
    pub refused: BTreeMap<(u32, OutputKind), String>,
}

/// What a device is, from when it is identified until it is given up.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Index for clients.
    pub index: u32,
    /// Where it was found.
    pub bus: Bus,
    /// What tells it from others on this bus.
    pub address: String,
    /// Identifier of its model, as the hardware gave it.
    pub identifier: Option<String>,
    /// Its protocol.
    pub definition: Arc<Definition>,
    /// Its model.
    pub model: Arc<Model>,
}

impl Identity {
    /// Whether it is this model of this definition, as it was read then.
    #[must_use]
    pub fn is_model(&self, definition: &Definition, model: &Model) -> bool {
        self.definition.is_same(definition) && *self.model == *model
    }
}

/// The name of an output in files and messages, such as `0.vibrate`.
#[must_use]
pub fn output_name(feature: u32, kind: OutputKind) -> String {
    format!("{feature}.{}", kind.key())
}
