//! What models are read against.

use std::collections::BTreeMap;

use crate::library::{definition::InputRule, matcher::Matcher, model::Feature, template::PacketTemplate};
use crate::types::{InputKind, OutputKind};

/// Lists of features with a name.
pub(super) type FeatureSets = BTreeMap<String, Vec<Feature>>;

/// What models are read against.
pub(super) struct Rules<'a> {
    pub(super) coded: bool,
    pub(super) inputs: &'a BTreeMap<InputKind, InputRule>,
    pub(super) write: &'a BTreeMap<OutputKind, Vec<PacketTemplate>>,
    /// The lists of `[features]`.
    pub(super) sets: &'a FeatureSets,
    /// The features of the default, which models without features have.
    pub(super) features: &'a [Feature],
    /// The parameters of the default.
    pub(super) set: &'a BTreeMap<String, f64>,
    /// Some hardware has the standard endpoint for the battery.
    pub(super) has_battery: bool,
    /// The names that hardware advertises, if they are the identifiers.
    pub(super) advertised: &'a [String],
}

/// The names by which hardware is recognised: identifiers, where nothing else is.
pub(super) fn advertised_names(matchers: &[Matcher]) -> Vec<String> {
    let names = matchers.iter().flat_map(|matcher| match matcher {
        Matcher::Btle { names, .. } | Matcher::Websocket(names) => names.clone(),
        Matcher::Serial(serial) => vec![serial.port.clone()],
        Matcher::Hid(_) | Matcher::Usb(_) | Matcher::Gamepad => Vec::new(),
    });
    names.collect()
}
