//! From what `devices.toml` says and what was in force before to what is in force now: absence never loosens.

use std::collections::BTreeMap;

use super::held::Held;
use super::user::{HeldLimits, User};
use crate::user_devices::address::same_address;
use crate::user_devices::{DeviceSettings, Limit, OutputSettings};

/// What is in force now.
#[derive(Debug, Default, PartialEq)]
pub(super) struct InForce {
    pub held: Vec<Held>,
    /// What the file does not say any more and holds all the same, for people.
    pub vanished: Vec<String>,
}

/// Applies what the file says. Entries of the addresses in `unclear` are not understood: what held before holds there.
pub(super) fn apply(file: &[DeviceSettings], unclear: &[String], before: &[Held]) -> InForce {
    let is_unclear = |address: &str| unclear.iter().any(|other| same_address(other, address));
    let forgotten =
        |address: &str| file.iter().any(|entry| entry.forget && same_address(&entry.source.address, address));
    let mut left: Vec<&Held> =
        before.iter().filter(|held| !forgotten(&held.address) || is_unclear(&held.address)).collect();
    let mut now = InForce::default();
    for entry in file.iter().filter(|entry| !is_unclear(&entry.source.address)) {
        let before = position(entry, file, &left).map(|position| left.remove(position));
        now.merge(Some(entry), before);
    }
    for held in left {
        if held.beside || is_unclear(&held.address) {
            now.held.push(held.clone());
        } else {
            now.merge(None, Some(held));
        }
    }
    now.held.retain(|held| !held.user.is_empty());
    now
}

/// Which of these an entry changes: what is from the same entry, or where there is but one of each for the address, that.
fn position(entry: &DeviceSettings, file: &[DeviceSettings], left: &[&Held]) -> Option<usize> {
    let address = &entry.source.address;
    let own = |held: &&Held| !held.beside && same_address(&held.address, address);
    if let Some(position) = left.iter().position(|held| own(held) && held.source().is(&entry.source)) {
        return Some(position);
    }
    let alone = file.iter().filter(|other| same_address(&other.source.address, address)).count() == 1;
    let mut same = left.iter().enumerate().filter(|(_, held)| own(held));
    let (position, _) = same.next().filter(|_| alone)?;
    same.next().is_none().then_some(position)
}

impl InForce {
    fn merge(&mut self, entry: Option<&DeviceSettings>, before: Option<&Held>) {
        let Some(address) = entry.map(|entry| &entry.source.address).or(before.map(|held| &held.address)) else {
            return;
        };
        let of = before.and_then(|held| held.model.as_ref()).or(entry.and_then(|entry| entry.model.as_ref()));
        let whose = of.map_or_else(|| address.clone(), |model| format!("{address} ({model})"));
        let was = before.map(|held| &held.user);
        let mut vanished = |what: &str| self.vanished.push(format!("{what} for {whose}"));
        let flag = |new: Option<bool>, was: bool, name: &str, vanished: &mut dyn FnMut(&str)| {
            if new.is_none() && was {
                vanished(&format!("`{name} = true`"));
            }
            new.unwrap_or(was)
        };
        let mut user = User {
            display_name: entry.and_then(|entry| entry.display_name.clone()),
            gap_ms: entry.and_then(|entry| entry.message_gap_ms),
            allow: flag(entry.and_then(|entry| entry.allow), was.is_some_and(|was| was.allow), "allow", &mut vanished),
            deny: flag(entry.and_then(|entry| entry.deny), was.is_some_and(|was| was.deny), "deny", &mut vanished),
            outputs: BTreeMap::new(),
        };
        let mut outputs: BTreeMap<String, (Option<OutputSettings>, HeldLimits)> = BTreeMap::new();
        for (name, limits) in was.into_iter().flat_map(|was| &was.outputs) {
            outputs.insert(name.clone(), (None, *limits));
        }
        for (name, settings) in entry.into_iter().flat_map(|entry| &entry.outputs) {
            outputs.entry(name.to_string()).or_default().0 = Some(*settings);
        }
        for (name, (settings, was)) in outputs {
            // An entry that says nothing of an output is one thing, an output whose every limit is ended another.
            let limits = output(settings.unwrap_or_default(), was, &mut |what| vanished(&format!("{name} {what}")));
            if settings.is_some() || limits != HeldLimits::default() {
                user.outputs.insert(name, limits);
            }
        }
        // An entry says which model its limits are for; else they are for the model that they were for.
        let model = entry.filter(|entry| entry.source.protocol.is_some());
        let (protocol, identifier) = match (model, before) {
            (Some(entry), _) => (entry.source.protocol.clone(), entry.source.identifier.clone()),
            (None, Some(held)) => (held.protocol.clone(), held.identifier.clone()),
            (None, None) => (None, entry.and_then(|entry| entry.source.identifier.clone())),
        };
        let bus = entry.and_then(|entry| entry.source.bus).or(before.and_then(|held| held.bus));
        let (address, model) = (address.trim().to_owned(), of.cloned());
        self.held.push(Held { address, bus, protocol, identifier, model, user, beside: false });
    }
}

/// What holds on one output: what is written, and where nothing is, what held before.
fn output(new: OutputSettings, was: HeldLimits, vanished: &mut dyn FnMut(&str)) -> HeldLimits {
    let mut keep = |kept: bool, what: String| {
        if kept {
            vanished(&what);
        }
    };
    let (range, of) = match new.range {
        Some(Limit::Unlimited) => (None, None),
        // What an unchanged range was set for is known from before.
        Some(Limit::At(range)) => (Some(range), new.of.or(was.of.filter(|_| was.range == Some(range)))),
        None => {
            keep(
                was.range.is_some(),
                format!("`range = {:?}`", was.range.map(|(low, high)| [low, high]).unwrap_or_default()),
            );
            (was.range, was.of.filter(|_| was.range.is_some()))
        }
    };
    let disabled = new.disabled.unwrap_or(was.disabled);
    keep(new.disabled.is_none() && was.disabled, "`disabled = true`".to_owned());
    let duration_ms = match new.duration_ms {
        Some(limit) => limit.value(),
        None => {
            let was = was.duration_ms;
            keep(was.is_some(), format!("`duration_ms = {:?}`", was.map(|(from, to)| [from, to]).unwrap_or_default()));
            was
        }
    };
    let mut percent = |new: Option<Limit<u32>>, was: Option<u32>, name: &str| match new {
        Some(limit) => limit.value(),
        None => {
            keep(was.is_some(), format!("`{name} = {}`", was.unwrap_or_default()));
            was
        }
    };
    let (speed, rise) = (percent(new.speed, was.speed, "speed"), percent(new.rise, was.rise, "rise"));
    // Which end positions count from is no limit. Where the whole entry is gone, the limits stay as they were.
    let reverse = if new == OutputSettings::default() { was.reverse } else { new.reverse.unwrap_or(false) };
    let whole = new.range == Some(Limit::Unlimited);
    HeldLimits { range, of, disabled, reverse, duration_ms, speed, rise, whole }
}
