//! Questions to the API of a running server, as its user asks them.

use std::time::Duration;

use serde_json::Value;

use super::exit_error::ExitError;
use super::http;
use super::server_address::{ServerAddress, Servers};
use crate::text::shown;

/// Time for the server's answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks, and returns the answer, which has to be what `is_answer` says. `refused` knows what to say of an answer that is not
/// 200, by its status and its body, where it is no mere "nothing was done".
pub(super) fn ask(
    servers: &Servers,
    (method, path): (&str, &str),
    is_answer: fn(&Value) -> bool,
    refused: fn(&ServerAddress, &str, &Value) -> Option<String>,
) -> Result<Value, ExitError> {
    let answer = servers.ask(|server| {
        let (status, body) = http::ask_as_user(method, server, path, servers.admin(), PATIENCE).map_err(|error| {
            format!("the server at {server} could not be asked: {error}; is hapticd running there?")
        })?;
        let answer: Value = serde_json::from_str(&body).unwrap_or_default();
        if status == "200" && is_answer(&answer) {
            return Ok(answer);
        }
        let otherwise = || format!("nothing was done: what listens at {server} answers {status} {}", shown(&body));
        Err(refused(server, &status, &answer).unwrap_or_else(otherwise))
    });
    answer.map_err(|(_, why)| ExitError::Runtime(why))
}

/// What was said holds for the server that runs, and that is printed first; where it is not remembered, `what` holds.
pub(super) fn remembered(said: &Value, what: &str) -> Result<(), ExitError> {
    match said.get("not_remembered").and_then(Value::as_str) {
        Some(why) => Err(ExitError::Runtime(format!("{what}: {}", shown(why)))),
        None => Ok(()),
    }
}

/// A text as one part of a path or a query.
pub(super) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_part() {
        assert_eq!(escaped("my phone/\u{e9}?&%"), "my%20phone%2F%C3%A9%3F%26%25");
    }
}
