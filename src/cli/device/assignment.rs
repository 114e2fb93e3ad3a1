//! What `hapticd device set` understands.

use std::fmt::Display;

use crate::cli::exit_error::ExitError;
use crate::hub::known_devices::Overview;
use crate::library::{Library, Model};
use crate::user_devices::{DeviceSettings, LONGEST_TEXT, Limit, MOST_GAP_MS, MOST_PERCENT, OutputName, OutputSettings};

/// For `--help`.
pub(super) const HELP: &str = "\
What can be set (docs/devices-file.md says more):
  display_name=TEXT           what programs show; empty = the model's name
  index=NUMBER                the index for programs, from the next start
  message_gap_ms=NUMBER       least time between two writes; empty = the model's
  0.vibrate=FROM..TO          the part of the range that is used (also 0.vibrate.range)
  0.vibrate=unlimited         the whole range
  0.vibrate=off, =on          whether programs see the output
  0.position.reverse=true     positions count from the other end
  0.hw_position.duration_ms=FROM..TO   shortest and longest time of a move
  0.position.speed=PERCENT    greatest speed of moves, percent of the range a second
  0.vibrate.rise=PERCENT      greatest rise of levels, percent of the range a second
`unlimited` ends duration_ms, speed and rise as well. `hapticd device show DEVICE` lists the outputs.";

/// What is to be changed.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub settings: DeviceSettings,
    /// Keys of the entry to take out.
    pub removed: Vec<&'static str>,
}

/// Reads what is to be set for a device.
pub(super) fn read(device: &Overview, library: &Library, assignments: &[String]) -> Result<Change, ExitError> {
    let model = device.protocol.as_deref().and_then(|protocol| library.protocol(protocol));
    let model = model.map(|definition| definition.model(device.identifier.as_deref()));
    let mut change = Change::default();
    for assignment in assignments {
        one(&mut change, model, assignment).map_err(|why| ExitError::Usage(format!("{assignment:?}: {why}")))?;
    }
    Ok(change)
}

fn one(change: &mut Change, model: Option<&Model>, assignment: &str) -> Result<(), String> {
    let (key, value) = assignment.split_once('=').ok_or("there is no `=` in it; allowed: KEY=VALUE")?;
    let (key, value) = (key.trim(), value.trim());
    let settings = &mut change.settings;
    match key {
        "display_name" if value.is_empty() => change.removed.push("display_name"),
        "display_name" if value.len() > LONGEST_TEXT => {
            return Err(format!("the name has more than {LONGEST_TEXT} bytes"));
        }
        "display_name" => settings.display_name = Some(value.to_owned()),
        "index" => settings.index = Some(number(value, 0, u32::MAX - 1)?),
        "message_gap_ms" if value.is_empty() => change.removed.push("message_gap_ms"),
        "message_gap_ms" => settings.message_gap_ms = Some(number(value, 0, MOST_GAP_MS)?),
        _ => return output(settings, model, key, value),
    }
    Ok(())
}

fn output(settings: &mut DeviceSettings, model: Option<&Model>, key: &str, value: &str) -> Result<(), String> {
    // `0.vibrate` and `0.vibrate.speed`
    let mut parts = key.splitn(3, '.');
    let name = [parts.next(), parts.next()].map(Option::unwrap_or_default).join(".");
    let Some(output) = OutputName::parse(&name) else {
        return Err(format!(
            "{key:?} cannot be set; allowed: display_name, index, message_gap_ms, or an output such as 0.vibrate"
        ));
    };
    let spec = match model {
        None => None,
        Some(model) => {
            let own = model.outputs().find(|(feature, spec)| OutputName(*feature, spec.kind) == output);
            let all = || {
                model.outputs().map(|(feature, spec)| OutputName(feature, spec.kind).to_string()).collect::<Vec<_>>()
            };
            Some(own.ok_or_else(|| format!("{} has no such output; it has {}", model.name, all().join(", ")))?.1)
        }
    };
    let limits: &mut OutputSettings = settings.outputs.entry(output).or_default();
    match (parts.next(), value) {
        (None, "off") => limits.disabled = Some(true),
        (None, "on") => limits.disabled = Some(false),
        (None | Some("range"), _) => {
            let most = spec.map_or(i32::MAX, |spec| spec.max);
            limits.range = Some(limit(value, |value| pair(value, 0, most))?);
            let whole = spec.map(|spec| (spec.min, spec.max));
            limits.of = whole.filter(|_| limits.range != Some(Limit::Unlimited));
        }
        (Some("disabled"), _) => limits.disabled = Some(flag(value)?),
        (Some("reverse"), _) => limits.reverse = Some(flag(value)?),
        (Some("duration_ms"), _) => limits.duration_ms = Some(limit(value, |value| pair(value, 0, u32::MAX))?),
        (Some("speed"), _) => limits.speed = Some(limit(value, |value| number(value, 1, MOST_PERCENT))?),
        (Some("rise"), _) => limits.rise = Some(limit(value, |value| number(value, 1, MOST_PERCENT))?),
        (Some(other), _) => {
            return Err(format!("{other:?} is no limit; allowed: range, disabled, reverse, duration_ms, speed, rise"));
        }
    }
    Ok(())
}

fn number<T: std::str::FromStr + PartialOrd + Display + Copy>(value: &str, least: T, most: T) -> Result<T, String> {
    let number = value.parse().ok().filter(|number| (&least..=&most).contains(&number));
    number.ok_or_else(|| format!("{value:?} is not allowed; allowed: a whole number, {least} to {most}"))
}

fn pair<T: std::str::FromStr + PartialOrd + Display + Copy>(value: &str, least: T, most: T) -> Result<(T, T), String> {
    let parts = value.split_once("..").and_then(|(from, to)| from.trim().parse().ok().zip(to.trim().parse().ok()));
    let parts = parts.filter(|(from, to)| least <= *from && from <= to && *to <= most);
    parts.ok_or_else(|| format!("{value:?} is not allowed; allowed: FROM..TO, neither below {least} nor above {most}"))
}

fn limit<T>(value: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Limit<T>, String> {
    if value == "unlimited" {
        return Ok(Limit::Unlimited);
    }
    read(value).map(Limit::At).map_err(|why| format!("{why}, or unlimited"))
}

fn flag(value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| format!("{value:?} is not allowed; allowed: true, false"))
}
