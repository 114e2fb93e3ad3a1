//! From the text of `devices.toml` to what it says. Whatever may be a limit and is not understood is named, with its line.

use std::fmt;

use toml_edit::{Document, Item, Table, TableLike};

use super::settings::{DeviceSettings, LONGEST_TEXT, MOST_GAP_MS, MOST_PERCENT, OutputName, OutputSettings};
use super::values::{flag, limit, number, pair, text};
use crate::text::bytes_without_bom;
use crate::types::Bus;

/// The only version of the file that this program reads and writes.
pub(super) const VERSION: i64 = 1;

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserDevices {
    /// Entries that are understood.
    pub devices: Vec<DeviceSettings>,
    /// Entries that are not; they stay in the file.
    pub problems: Vec<EntryProblem>,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryProblem {
    /// The line on which it is, counted from 1.
    pub line: usize,
    /// Of which address, as far as that can be read. Without one the entry may be about any device.
    pub address: Option<String>,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for EntryProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

/// What is wrong, and at which byte of the text.
struct Wrong(Option<usize>, String);

/// Reads the text of a file.
///
/// # Errors
/// What is wrong with the file as a whole, with the line. It may hold any limit then.
pub fn understand(bytes: &[u8]) -> Result<UserDevices, String> {
    let bytes = bytes_without_bom(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        format!("line {}: a byte there is no UTF-8", 1 + before.iter().filter(|byte| **byte == b'\n').count())
    })?;
    if text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\0').is_empty() {
        return Err("it is empty; it must at least say `version = 1`".to_owned());
    }
    let at = |offset: Option<usize>| line_of(text, offset.unwrap_or(0));
    let document = Document::parse(text).map_err(|error| {
        let what = error.message().lines().collect::<Vec<_>>().join(", ");
        format!("line {}: {what}", at(error.span().map(|span| span.start)))
    })?;
    let root = document.as_table();
    // The version first: a later one may have another form altogether.
    match root.get("version") {
        Some(version) if version.as_integer() == Some(VERSION) => {}
        Some(version) => {
            let line = at(start(version));
            return Err(format!(
                "line {line}: version is {}; this program knows version {VERSION}",
                version.to_string().trim()
            ));
        }
        None => return Err(format!("it does not say `version = {VERSION}`")),
    }
    for (key, item) in root {
        // A misspelt table may hold limits; a note in the user's own words does no harm.
        let known = ["version", "device"].contains(&key);
        if !known && (item.is_table_like() || item.is_array_of_tables() || item.is_array()) {
            let line = at(key_start(root, key).or_else(|| start(item)));
            let later = if key == "group" { "; groups are for a later version" } else { "" };
            return Err(format!("line {line}: {key:?} is no part of this file{later}; devices are called [[device]]"));
        }
    }
    let mut file = UserDevices::default();
    match root.get("device") {
        None => {}
        Some(Item::ArrayOfTables(devices)) => {
            for table in devices {
                add(&mut file, table, at(table.span().map(|span| span.start)), &at);
            }
        }
        Some(other) => {
            let line = at(key_start(root, "device").or_else(|| start(other)));
            return Err(format!("line {line}: devices are written as [[device]], with two brackets on each side"));
        }
    }
    Ok(file)
}

/// Reads one entry.
fn add(file: &mut UserDevices, table: &Table, line: usize, at: &impl Fn(Option<usize>) -> usize) {
    let address = table.get("address").and_then(|item| text(item, LONGEST_TEXT).ok());
    let mut problem =
        |line: usize, why: String| file.problems.push(EntryProblem { line, address: address.clone(), why });
    match device(table) {
        Err(Wrong(offset, why)) => problem(offset.map_or(line, |offset| at(Some(offset))), why),
        Ok(entry) => match file.devices.iter().find(|other| other.source.is(&entry.source)) {
            Some(first) => {
                let why = format!("the device {:?} has an entry already, on line {}", entry.source.address, first.line);
                problem(line, why);
            }
            None => file.devices.push(DeviceSettings { line, ..entry }),
        },
    }
}

fn device(table: &Table) -> Result<DeviceSettings, Wrong> {
    let mut entry = DeviceSettings::default();
    for (key, item) in table {
        let place = key_start(table, key).or_else(|| start(item));
        let wrong = |why: String| Wrong(place, format!("`{key}` {why}"));
        match key {
            "address" => entry.source.address = text(item, LONGEST_TEXT).map_err(wrong)?,
            "bus" => {
                let bus = Bus::ALL.into_iter().find(|bus| Some(bus.name()) == item.as_str());
                let allowed = || Bus::ALL.map(Bus::name).join(", ");
                let bus =
                    bus.ok_or_else(|| wrong(format!("is {}; allowed: {}", item.to_string().trim(), allowed())))?;
                entry.source.bus = Some(bus);
            }
            "protocol" => entry.source.protocol = Some(text(item, LONGEST_TEXT).map_err(wrong)?),
            "identifier" => entry.source.identifier = Some(text(item, LONGEST_TEXT).map_err(wrong)?),
            "model" => entry.model = Some(text(item, LONGEST_TEXT).map_err(wrong)?),
            "display_name" => entry.display_name = Some(text(item, LONGEST_TEXT).map_err(wrong)?),
            "index" => entry.index = Some(number(item, 0, i64::from(u32::MAX) - 1).map_err(wrong)?),
            "message_gap_ms" => entry.message_gap_ms = Some(number(item, 0, MOST_GAP_MS.into()).map_err(wrong)?),
            "allow" => entry.allow = Some(flag(item).map_err(wrong)?),
            "deny" => entry.deny = Some(flag(item).map_err(wrong)?),
            "forget" => entry.forget = flag(item).map_err(wrong)?,
            "output" => outputs(item, &mut entry)?,
            _ => {
                let known = "address, bus, protocol, identifier, model, display_name, index, message_gap_ms, allow, deny, forget, output";
                return Err(Wrong(place, format!("`{key}` is no key of a device; allowed: {known}")));
            }
        }
    }
    if entry.source.address.is_empty() {
        return Err(Wrong(None, "the entry names no `address`".to_owned()));
    }
    Ok(entry)
}

fn outputs(item: &Item, entry: &mut DeviceSettings) -> Result<(), Wrong> {
    let form = || "outputs are written as output.\"0.vibrate\" = { range = [0, 10] }".to_owned();
    let table = item.as_table_like().ok_or_else(|| Wrong(start(item), form()))?;
    for (name, item) in table.iter() {
        let place = like_start(table, name).or_else(|| start(item));
        let output = OutputName::parse(name).ok_or_else(|| {
            Wrong(place, format!("{name:?} is no output; they are called like \"0.vibrate\", in quotes"))
        })?;
        let limits = item.as_table_like().ok_or_else(|| Wrong(place, form()))?;
        entry.outputs.insert(output, output_settings(name, limits, place)?);
    }
    Ok(())
}

fn output_settings(name: &str, limits: &dyn TableLike, place: Option<usize>) -> Result<OutputSettings, Wrong> {
    let mut settings = OutputSettings::default();
    for (key, item) in limits.iter() {
        let place = like_start(limits, key).or_else(|| start(item)).or(place);
        let wrong = |why: String| Wrong(place, format!("`{key}` of {name:?} {why}"));
        let most = i64::from(i32::MAX);
        let percent = |item: &Item| number(item, 1, MOST_PERCENT.into());
        match key {
            "range" => settings.range = Some(limit(item, |item| pair(item, 0, most)).map_err(wrong)?),
            "of" => {
                let of: (i32, i32) = pair(item, -most, most).map_err(wrong)?;
                if of.1 < 1 {
                    return Err(wrong("must end at 1 or more".to_owned()));
                }
                settings.of = Some(of);
            }
            "disabled" => settings.disabled = Some(flag(item).map_err(wrong)?),
            "reverse" => settings.reverse = Some(flag(item).map_err(wrong)?),
            "duration_ms" => {
                settings.duration_ms = Some(limit(item, |item| pair(item, 0, i64::from(u32::MAX))).map_err(wrong)?);
            }
            "speed" => settings.speed = Some(limit(item, percent).map_err(wrong)?),
            "rise" => settings.rise = Some(limit(item, percent).map_err(wrong)?),
            _ => {
                let known = "range, of, disabled, reverse, duration_ms, speed, rise";
                return Err(Wrong(place, format!("`{key}` of {name:?} is no limit; allowed: {known}")));
            }
        }
    }
    Ok(settings)
}

fn start(item: &Item) -> Option<usize> {
    item.span().map(|span| span.start)
}

fn key_start(table: &Table, key: &str) -> Option<usize> {
    table.key(key).and_then(toml_edit::Key::span).map(|span| span.start)
}

fn like_start(table: &dyn TableLike, key: &str) -> Option<usize> {
    table.key(key).and_then(toml_edit::Key::span).map(|span| span.start)
}

/// The line of a byte of a text, counted from 1.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
