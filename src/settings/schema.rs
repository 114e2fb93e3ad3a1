//! Which keys exist and of which type, read from the embedded defaults so that there is one list.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::{DeTable, DeValue};

use super::problem::SettingsError;
use super::sources::variable;
use super::value::{Kind, Plain};
use crate::words;

/// What a dotted name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Key(Kind),
    Section,
    Unknown,
}

/// Words that other programs use for what has another name here.
const SYNONYMS: &[(&str, &str)] =
    &[("port", "listen"), ("host", "listen"), ("address", "listen"), ("bind", "listen"), ("directory", "dir")];

/// The keys and sections that exist.
#[derive(Debug)]
pub(super) struct Schema {
    keys: BTreeMap<String, Kind>,
    sections: BTreeSet<String>,
}

impl Schema {
    pub(super) fn of(defaults: &str) -> Result<Self, SettingsError> {
        let table = DeTable::parse(defaults).map_err(|error| SettingsError::builtin(error.to_string()))?;
        let mut schema = Self { keys: BTreeMap::new(), sections: BTreeSet::new() };
        schema.add(table.get_ref(), "")?;
        Ok(schema)
    }

    fn add(&mut self, table: &DeTable<'_>, prefix: &str) -> Result<(), SettingsError> {
        for (name, value) in table {
            let key = join(prefix, name.get_ref());
            if let DeValue::Table(inner) = value.get_ref() {
                self.add(inner, &key)?;
                self.sections.insert(key);
            } else {
                let plain = Plain::from_toml(value.get_ref());
                let plain = plain.ok_or_else(|| SettingsError::builtin(format!("`{key}` has no usable type")))?;
                self.keys.insert(key, plain.kind());
            }
        }
        Ok(())
    }

    pub(super) fn node(&self, name: &str) -> Node {
        match self.keys.get(name) {
            Some(kind) => Node::Key(*kind),
            None if self.sections.contains(name) => Node::Section,
            None => Node::Unknown,
        }
    }

    #[cfg(test)]
    pub(super) fn keys(&self) -> impl Iterator<Item = (&str, Kind)> {
        self.keys.iter().map(|(key, kind)| (key.as_str(), *kind))
    }

    /// Helps someone who wrote `name`, which does not exist.
    pub(super) fn hint(&self, name: &str) -> String {
        match self.nearest(name) {
            Some(near) => format!("did you mean `{near}`?"),
            None => self.contents(name),
        }
    }

    /// Helps someone who meant `name`, which does not exist, with an environment variable.
    pub(super) fn hint_for_variable(&self, name: &str) -> String {
        match self.nearest(name) {
            Some(near) => format!("did you mean {}?", variable(near)),
            None => self.contents(name),
        }
    }

    /// What somebody may have meant with an environment variable that is none of ours, such as `HAPTICD_SERVER_LISTEN`:
    /// the key with the same words, or one that is near to it.
    pub(super) fn meant_by_variable(&self, words_of_name: &str) -> Option<&str> {
        let flat = |key: &str| key.replace('.', "_");
        let near = self.keys.keys().map(|key| (words::slips(words_of_name, &flat(key)), key.as_str())).min();
        if let Some((slips, key)) = near
            && slips <= words::slips_allowed(last_part(key))
        {
            return Some(key);
        }
        // A section and a word that is none of its keys, such as SERVER_PORT.
        let (section, rest) = words_of_name.split_once('_')?;
        let near = self.sections.contains(section).then(|| self.nearest(&format!("{section}.{rest}")))?;
        near.filter(|near| self.keys.contains_key(*near))
    }

    /// Says what exists in the section `name`, or failing that, in the innermost one around it.
    pub(super) fn contents(&self, name: &str) -> String {
        let mut section = name;
        while !self.sections.contains(section) {
            let Some((outer, _)) = section.rsplit_once('.') else {
                return format!("the sections are: {}", self.children(""));
            };
            section = outer;
        }
        format!("the keys of [{section}] are: {}", self.children(section))
    }

    fn children(&self, section: &str) -> String {
        let all = self.keys.keys().chain(&self.sections);
        let inside = all.filter_map(|name| match section {
            "" => Some(name.as_str()),
            _ => name.strip_prefix(section)?.strip_prefix('.'),
        });
        let names: BTreeSet<&str> = inside.filter_map(|rest| rest.split('.').next()).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    }

    fn nearest(&self, name: &str) -> Option<&str> {
        // Comparing costs the product of the lengths, and no key comes near this one.
        if name.len() > 100 {
            return None;
        }
        // Quotes around a key that needs none are a slip too.
        let name = &name.replace('"', "");
        let last = last_part(name);
        let limit = words::slips_allowed(last);
        let all = || self.keys.keys().chain(&self.sections).map(String::as_str);
        let meant = SYNONYMS.iter().find(|(word, _)| *word == last).map_or(last, |(_, meant)| *meant);
        // A word alone is most likely one of the server.
        let section = if name == last { "server." } else { name.strip_suffix(last).unwrap_or_default() };
        let mut known = all().filter(|known| known.strip_suffix(meant) == Some(section));
        if let Some(known) = known.next() {
            return Some(known);
        }
        let near = all().map(|known| (words::slips(name, known), known)).min();
        let near = near.filter(|(distance, _)| *distance <= limit).map(|(_, known)| known);
        // The right name in the wrong section is a frequent slip, and far away by distance; a name
        // that is in many sections says nothing.
        let only = |same: &dyn Fn(&str) -> bool| {
            let mut same = all().filter(|known| same(known));
            same.next().filter(|_| same.next().is_none())
        };
        near.or_else(|| only(&|known| last_part(known) == last))
            .or_else(|| only(&|known| known.strip_suffix(name.as_str()).is_some_and(|outer| outer.ends_with('.'))))
    }
}

/// The dotted name of `name` inside `prefix`. A name that is no bare TOML key is put in quotes, so
/// that a dot inside it cannot pass for a separator, nor a control character reach a terminal.
pub(super) fn join(prefix: &str, name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let name = if bare { name.to_owned() } else { format!("{name:?}") };
    if prefix.is_empty() { name } else { format!("{prefix}.{name}") }
}

fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::super::MANUAL;
    use super::*;

    #[test]
    fn knows_keys_sections_and_neither() {
        let schema = Schema::of(MANUAL).unwrap();
        assert_eq!(schema.node("server.listen"), Node::Key(Kind::List));
        assert_eq!(schema.node("server.name"), Node::Key(Kind::Text));
        assert_eq!(schema.node("server.threads"), Node::Key(Kind::Integer));
        assert_eq!(schema.node("buses.virtual.enabled"), Node::Key(Kind::Flag));
        assert_eq!(schema.node("buses"), Node::Section);
        assert_eq!(schema.node("buses.virtual"), Node::Section);
        assert_eq!(schema.node("listen"), Node::Unknown);
        assert_eq!(schema.node(""), Node::Unknown);
    }

    #[test]
    fn hints_at_what_is_near() {
        let schema = Schema::of(MANUAL).unwrap();
        let near = [
            ("server.listn", "server.listen"),
            ("servr.listen", "server.listen"),
            ("servr", "server"),
            ("server.max_frame_bytes", "sessions.max_frame_bytes"),
            ("dead_man_ms", "sessions.dead_man_ms"),
            ("sessions.websocket_pong_deadline", "sessions.websocket_pong_deadline_ms"),
            ("server.lsiten", "server.listen"),
            ("server.port", "server.listen"),
            ("server.host", "server.listen"),
            ("buses.websocket.port", "buses.websocket.listen"),
            ("state.directory", "state.dir"),
            ("port", "server.listen"),
            ("listen", "server.listen"),
            ("btle.enabled", "buses.btle.enabled"),
        ];
        for (written, meant) in near {
            assert_eq!(schema.hint(written), format!("did you mean `{meant}`?"), "{written}");
        }
    }

    #[test]
    fn hints_at_what_exists_otherwise() {
        let schema = Schema::of(MANUAL).unwrap();
        assert_eq!(
            schema.hint("server.colour"),
            "the keys of [server] are: listen, max_ping_time_ms, name, shutdown_deadline_ms, threads"
        );
        assert_eq!(
            schema.hint("buses.bluetooth.power"),
            "the keys of [buses] are: btle, gamepad, hid, lovense_dongle, serial, virtual, websocket"
        );
        let sections = "the sections are: buses, devices, links, log, mdns, server, sessions, state";
        assert_eq!(schema.hint("colour"), sections);
        assert_eq!(schema.hint("x.enabled"), sections);
        assert_eq!(schema.hint(&"x".repeat(10_000)), sections);
    }

    #[test]
    fn names_that_are_not_bare_are_quoted() {
        assert_eq!(join("", "server"), "server");
        assert_eq!(join("server", "listen"), "server.listen");
        assert_eq!(join("", "server.listen"), "\"server.listen\"");
        assert_eq!(join("a", "\u{1b}"), "a.\"\\u{1b}\"");
        assert_eq!(join("a", ""), "a.\"\"");
    }

    #[test]
    fn defaults_of_no_usable_type_are_a_bug() {
        let error = Schema::of("a = 1.5").unwrap_err();
        assert_eq!(error.to_string(), "built-in defaults: `a` has no usable type (this is a bug in hapticd)");
    }
}
