//! The known devices and what is in force for them, for people and programs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::held::Held;
use super::known::KnownDevices;
use super::user::HeldLimits;
use crate::types::Bus;
use crate::user_devices::address::same_address;

/// One device that was met, or for whose address the user has set something.
#[derive(Debug, Clone, Serialize)]
pub struct Overview {
    /// Its index for clients; none before it was met.
    pub index: Option<u32>,
    /// The name of its model, as far as that is known.
    pub model: Option<String>,
    /// The user's own name for it.
    pub display_name: Option<String>,
    /// Its address.
    pub address: String,
    /// Where it was found.
    pub bus: Option<Bus>,
    /// Its protocol.
    pub protocol: Option<String>,
    /// Identifier of its model.
    pub identifier: Option<String>,
    /// Only devices with this are taken.
    pub allow: bool,
    /// It is never taken.
    pub deny: bool,
    /// Smallest time between two writes in milliseconds.
    pub message_gap_ms: Option<u32>,
    /// Limits by output, with the names of `devices.toml`.
    pub outputs: BTreeMap<String, OverviewLimits>,
}

/// Limits of one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OverviewLimits {
    /// Least and greatest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<(i32, i32)>,
    /// The whole range that `range` was set for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<(i32, i32)>,
    /// Programs do not see the output.
    pub disabled: bool,
    /// Positions count from the other end.
    pub reverse: bool,
    /// Shortest and longest duration in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<(u32, u32)>,
    /// Percent of the whole range a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<u32>,
    /// Percent of the whole range a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rise: Option<u32>,
}

impl From<HeldLimits> for OverviewLimits {
    fn from(limits: HeldLimits) -> Self {
        let HeldLimits { range, of, disabled, reverse, duration_ms, speed, rise, .. } = limits;
        Self { range, of, disabled, reverse, duration_ms, speed, rise }
    }
}

impl Overview {
    /// A device of which nothing is known but its address.
    #[must_use]
    pub fn of_address(address: &str) -> Self {
        Self {
            index: None,
            model: None,
            display_name: None,
            address: address.to_owned(),
            bus: None,
            protocol: None,
            identifier: None,
            allow: false,
            deny: false,
            message_gap_ms: None,
            outputs: BTreeMap::new(),
        }
    }
}

impl KnownDevices {
    /// Every device that was met, by index, and behind them the addresses for which something is set.
    #[must_use]
    pub fn overview(&self) -> Vec<Overview> {
        let of = |address: &str| -> Vec<&Held> {
            self.held().iter().filter(|held| same_address(&held.address, address)).collect()
        };
        let mut entries: Vec<_> = self.entries().iter().collect();
        entries.sort_by_key(|entry| entry.index);
        let met = entries.iter().map(|entry| {
            let key = entry.key.clone();
            let mut overview = Overview {
                index: Some(entry.index),
                model: Some(entry.name.clone()).filter(|name| !name.is_empty()),
                bus: Some(key.bus),
                protocol: Some(key.protocol),
                identifier: key.identifier,
                ..Overview::of_address(&key.address)
            };
            of(&entry.key.address).into_iter().for_each(|held| add(&mut overview, held));
            overview
        });
        let met: Vec<_> = met.collect();
        let unmet = self.held().iter().filter(|held| met.iter().all(|met| !same_address(&met.address, &held.address)));
        let mut all = met.clone();
        for held in unmet {
            match all.iter_mut().find(|other| same_address(&other.address, &held.address)) {
                Some(other) => add(other, held),
                None => {
                    let mut overview = Overview {
                        model: held.model.clone(),
                        bus: held.bus,
                        protocol: held.protocol.clone(),
                        identifier: held.identifier.clone(),
                        ..Overview::of_address(&held.address)
                    };
                    add(&mut overview, held);
                    all.push(overview);
                }
            }
        }
        all
    }
}

fn add(overview: &mut Overview, held: &Held) {
    let user = &held.user;
    overview.display_name = overview.display_name.take().or_else(|| user.display_name.clone());
    overview.message_gap_ms = overview.message_gap_ms.or(user.gap_ms);
    overview.allow |= user.allow;
    overview.deny |= user.deny;
    for (name, limits) in &user.outputs {
        overview.outputs.entry(name.clone()).or_insert_with(|| (*limits).into());
    }
}
