//! A single value as it was written, before its key gives it a meaning.

use config::{Value, ValueKind};
use toml::de::{DeInteger, DeValue};

use super::rule::Rule::{self, Flag, Listen, Section};

/// Reads a TOML value as what a key calls for; `None` if it is of another type. A list may be written as text.
pub(super) fn from_toml(rule: Rule, value: &DeValue<'_>) -> Option<ValueKind> {
    match (rule, value) {
        (Flag, DeValue::Boolean(flag)) => Some((*flag).into()),
        // One too large to hold is of the right type all the same: no rule allows `Nil`.
        (_, DeValue::Integer(number)) if rule.is_number() => Some(integer(number).map_or(ValueKind::Nil, Into::into)),
        (Listen, DeValue::Array(items)) => {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().map(Into::into)
        }
        (Listen, DeValue::String(text)) => Some(list(text)),
        (Section | Flag, _) => None,
        (_, value) => value.as_str().filter(|_| !rule.is_number()).map(Into::into),
    }
}

/// Reads text from a source that has only text, as what a key calls for; `None` if it cannot be read so.
pub(super) fn from_text(rule: Rule, text: &str) -> Option<ValueKind> {
    match rule {
        Section => None,
        Flag => text.trim().parse::<bool>().ok().map(Into::into),
        _ if rule.is_number() => text.trim().parse::<i64>().ok().map(Into::into),
        Listen => Some(list(text)),
        _ => Some(text.into()),
    }
}

/// The items of a list that is written as text: separated by commas, or as files write lists.
fn list(text: &str) -> ValueKind {
    let text = text.trim();
    // An IPv6 address begins with a bracket, too, and is no list.
    if let Ok(value) = DeValue::parse(text)
        && value.get_ref().is_array()
        && let Some(items) = from_toml(Listen, value.get_ref())
    {
        return items;
    }
    text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect::<Vec<_>>().into()
}

fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// A value as one would write it in a settings file.
pub(super) fn shown(value: &Value) -> String {
    match &value.kind {
        ValueKind::String(text) => toml::Value::from(text.as_str()).to_string(),
        ValueKind::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Any TOML value in a few words, for a message.
pub(super) fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Integer(number) => integer(number).map_or_else(|| number.to_string(), |number| number.to_string()),
        DeValue::Float(number) => number.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::String(text) => quoted(text),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// Text in quotes, escaped and shortened: it may come from anyone, and goes to a terminal.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 100;
    if text.chars().nth(SHOWN).is_none() {
        return format!("{text:?}");
    }
    let start: String = text.chars().take(SHOWN).collect();
    format!("{start:?}... ({} bytes)", text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Rule::Integer;

    #[test]
    fn reads_text_as_the_type_asked_for() {
        const NUMBER: Rule = Integer(0, 1);
        const TEXT: Rule = Rule::Text(0, 1);
        assert_eq!(from_text(Flag, "true"), Some(true.into()));
        assert_eq!(from_text(Flag, "yes"), None);
        assert_eq!(from_text(NUMBER, " 12 "), Some(12_i64.into()));
        assert_eq!(from_text(NUMBER, "-1"), Some((-1_i64).into()));
        assert_eq!(from_text(NUMBER, ""), None);
        assert_eq!(from_text(NUMBER, "99999999999999999999"), None);
        assert_eq!(from_text(TEXT, " 12 "), Some(" 12 ".into()));
        let list = Some(ValueKind::from(vec!["a", "b"]));
        for text in ["a, b", "a,b,", "['a', 'b']", " [\"a\",\"b\"] "] {
            assert_eq!(from_text(Listen, text), list, "{text}");
        }
        for text in ["", " ", "[]", ","] {
            assert_eq!(from_text(Listen, text), Some(Vec::<String>::new().into()), "{text:?}");
        }
        let address = Some(ValueKind::from(vec!["[::1]:12345"]));
        assert_eq!(from_text(Listen, "[::1]:12345"), address);
        let toml = |rule, text| from_toml(rule, DeValue::parse(text).unwrap().get_ref());
        assert_eq!(toml(Listen, "'[::1]:12345'"), address);
        assert_eq!(toml(Listen, "1"), None);
        assert_eq!(toml(NUMBER, "'1'"), None);
        assert_eq!((toml(Flag, "'true'"), toml(TEXT, "true"), toml(Section, "1")), (None, None, None));
    }

    #[test]
    fn reads_and_describes_toml() {
        let read = |text: &str| {
            let value = DeValue::parse(text).unwrap();
            let rules = [Flag, Integer(0, 1), Rule::Text(0, 1), Listen];
            let kind = rules.iter().find_map(|rule| from_toml(*rule, value.get_ref()));
            (
                kind.filter(|kind| *kind != ValueKind::Nil).map(|kind| shown(&Value::new(None, kind))),
                describe(value.get_ref()),
            )
        };
        assert_eq!(read("1_000"), (Some("1000".to_owned()), "1000".to_owned()));
        assert_eq!(read("0xff"), (Some("255".to_owned()), "255".to_owned()));
        assert_eq!(read("99999999999999999999"), (None, "99999999999999999999".to_owned()));
        assert_eq!(read("1.5"), (None, "1.5".to_owned()));
        assert_eq!(read("false"), (Some("false".to_owned()), "false".to_owned()));
        assert_eq!(read("'a\tb'"), (Some("\"a\\tb\"".to_owned()), "\"a\\tb\"".to_owned()));
        assert_eq!(read("['a', 'b']"), (Some("[\"a\", \"b\"]".to_owned()), "a list".to_owned()));
        assert_eq!(read("[1]"), (None, "a list".to_owned()));
        assert_eq!(read("{ a = 1 }"), (None, "a table".to_owned()));
        assert_eq!(read("2020-01-01"), (None, "2020-01-01".to_owned()));
    }

    #[test]
    fn long_text_is_shortened() {
        let shown = quoted(&"é".repeat(300));
        assert!(shown.ends_with("\"... (600 bytes)"), "{shown}");
        assert_eq!(shown.chars().filter(|c| *c == 'é').count(), 100);
    }
}
