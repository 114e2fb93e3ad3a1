//! Once, when the state file is still of version 1: what the user set moves from it to `devices.toml`.
//!
//! The TOML file is written and synced first, then the state file in its new version, so that a kill between any two steps
//! loses nothing: as long as the state file is of version 1, the next start does it all again, and finds in the TOML file
//! what it would write there.

use std::path::Path;

use super::file::{self, Known};
use super::held::Held;
use super::user::HeldLimits;
use crate::user_devices::address::same_address;
use crate::user_devices::{DeviceSettings, Editor, Limit, OutputName, OutputSettings, lock_and_edit};

/// Moves what the entries say to `devices.toml`, and to the copy of what is in force.
///
/// # Errors
/// The file cannot be written, or is not understood; nothing has changed then.
pub(super) fn migrate(known: &mut Known, devices_file: &Path) -> Result<(), String> {
    let held = set_before(known);
    let mut beside = Vec::new();
    if !held.is_empty() {
        beside = lock_and_edit(devices_file, |editor| {
            let mut beside = Vec::new();
            for held in &held {
                beside.extend(add(editor, held)?);
            }
            Ok(beside)
        })?;
    }
    known.in_force = held;
    known.in_force.extend(beside);
    for entry in &mut known.entries {
        entry.user = Default::default();
    }
    known.version = file::VERSION;
    Ok(())
}

/// What the entries of a file of version 1 say.
pub(super) fn set_before(known: &Known) -> Vec<Held> {
    known.entries.iter().filter(|entry| !entry.user.is_empty()).map(Held::of_entry).collect()
}

/// Writes what held into the entry of `devices.toml`; where that says something already, the stricter. Returns what cannot
/// be compared with what is there, and has to hold beside it.
fn add(editor: &mut Editor, held: &Held) -> Result<Option<Held>, String> {
    let file = editor.devices()?;
    if file.problems.iter().any(|problem| problem.address.as_deref().is_none_or(|of| same_address(of, &held.address))) {
        return Err(format!("its entry for {} is not understood; correct it, and start again", held.address));
    }
    let of_address = || file.devices.iter().filter(|entry| same_address(&entry.source.address, &held.address));
    // The entry that the editor will write to.
    let own = of_address().find(|entry| entry.source.is(&held.source()));
    let there = own.or_else(|| of_address().next().filter(|_| of_address().count() == 1)).cloned().unwrap_or_default();
    let model = (&held.protocol, &held.identifier);
    let same_model = there.source.protocol.is_none() || (&there.source.protocol, &there.source.identifier) == model;
    let mut beside = Held { beside: true, ..held.clone() };
    beside.user = Default::default();
    let mut settings = DeviceSettings { source: held.source(), model: held.model.clone(), ..DeviceSettings::default() };
    settings.display_name = held.user.display_name.clone().filter(|_| there.display_name.is_none());
    settings.message_gap_ms = held.user.gap_ms.filter(|_| there.message_gap_ms.is_none());
    settings.allow = held.user.allow.then_some(true);
    settings.deny = held.user.deny.then_some(true);
    for (name, limits) in &held.user.outputs {
        let Some(output) = OutputName::parse(name) else { continue };
        // In an entry for another model, a range without its whole would count in other steps.
        let fits = same_model || limits.range.is_none() || limits.of.is_some();
        let there = there.outputs.get(&output);
        let both = there.map_or_else(|| Some(written(*limits)), |there| stricter(*there, *limits));
        match both.filter(|_| fits) {
            Some(limits) => drop(settings.outputs.insert(output, limits)),
            None => drop(beside.user.outputs.insert(name.clone(), *limits)),
        }
    }
    editor.put(&settings);
    Ok(Some(beside).filter(|beside| !beside.user.is_empty()))
}

/// Limits as the file says them.
pub(super) fn written(limits: HeldLimits) -> OutputSettings {
    let HeldLimits { range, of, disabled, reverse, duration_ms, speed, rise, whole } = limits;
    let whole = whole.then_some(Limit::Unlimited);
    OutputSettings {
        range: range.map(Limit::At).or(whole),
        of: of.filter(|_| range.is_some()),
        disabled: disabled.then_some(true),
        reverse: reverse.then_some(true),
        duration_ms: duration_ms.map(Limit::At),
        speed: speed.map(Limit::At),
        rise: rise.map(Limit::At),
    }
}

/// The stricter of what the file says and what held, where they can be compared and both can be kept.
pub(super) fn stricter(there: OutputSettings, held: HeldLimits) -> Option<OutputSettings> {
    fn pair<T: Ord + Copy>(there: Option<Limit<(T, T)>>, held: Option<(T, T)>) -> Option<Option<Limit<(T, T)>>> {
        Some(match (there, held) {
            (Some(Limit::At(there)), Some(held)) => {
                let both = (there.0.max(held.0), there.1.min(held.1));
                // Nothing is left that the file could say.
                return (both.0 <= both.1).then_some(Some(Limit::At(both)));
            }
            (_, Some(held)) => Some(Limit::At(held)),
            (there, None) => there,
        })
    }
    fn percent(there: Option<Limit<u32>>, held: Option<u32>) -> Option<Limit<u32>> {
        match (there.and_then(Limit::value), held) {
            (Some(there), Some(held)) => Some(Limit::At(there.min(held))),
            (_, Some(held)) => Some(Limit::At(held)),
            (_, None) => there,
        }
    }
    let both = matches!(there.range, Some(Limit::At(_))) && held.range.is_some();
    if both && there.of != held.of {
        return None;
    }
    let of = if held.range.is_some() { held.of } else { there.of };
    Some(OutputSettings {
        range: pair(there.range, held.range)?.or(held.whole.then_some(Limit::Unlimited)),
        of,
        disabled: if held.disabled { Some(true) } else { there.disabled },
        reverse: there.reverse.or(held.reverse.then_some(true)),
        duration_ms: pair(there.duration_ms, held.duration_ms)?,
        speed: percent(there.speed, held.speed),
        rise: percent(there.rise, held.rise),
    })
}
