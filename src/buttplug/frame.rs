//! Takes a text frame apart into its messages, keeping the good ones when others are bad.

use serde_json::Value;

use super::error::ProtocolError;

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
            Some(value) => match value.as_u64().and_then(|id| u32::try_from(id).ok()) {
                Some(id) if id > 0 => id,
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
        for id in ["0", "-1", "1.5", "7.0", "4294967296", "\"7\"", "null", "1e400"] {
            assert_eq!(ids(&format!("[{{\"Ping\":{{\"Id\":{id}}}}}]")), [Err(0)], "{id}");
        }
        assert_eq!(ids(r#"[{"Ping":{"Id":4294967295}}]"#), [Ok(4_294_967_295)]);
    }

    #[test]
    fn long_strangeness_is_cut() {
        let name = "x".repeat(10_000);
        let error = split(&format!("[{{\"{name}\":{{}}}}]")).remove(0).unwrap_err().1.to_string();
        assert!(error.len() < 250, "{error}");
    }
}
