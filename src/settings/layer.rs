//! What one layer says: each value with where it came from, and what is wrong with the others.

use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::problem::SettingsProblem;
use super::rule;
use super::schema::{Node, Schema, join};
use super::sources::{FileSource, PREFIX, is_ours};
use super::value::{Kind, Plain, describe, quoted};

/// The origin of the embedded defaults.
pub const BUILTIN: &str = "built-in default";

/// Far above any real settings file; it keeps `--config /dev/zero` from filling the memory.
const LARGEST_FILE: u64 = 1 << 20;

/// One value that may be used.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: Plain,
    pub(super) origin: String,
}

/// What one layer says.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    /// In the order they were written; later ones win.
    pub(super) entries: Vec<Entry>,
    pub(super) problems: Vec<SettingsProblem>,
    /// Whether something was there whose values could not be read at all.
    pub(super) unreadable: bool,
}

/// The origin of a value from an environment variable.
pub(super) fn variable_origin(name: &str) -> String {
    format!("environment variable {}", name.escape_debug())
}

impl Layer {
    /// Reads the embedded defaults.
    pub(super) fn builtin(schema: &Schema, defaults: &str) -> Self {
        let mut layer = Self::default();
        match DeTable::parse(defaults) {
            Ok(table) => layer.table(schema, table.get_ref(), "", &|_| BUILTIN.to_owned()),
            Err(error) => layer.problems.push(SettingsProblem::Builtin { reason: error.to_string() }),
        }
        layer
    }

    /// Reads a file. One that does not exist says nothing, unless it is required.
    pub(super) fn file(schema: &Schema, source: &FileSource) -> Self {
        let mut layer = Self::default();
        let path = &source.path;
        match text_of(path, source.required) {
            Ok(Some(text)) => layer.document(schema, path, &text),
            Ok(None) => {}
            Err(reason) => layer.unusable(SettingsProblem::Unreadable { path: path.clone(), reason }),
        }
        layer
    }

    fn document(&mut self, schema: &Schema, path: &Path, text: &str) {
        match DeTable::parse(text) {
            Ok(table) => self.table(schema, table.get_ref(), "", &|position| {
                format!("{} line {}", path.display(), line_of(text.as_bytes(), position))
            }),
            Err(error) => {
                let line = line_of(text.as_bytes(), error.span().map_or(0, |span| span.start));
                let reason = error.message().lines().collect::<Vec<_>>().join("; ");
                self.unusable(SettingsProblem::NotToml { path: path.to_owned(), line, reason });
            }
        }
    }

    /// Reads the environment; what is not ours is passed over.
    pub(super) fn environment(schema: &Schema, variables: &[(OsString, OsString)]) -> Self {
        let mut layer = Self::default();
        let mut ours: Vec<_> = variables.iter().filter(|(name, _)| is_ours(name)).collect();
        // The environment has no order of its own, and messages should have one.
        ours.sort();
        for (name, value) in ours {
            let not_utf8 =
                |part| SettingsProblem::NotUtf8 { variable: name.to_string_lossy().escape_debug().to_string(), part };
            match (name.to_str(), value.to_str()) {
                (None, _) => layer.problems.push(not_utf8("name")),
                (_, None) => layer.unusable(not_utf8("value")),
                (Some(name), Some(value)) => {
                    let parts = name.strip_prefix(PREFIX).unwrap_or_default();
                    let key = parts.split("__").fold(String::new(), |key, part| join(&key, &part.to_lowercase()));
                    let origin = variable_origin(name);
                    if schema.node(&key) == Node::Unknown {
                        let hint = schema.hint_for_variable(&key);
                        layer.problems.push(SettingsProblem::UnknownKey { key, origin, hint });
                    } else {
                        layer.text(schema, key, value, origin);
                    }
                }
            }
        }
        layer
    }

    /// Reads the `--set key=value` arguments.
    pub(super) fn set(schema: &Schema, arguments: &[String]) -> Self {
        let mut layer = Self::default();
        for argument in arguments {
            match argument.split_once('=').map(|(key, value)| (key.trim(), value)) {
                Some((key, value)) if !key.is_empty() => {
                    let key = key.split('.').fold(String::new(), |key, part| join(&key, part));
                    let origin = format!("--set {key}");
                    layer.text(schema, key, value, origin);
                }
                _ => layer.problems.push(SettingsProblem::MalformedSet { text: quoted(argument) }),
            }
        }
        layer
    }

    fn unusable(&mut self, problem: SettingsProblem) {
        self.problems.push(problem);
        self.unreadable = true;
    }

    /// Reads a table of a file; `place` makes an origin of a position in the file.
    fn table(&mut self, schema: &Schema, table: &DeTable<'_>, prefix: &str, place: &dyn Fn(usize) -> String) {
        // The parser sorts by name; people read from the top.
        let mut items: Vec<_> = table.iter().collect();
        items.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in items {
            let key = join(prefix, name.get_ref());
            let origin = place(name.span().start);
            let value = value.get_ref();
            match (schema.node(&key), value) {
                (Node::Section, DeValue::Table(inner)) => self.table(schema, inner, &key, place),
                (Node::Key(kind), _) => {
                    let plain = Plain::from_toml(value).and_then(|plain| plain.into_kind(kind));
                    let same_type = kind == Kind::Integer && matches!(value, DeValue::Integer(_));
                    self.value(key, plain, describe(value), same_type, origin);
                }
                (Node::Section, _) => {
                    let hint = schema.contents(&key);
                    self.problems.push(SettingsProblem::NotAKey { key, origin, value: describe(value), hint });
                }
                (Node::Unknown, _) => self.unknown(schema, key, origin),
            }
        }
    }

    /// Reads a value from a place that has only text.
    fn text(&mut self, schema: &Schema, key: String, text: &str, origin: String) {
        match schema.node(&key) {
            Node::Key(kind) => self.value(key, Plain::from_text(kind, text), quoted(text), false, origin),
            Node::Section => {
                let hint = schema.contents(&key);
                self.problems.push(SettingsProblem::NotAKey { key, origin, value: quoted(text), hint });
            }
            Node::Unknown => self.unknown(schema, key, origin),
        }
    }

    /// Takes a value up, or says why not. `plain` is `None` if it could not be read as the type of
    /// its key; `same_type` says that it was of that type all the same, only too large to hold.
    fn value(&mut self, key: String, plain: Option<Plain>, written: String, same_type: bool, origin: String) {
        let Some(rule) = rule::rule(&key) else {
            self.problems.push(SettingsProblem::Builtin { reason: format!("`{key}` has no rule") });
            return;
        };
        let allowed = || rule.allowed();
        match plain {
            Some(value) if rule.allows(&value) => self.entries.push(Entry { key, value, origin }),
            None if !same_type => {
                self.problems.push(SettingsProblem::WrongType { key, origin, value: written, allowed: allowed() });
            }
            _ => self.problems.push(SettingsProblem::NotAllowed { key, origin, value: written, allowed: allowed() }),
        }
    }

    fn unknown(&mut self, schema: &Schema, key: String, origin: String) {
        let hint = schema.hint(&key);
        self.problems.push(SettingsProblem::UnknownKey { key, origin, hint });
    }
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
