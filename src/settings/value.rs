//! A single value as it was written, before its key gives it a meaning.

use std::fmt;

use toml::de::{DeInteger, DeValue};

/// The types a setting can have, taken from its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Flag,
    Integer,
    Text,
    List,
}

/// A value of one of the [`Kind`]s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plain {
    Flag(bool),
    Integer(i64),
    Text(String),
    List(Vec<String>),
}

impl Plain {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Flag(_) => Kind::Flag,
            Self::Integer(_) => Kind::Integer,
            Self::Text(_) => Kind::Text,
            Self::List(_) => Kind::List,
        }
    }

    /// Reads a TOML value; `None` if no setting can have it.
    pub(super) fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        match value {
            DeValue::Boolean(flag) => Some(Self::Flag(*flag)),
            DeValue::Integer(number) => integer(number).map(Self::Integer),
            DeValue::String(text) => Some(Self::Text(text.to_string())),
            DeValue::Array(items) => {
                let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
                texts.collect::<Option<Vec<_>>>().map(Self::List)
            }
            DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => None,
        }
    }

    /// Reads text from a place that has only text, as the type its key calls for.
    pub(super) fn from_text(kind: Kind, text: &str) -> Option<Self> {
        match kind {
            Kind::Flag => text.trim().parse().ok().map(Self::Flag),
            Kind::Integer => text.trim().parse().ok().map(Self::Integer),
            Kind::Text => Some(Self::Text(text.to_owned())),
            Kind::List => Some(Self::List(list(text))),
        }
    }

    /// The value as one of the kind that its key has; `None` if it is of another. A list of one may be written as text.
    pub(super) fn into_kind(self, kind: Kind) -> Option<Self> {
        match (kind, self) {
            (Kind::List, Self::Text(text)) => Some(Self::List(list(&text))),
            (kind, value) => (value.kind() == kind).then_some(value),
        }
    }
}

impl From<Plain> for config::ValueKind {
    fn from(value: Plain) -> Self {
        match value {
            Plain::Flag(flag) => flag.into(),
            Plain::Integer(number) => number.into(),
            Plain::Text(text) => text.into(),
            Plain::List(items) => items.into(),
        }
    }
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(|item| quoted(item)).collect();
                write!(f, "[{}]", items.join(", "))
            }
        }
    }
}

/// The items of a list that is written as text: separated by commas, or as files write lists.
fn list(text: &str) -> Vec<String> {
    let text = text.trim();
    // An IPv6 address begins with a bracket, too, and is no list.
    if let Ok(value) = DeValue::parse(text)
        && let Some(Plain::List(items)) = Plain::from_toml(value.get_ref())
    {
        return items;
    }
    text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
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

    #[test]
    fn reads_text_as_the_type_asked_for() {
        assert_eq!(Plain::from_text(Kind::Flag, "true"), Some(Plain::Flag(true)));
        assert_eq!(Plain::from_text(Kind::Flag, "yes"), None);
        assert_eq!(Plain::from_text(Kind::Integer, " 12 "), Some(Plain::Integer(12)));
        assert_eq!(Plain::from_text(Kind::Integer, "-1"), Some(Plain::Integer(-1)));
        assert_eq!(Plain::from_text(Kind::Integer, ""), None);
        assert_eq!(Plain::from_text(Kind::Integer, "99999999999999999999"), None);
        assert_eq!(Plain::from_text(Kind::Text, " 12 "), Some(Plain::Text(" 12 ".to_owned())));
        let list = Plain::List(vec!["a".to_owned(), "b".to_owned()]);
        for text in ["a, b", "a,b,", "['a', 'b']", " [\"a\",\"b\"] "] {
            assert_eq!(Plain::from_text(Kind::List, text), Some(list.clone()), "{text}");
        }
        for text in ["", " ", "[]", ","] {
            assert_eq!(Plain::from_text(Kind::List, text), Some(Plain::List(Vec::new())), "{text:?}");
        }
        let address = Plain::List(vec!["[::1]:12345".to_owned()]);
        assert_eq!(Plain::from_text(Kind::List, "[::1]:12345"), Some(address.clone()));
        assert_eq!(Plain::Text("[::1]:12345".to_owned()).into_kind(Kind::List), Some(address));
        assert_eq!(Plain::Integer(1).into_kind(Kind::List), None);
        assert_eq!(Plain::Text("1".to_owned()).into_kind(Kind::Integer), None);
    }

    #[test]
    fn reads_and_describes_toml() {
        let read = |text: &str| {
            let value = DeValue::parse(text).unwrap();
            (Plain::from_toml(value.get_ref()).map(|plain| plain.to_string()), describe(value.get_ref()))
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
