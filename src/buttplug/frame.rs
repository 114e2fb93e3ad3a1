//! Takes a text frame apart into its messages, keeping the good ones when others are bad.

use serde::Deserialize;
use serde_json::Value;

use super::error::ProtocolError;
use super::number::Whole;
use crate::text::without_bom;

/// One message of a frame, not yet understood.
#[derive(Debug)]
pub struct Element {
    /// The name, such as `OutputCmd`.
    pub name: String,
    /// Its id, 1 to 4294967295.
    pub id: u32,
    /// The object of its fields, `Id` among them.
    pub body: Value,
}

/// What is wrong with one message of a frame, and the id to answer with: 0 when none could be read.
pub type Rejected = (u32, ProtocolError);

/// Splits a frame. Several arrays one behind the other are taken as one list, as the reference server does
/// (facts: messages.md section 1, row 11). What follows a syntax error is lost, what came before it is not.
#[must_use]
pub fn split(text: &str) -> Vec<Result<Element, Rejected>> {
    let text = without_bom(text);
    let found = take_apart(text);
    if let Some(Err((_, ProtocolError::NotJson { .. }))) = found.last()
        && let Some(quoted) = quote_impossible_numbers(text)
    {
        return take_apart(&quoted);
    }
    found
}

fn take_apart(text: &str) -> Vec<Result<Element, Rejected>> {
    let mut found = Vec::new();
    let mut arrays = 0_u32;
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        match value {
            Ok(Value::Array(items)) => {
                arrays += 1;
                if items.is_empty() {
                    found.push(Err((0, ProtocolError::EmptyFrame)));
                }
                found.extend(items.into_iter().map(element));
            }
            Ok(other) => {
                arrays += 1;
                found.push(Err((0, ProtocolError::NotArray { got: kind_of(&other) })));
            }
            Err(error) => {
                arrays += 1;
                found.push(Err((0, ProtocolError::NotJson { why: error.to_string() })));
                break;
            }
        }
    }
    if arrays == 0 {
        found.push(Err((0, ProtocolError::NotJson { why: "the frame is empty".to_owned() })));
    }
    found
}

/// Puts quotes around what some writers emit for numbers that JSON cannot carry (`NaN`, `-Infinity`, `1e400`), so that only
/// the message with that number is refused, by name. `None` when there is nothing of the kind.
fn quote_impossible_numbers(text: &str) -> Option<String> {
    let mut quoted = String::with_capacity(text.len() + 16);
    let mut changed = false;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
        let length = if first == '"' { string_length(rest) } else { rest.find(|c| !is_part(c)).unwrap_or(rest.len()) };
        let (token, after) = rest.split_at(if length == 0 { first.len_utf8() } else { length });
        // Rust reads these words, too, in any case.
        let impossible = first != '"' && token.parse::<f64>().is_ok_and(|number| !number.is_finite());
        changed |= impossible;
        quoted.extend(if impossible { ["\"", token, "\""] } else { ["", token, ""] });
        rest = after;
    }
    changed.then_some(quoted)
}

/// Bytes of the string that a text begins with, its quotes among them.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

fn element(item: Value) -> Result<Element, Rejected> {
    let Value::Object(object) = item else {
        return Err((0, ProtocolError::NotOneKey { got: kind_of(&item).to_owned() }));
    };
    let keys = object.len();
    let mut entries = object.into_iter();
    let (Some((name, body)), None) = (entries.next(), entries.next()) else {
        return Err((0, ProtocolError::NotOneKey { got: format!("{keys} keys") }));
    };
    let name = shorten(&name);
    let bad_id = |got: String| (0, ProtocolError::BadId { message: name.clone(), got });
    let id = match &body {
        Value::Object(fields) => match fields.get("Id") {
            None => return Err(bad_id("absent".to_owned())),
            Some(value) => match Whole::<u32>::deserialize(value) {
                Ok(Whole(id)) if id > 0 => id,
                _ => return Err(bad_id(shorten(&value.to_string()))),
            },
        },
        other => {
            let got = format!("absent, because the fields must be an object and not {}", kind_of(other));
            return Err(bad_id(got));
        }
    };
    Ok(Element { name, id, body })
}

/// What kind of JSON this is, for error texts.
#[must_use]
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Cuts what a stranger sent to a length that fits in an error text.
fn shorten(text: &str) -> String {
    const LIMIT: usize = 60;
    if text.chars().count() <= LIMIT {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LIMIT).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<Result<u32, u32>> {
        split(text).into_iter().map(|item| item.map(|element| element.id).map_err(|(id, _)| id)).collect()
    }

    #[test]
    fn one_bad_message_does_not_take_the_others_with_it() {
        assert_eq!(ids(r#"[{"Ping":{"Id":7}}, 5, {"Ping":{"Id":8}}]"#), [Ok(7), Err(0), Ok(8)]);
        assert_eq!(ids(r#"[{"Ping":{"Id":7}}] [{"Ping":{"Id":9}}]"#), [Ok(7), Ok(9)]);
        assert_eq!(ids(r#"[{"Ping":{"Id":7}}] oops"#), [Ok(7), Err(0)]);
    }

    #[test]
    fn every_frame_yields_something_to_answer() {
        for text in ["", " ", "[]", "{}", "7", "null", "[[]]", "[{}]", "[{\"A\":1,\"B\":2}]", "[{\"Ping\":3}]", "\u{0}"]
        {
            assert_eq!(ids(text), [Err(0)], "{text:?}");
        }
    }

    #[test]
    fn ids_are_integers_from_1() {
        for id in ["0", "-1", "1.5", "0.0", "-0.0", "4294967296", "\"7\"", "null", "[7]", "1e400", "NaN", "-Infinity"] {
            let error = split(&format!("[{{\"Ping\":{{\"Id\":{id}}}}}]")).remove(0).unwrap_err();
            let text = error.1.to_string();
            let shown = id.trim_matches('"');
            assert!(error.0 == 0 && text.contains("from 1 to 4294967295") && text.contains(shown), "{id}: {text}");
        }
        for id in ["7.0", "7e0", "70e-1"] {
            assert_eq!(ids(&format!("[{{\"Ping\":{{\"Id\":{id}}}}}]")), [Ok(7)], "{id}");
        }
        assert_eq!(ids(r#"[{"Ping":{"Id":4294967295}}]"#), [Ok(4_294_967_295)]);
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(ids("\u{FEFF}[{\"Ping\":{\"Id\":7}}]"), [Ok(7)]);
    }

    #[test]
    fn a_number_that_json_cannot_carry_costs_its_own_message_only() {
        let odd =
            |number: &str| format!(r#"[{{"A":{{"Id":1,"Value":{number}}}}},{{"Ping":{{"Id":8,"X":"NaN \" 1e400"}}}}]"#);
        for number in ["NaN", "nan", "Infinity", "-Infinity", "1e400", "-1E+999"] {
            let found = split(&odd(number));
            let [Ok(first), Ok(second)] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!((first.id, &first.body["Value"]), (1, &Value::from(number)));
            assert_eq!((second.id, &second.body["X"]), (8, &Value::from("NaN \" 1e400")));
        }
        assert_eq!(ids("[{\"Ping\":{\"Id\":7}}, nope"), [Err(0)]);
    }

    #[test]
    fn long_strangeness_is_cut() {
        let name = "x".repeat(10_000);
        let error = split(&format!("[{{\"{name}\":{{}}}}]")).remove(0).unwrap_err().1.to_string();
        assert!(error.len() < 250, "{error}");
    }
}
