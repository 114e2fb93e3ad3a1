//! Text from outside: how it is read, and how it is shown in logs, status and error sentences.
//!
//! A name may be anything that a stranger cares to send. Whoever puts one into a sentence of hapticd's own cuts it with
//! [`shown`] first; the sentence itself is never cut.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Characters of a name that are shown.
pub const SHOWN: usize = 200;

/// A name as people get to see it: at most [`SHOWN`] characters and a `…`, nothing that moves a cursor, begins a line or
/// turns the direction of writing.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    let long = text.chars().nth(SHOWN).is_some();
    if !long && !text.chars().any(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut shown: String = text.chars().take(SHOWN).map(|c| if is_unprintable(c) { '\u{FFFD}' } else { c }).collect();
    if long {
        shown.push('…');
    }
    Cow::Owned(shown)
}

/// Control characters, line and paragraph separators, and marks that reorder the text around them.
fn is_unprintable(c: char) -> bool {
    let reorders = matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    c.is_control() || reorders || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}')
}

/// Text without the byte order mark that some editors and frameworks put in front.
#[must_use]
pub fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{FEFF}').unwrap_or(text)
}

/// The same for bytes that need not be text.
#[must_use]
pub fn bytes_without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes)
}

/// Reads JSON that a stranger sent.
///
/// # Errors
/// What is wrong with it, as a sentence in which no part of what was sent is longer than [`SHOWN`].
pub fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let text = without_bom(text);
    serde_json::from_str(text).map_err(|error| {
        // The library puts what it found into its sentence, whatever its length: it gets to see a shorter one.
        let short = serde_json::from_str::<Value>(text).ok().map(|mut value| {
            shorten(&mut value);
            value
        });
        let why = short.and_then(|short| serde_json::from_value::<T>(short).err());
        shown_sentence(why.map_or_else(|| error.to_string(), |why| why.to_string()))
    })
}

/// Nothing that was shortened before makes a sentence this long.
fn shown_sentence(why: String) -> String {
    const LONGEST: usize = 4 * SHOWN;
    if why.len() > LONGEST { shown(&why).into_owned() } else { why }
}

/// Cuts every key and text in a value to what is shown of them. Every key and text that hapticd knows is shorter.
pub fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(short) = shown(text) {
                *text = short;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => {
            if fields.keys().any(|key| matches!(shown(key), Cow::Owned(_))) {
                *fields =
                    std::mem::take(fields).into_iter().map(|(key, value)| (shown(&key).into_owned(), value)).collect();
            }
            fields.values_mut().for_each(shorten);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn names_are_cut_at_a_character_and_nothing_in_them_moves_a_cursor() {
        assert_eq!(shown("Ann's toy, 日本"), "Ann's toy, 日本");
        assert_eq!(shown(&"é".repeat(SHOWN)), "é".repeat(SHOWN));
        assert_eq!(shown(&"é".repeat(SHOWN + 1)), format!("{}…", "é".repeat(SHOWN)));
        assert_eq!(shown("a\nb\r\u{1b}[31m\0\u{202e}"), "a\u{FFFD}b\u{FFFD}\u{FFFD}[31m\u{FFFD}\u{FFFD}");
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    enum Frame {
        Known { number: u8 },
    }

    #[test]
    fn a_sentence_about_json_has_no_long_part_and_keeps_its_end() {
        let read = |text: &str| from_json::<Frame>(text).unwrap_err();
        let long = "x".repeat(100_000);
        let error = read(&format!("{{\"type\":\"{long}\"}}"));
        assert!(error.len() < 300 && error.ends_with("expected `known`"), "{error}");
        let error = read(&format!("{{\"type\":\"known\",\"number\":\"{long}\"}}"));
        assert!(error.len() < 300 && error.ends_with("expected u8"), "{error}");
        let Frame::Known { number } = from_json("\u{FEFF}{\"type\":\"known\",\"number\":3}").unwrap();
        assert_eq!(number, 3);
        assert!(read("{").contains("EOF"));
    }
}
