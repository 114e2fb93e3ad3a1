//! What one layer says: each value with where it came from, and what is wrong with the others.

use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use config::{Value, ValueKind};
use toml::de::{DeTable, DeValue};

use super::problem::SettingsProblem;
use super::rule::Rule;
use super::schema;
use super::setting::join;
use super::sources::{FileSource, PREFIX, is_ours, variable};
use super::value::{describe, from_text, from_toml, quoted};

/// The origin of the embedded defaults.
pub const BUILTIN: &str = "built-in default";

/// Far above any real settings file; it keeps `--config /dev/zero` from filling the memory.
const LARGEST_FILE: u64 = 1 << 20;

/// What one layer says.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    /// Keys and values in the order they were written, each value with its origin; later ones win.
    pub(super) values: Vec<(String, Value)>,
    pub(super) problems: Vec<SettingsProblem>,
    /// Whether something was there whose values could not be read at all.
    pub(super) unreadable: bool,
}

/// The origin of a value from an environment variable.
pub(super) fn variable_origin(name: &str) -> String {
    format!("environment variable {}", name.escape_debug())
}

impl Layer {
    /// Reads the embedded defaults, in which nothing may be wrong.
    pub(super) fn builtin(defaults: &str) -> Self {
        let mut layer = Self::default();
        let bug = |reason: String| SettingsProblem::Builtin { reason };
        match DeTable::parse(defaults) {
            Ok(table) => layer.table(table.get_ref(), "", &|_| BUILTIN.to_owned()),
            Err(error) => layer.problems.push(bug(error.to_string())),
        }
        layer.problems = layer.problems.iter().map(|problem| bug(problem.to_string())).collect();
        layer
    }

    /// Reads a file. One that does not exist says nothing, unless it is required.
    pub(super) fn file(source: &FileSource) -> Self {
        let mut layer = Self::default();
        let path = &source.path;
        let text = match text_of(path, source.required) {
            Ok(text) => text.unwrap_or_default(),
            Err(reason) => return layer.unusable(SettingsProblem::Unreadable { path: path.clone(), reason }),
        };
        let line = |position| line_of(text.as_bytes(), position);
        match DeTable::parse(&text) {
            Ok(table) => {
                layer.table(table.get_ref(), "", &|position| format!("{} line {}", path.display(), line(position)));
                layer
            }
            Err(error) => {
                let line = line(error.span().map_or(0, |span| span.start));
                let reason = error.message().lines().collect::<Vec<_>>().join("; ");
                layer.unusable(SettingsProblem::NotToml { path: path.clone(), line, reason })
            }
        }
    }

    /// Reads the environment; what is not ours is passed over.
    pub(super) fn environment(variables: &[(OsString, OsString)]) -> Self {
        let mut layer = Self::default();
        let mut ours: Vec<_> = variables.iter().filter(|(name, _)| is_ours(name)).collect();
        // The environment has no order of its own, and messages should have one.
        ours.sort();
        for (name, value) in ours {
            let not_utf8 =
                |part| SettingsProblem::NotUtf8 { variable: name.to_string_lossy().escape_debug().to_string(), part };
            match (name.to_str(), value.to_str()) {
                (None, _) => layer.problems.push(not_utf8("name")),
                (_, None) => layer = layer.unusable(not_utf8("value")),
                (Some(name), Some(value)) => {
                    let parts = name.strip_prefix(PREFIX).unwrap_or_default();
                    let key = parts.split("__").fold(String::new(), |key, part| join(&key, &part.to_lowercase()));
                    let origin = variable_origin(name);
                    layer.take(key, origin, quoted(value), variable, |rule| from_text(rule, value));
                }
            }
        }
        layer
    }

    /// Reads the `--set key=value` arguments.
    pub(super) fn set(arguments: &[String]) -> Self {
        let mut layer = Self::default();
        for argument in arguments {
            match argument.split_once('=').map(|(key, value)| (key.trim(), value)) {
                Some((key, value)) if !key.is_empty() => {
                    let key = key.split('.').fold(String::new(), |key, part| join(&key, part));
                    let origin = format!("--set {key}");
                    layer.take(key, origin, quoted(value), spell, |rule| from_text(rule, value));
                }
                _ => layer.problems.push(SettingsProblem::MalformedSet { text: quoted(argument) }),
            }
        }
        layer
    }

    fn unusable(mut self, problem: SettingsProblem) -> Self {
        self.problems.push(problem);
        self.unreadable = true;
        self
    }

    /// Reads a table of a file; `origin_of` makes an origin of a position in the file.
    fn table(&mut self, table: &DeTable<'_>, prefix: &str, origin_of: &dyn Fn(usize) -> String) {
        // The parser sorts by name; people read from the top.
        let mut items: Vec<_> = table.iter().collect();
        items.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in items {
            let key = join(prefix, name.get_ref());
            match (schema::rule(&key), value.get_ref()) {
                (Some(Rule::Section), DeValue::Table(inner)) => self.table(inner, &key, origin_of),
                (_, value) => {
                    let origin = origin_of(name.span().start);
                    self.take(key, origin, describe(value), spell, |rule| from_toml(rule, value));
                }
            }
        }
    }

    /// Takes a value up, or says why not. `spell` spells a key as this layer writes it.
    fn take(
        &mut self,
        key: String,
        origin: String,
        value: String,
        spell: fn(&str) -> String,
        read: impl FnOnce(Rule) -> Option<ValueKind>,
    ) {
        self.problems.push(match schema::rule(&key).map(|rule| (rule, read(rule))) {
            None => SettingsProblem::UnknownKey { hint: schema::hint(&key, spell), key, origin },
            Some((Rule::Section, _)) => SettingsProblem::NotAKey { hint: schema::contents(&key), key, origin, value },
            Some((rule, Some(read))) if rule.allows(&read) => {
                return self.values.push((key, Value::new(Some(&origin), read)));
            }
            Some((rule, None)) => SettingsProblem::WrongType { allowed: rule.allowed(&key), key, origin, value },
            Some((rule, _)) => SettingsProblem::NotAllowed { allowed: rule.allowed(&key), key, origin, value },
        });
    }
}

/// A key in a sentence.
fn spell(key: &str) -> String {
    format!("`{key}`")
}

/// Reads a file as text; `None` if it does not exist and need not.
fn text_of(path: &Path, required: bool) -> Result<Option<String>, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes));
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound && !required => Ok(None),
        Err(error) => Err(error.to_string()),
        Ok(count) if u64::try_from(count).is_ok_and(|count| count > LARGEST_FILE) => {
            Err(format!("it is larger than {LARGEST_FILE} bytes"))
        }
        Ok(_) => String::from_utf8(bytes).map(Some).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            format!("line {} is not valid UTF-8", line_of(error.as_bytes(), good))
        }),
    }
}

/// The line a position is in, counted from 1.
fn line_of(text: &[u8], position: usize) -> usize {
    text.iter().take(position).filter(|byte| **byte == b'\n').count() + 1
}
