//! Which keys and sections exist, and what somebody may have meant who wrote another.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::rule::Rule;
use super::setting::Setting;
use super::sources::variable;
use super::table::Settings;
use crate::words;

/// Every key and section behind the section that it is in, in the order of the manual.
static KEYS: LazyLock<Vec<(String, Rule)>> = LazyLock::new(|| Settings::keys("", Rule::Section).split_off(1));

/// Words that other programs use for what has another name here.
const SYNONYMS: &[(&str, &str)] =
    &[("port", "listen"), ("host", "listen"), ("address", "listen"), ("bind", "listen"), ("directory", "dir")];

/// Every key, without the sections, and its rule, in the order of the manual.
pub(super) fn keys() -> impl Iterator<Item = (&'static str, Rule)> {
    KEYS.iter().filter(|(_, rule)| *rule != Rule::Section).map(|(key, rule)| (key.as_str(), *rule))
}

/// The rule of a key or section; `None` if there is none of this name.
pub(super) fn rule(name: &str) -> Option<Rule> {
    KEYS.iter().find(|(known, _)| known == name).map(|(_, rule)| *rule)
}

/// Helps someone who wrote `name`, which does not exist, for something that is spelt by `spell`.
pub(super) fn hint(name: &str, spell: impl Fn(&str) -> String) -> String {
    nearest(name).map_or_else(|| contents(name), |near| format!("did you mean {}?", spell(near)))
}

/// The environment variable that somebody may have meant with one that is none of ours, such as `HAPTICD_SERVER_LISTEN`:
/// that of the key with the same words, or of one that is near to it.
pub(super) fn meant_by_variable(words_of_name: &str) -> Option<String> {
    let near = keys().map(|(key, _)| (words::slips(words_of_name, &key.replace('.', "_")), key)).min();
    if let Some((slips, key)) = near
        && slips <= words::slips_allowed(last_part(key))
    {
        return Some(variable(key));
    }
    // A section and a word that is none of its keys, such as SERVER_PORT.
    let (section, rest) = words_of_name.split_once('_')?;
    let near = is_section(section).then(|| nearest(&format!("{section}.{rest}")))?;
    near.filter(|near| !is_section(near)).map(variable)
}

/// Says what exists in the section `name`, or failing that, in the innermost one around it.
pub(super) fn contents(name: &str) -> String {
    let mut section = name;
    while !is_section(section) {
        let Some((outer, _)) = section.rsplit_once('.') else {
            return format!("the sections are: {}", children(""));
        };
        section = outer;
    }
    format!("the keys of [{section}] are: {}", children(&format!("{section}.")))
}

fn children(prefix: &str) -> String {
    let names = KEYS.iter().filter_map(|(name, _)| name.strip_prefix(prefix)?.split('.').next());
    names.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}

fn is_section(name: &str) -> bool {
    rule(name) == Some(Rule::Section)
}

fn nearest(name: &str) -> Option<&'static str> {
    // Comparing costs the product of the lengths, and no key comes near this one.
    if name.len() > 100 {
        return None;
    }
    // Quotes around a key that needs none are a slip too.
    let name = &name.replace('"', "");
    let last = last_part(name);
    let all = || KEYS.iter().map(|(known, _)| known.as_str());
    let meant = SYNONYMS.iter().find(|(word, _)| *word == last).map_or(last, |(_, meant)| *meant);
    // A word alone is most likely one of the server.
    let section = if name == last { "server." } else { name.strip_suffix(last).unwrap_or_default() };
    if let Some(known) = all().find(|known| known.strip_suffix(meant) == Some(section)) {
        return Some(known);
    }
    let near = all().map(|known| (words::slips(name, known), known)).min();
    let near = near.filter(|(slips, _)| *slips <= words::slips_allowed(last)).map(|(_, known)| known);
    // The right name in the wrong section is a frequent slip, and far away by distance; a name that is in many sections
    // says nothing.
    let only = |same: &dyn Fn(&str) -> bool| {
        let mut same = all().filter(|known| same(known));
        same.next().filter(|_| same.next().is_none())
    };
    near.or_else(|| only(&|known| last_part(known) == last))
        .or_else(|| only(&|known| known.strip_suffix(name.as_str()).is_some_and(|outer| outer.ends_with('.'))))
}

fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(name: &str) -> String {
        super::hint(name, |near| format!("`{near}`"))
    }

    #[test]
    fn knows_keys_sections_and_neither() {
        assert_eq!(rule("server.listen"), Some(Rule::Listen));
        assert_eq!(rule("server.name"), Some(Rule::Text(0, 200)));
        assert_eq!(rule("server.threads"), Some(Rule::ZeroOr("one per core", 1, 64)));
        assert_eq!(rule("buses.virtual.enabled"), Some(Rule::Flag));
        assert_eq!(rule("buses"), Some(Rule::Section));
        assert_eq!(rule("buses.virtual"), Some(Rule::Section));
        assert_eq!(rule("listen"), None);
        assert_eq!(rule(""), None);
    }

    #[test]
    fn hints_at_what_is_near() {
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
            assert_eq!(hint(written), format!("did you mean `{meant}`?"), "{written}");
        }
    }

    #[test]
    fn hints_at_what_exists_otherwise() {
        assert_eq!(
            hint("server.colour"),
            "the keys of [server] are: listen, max_ping_time_ms, name, shutdown_deadline_ms, threads"
        );
        assert_eq!(
            hint("buses.bluetooth.power"),
            "the keys of [buses] are: btle, gamepad, hid, lovense_dongle, serial, virtual, websocket"
        );
        let sections = "the sections are: access, api, buses, devices, links, log, mdns, server, sessions, state";
        assert_eq!(hint("colour"), sections);
        assert_eq!(hint("x.enabled"), sections);
        assert_eq!(hint(&"x".repeat(10_000)), sections);
    }
}
