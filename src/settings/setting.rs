//! What a row of the table is: a key, the field it fills, the type of that field and the rule for its values.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use config::Value;
use uuid::Uuid;

use super::rule::{Rule, loopbacks, services};
use crate::access::{LocalAccess, UnknownOrigins};

/// The merged values by key, each with its origin.
pub(super) type Values = BTreeMap<String, Value>;

/// A type that a field of the settings can have.
pub(super) trait Setting: Sized {
    /// The keys that the field stands for, and their rules: one, or those of a section behind the section itself.
    fn keys(key: &str, rule: Rule) -> Vec<(String, Rule)> {
        vec![(key.to_owned(), rule)]
    }

    /// Reads the field. Every value has passed its rule by now, so the error tells of a mistake in this program.
    fn read(key: &str, values: &Values) -> Result<Self, String>;
}

/// Which types a value can be read as, and how.
macro_rules! readable {
    ($($type:ty: $read:expr;)*) => {$(
        impl Setting for $type {
            fn read(key: &str, values: &Values) -> Result<Self, String> {
                let read: fn(Value) -> Option<Self> = $read;
                let value = values.get(key).ok_or_else(|| format!("`{key}` has no default"))?;
                read(value.clone()).ok_or_else(|| format!("`{key}` is not of the type of its field"))
            }
        }
    )*};
}

readable! {
    bool: |value| value.into_bool().ok();
    u32: |value| number(value)?.try_into().ok();
    usize: |value| number(value)?.try_into().ok();
    Option<usize>: |value| Some(number(value)?.try_into().ok().filter(|number| *number != 0));
    Duration: |value| number(value).map(Duration::from_millis);
    Option<Duration>: |value| Some(Some(Duration::from_millis(number(value)?)).filter(|time| !time.is_zero()));
    String: |value| value.into_string().ok();
    Option<String>: |value| Some(Some(value.into_string().ok()?).filter(|text| !text.is_empty()));
    PathBuf: |value| value.into_string().ok().map(Into::into);
    Option<PathBuf>: |value| Some(Some(value.into_string().ok()?).filter(|text| !text.is_empty()).map(Into::into));
    Vec<SocketAddr>: |value| loopbacks(&value.into_array().ok()?);
    LocalAccess: |value| LocalAccess::of(&value.into_string().ok()?);
    UnknownOrigins: |value| UnknownOrigins::of(&value.into_string().ok()?);
    Vec<Uuid>: |value| services(&value.into_string().ok()?);
}

fn number(value: Value) -> Option<u64> {
    value.into_uint().ok()
}

/// The dotted name of `name` inside `prefix`. A name that is no bare TOML key is put in quotes, so that a dot inside it
/// cannot pass for a separator, nor a control character reach a terminal.
pub(super) fn join(prefix: &str, name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let name = if bare { name.to_owned() } else { format!("{name:?}") };
    if prefix.is_empty() { name } else { format!("{prefix}.{name}") }
}

/// Makes the structure of each section from its rows, and teaches it its keys and how to read them. Fields in round
/// brackets have no key.
macro_rules! settings {
    ($(
        $(#[$about:meta])* $name:ident $(+ ($($hidden:ident: $hidden_type:ty),*))? {
            $($(#[$doc:meta])* $key:literal $field:ident: $type:ty = $rule:expr;)*
        }
    )*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $(
                $(#[$doc])*
                #[doc = concat!("\n\nKey `", $key, "`: `", stringify!($rule), "`.")]
                pub $field: $type,
            )*
            $($(pub(super) $hidden: $hidden_type,)*)?
        }

        impl Setting for $name {
            fn keys(key: &str, rule: Rule) -> Vec<(String, Rule)> {
                [vec![(key.to_owned(), rule)], $(<$type>::keys(&join(key, $key), $rule)),*].concat()
            }

            fn read(key: &str, values: &Values) -> Result<Self, String> {
                Ok(Self {
                    $($field: <$type>::read(&join(key, $key), values)?,)*
                    $($($hidden: <$hidden_type>::default(),)*)?
                })
            }
        }
    )*};
}
pub(super) use settings;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_bare_are_quoted() {
        assert_eq!(join("", "server"), "server");
        assert_eq!(join("server", "listen"), "server.listen");
        assert_eq!(join("", "server.listen"), "\"server.listen\"");
        assert_eq!(join("a", "\u{1b}"), "a.\"\\u{1b}\"");
        assert_eq!(join("a", ""), "a.\"\"");
    }
}
