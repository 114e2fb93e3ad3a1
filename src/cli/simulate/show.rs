//! What happens, and telling it line by line: for people reading a log, and for machines.

use serde_json::{Value, json};

use super::find::Found;
use crate::cli::print;
use crate::driver::toy::Level;
use crate::link::Notification;

/// Something that happened.
#[derive(Debug)]
pub(super) enum Event<'a> {
    /// The connection is open and the hardware is offered.
    Attach {
        frame: &'a Value,
    },
    /// The server has taken it.
    Attached {
        protocol: &'a str,
    },
    /// The server will not have it.
    Refused {
        reason: &'a str,
    },
    /// Bytes came.
    Write {
        endpoint: &'a str,
        data: &'a [u8],
        with_response: bool,
        understood: bool,
    },
    /// An output does something else than before.
    Level(&'a Level),
    /// A value was asked for.
    Read {
        endpoint: &'a str,
        result: Result<&'a [u8], &'a String>,
    },
    /// The hardware says something.
    Notify(&'a Notification),
    Subscribe {
        endpoint: &'a str,
    },
    Unsubscribe {
        endpoint: &'a str,
    },
    /// The server has let go; it may take the hardware again.
    Disconnect,
    /// The server is gone; it is tried again.
    Lost {
        reason: &'a str,
    },
    /// Something is not as it should be, but goes on.
    Error {
        reason: &'a str,
    },
    /// The user ends it.
    Detach,
}

/// A way to show what happens.
pub(super) trait Show {
    /// Takes in an event.
    fn event(&mut self, event: &Event<'_>);

    /// Shows what was taken in; called several times a second.
    fn redraw(&mut self) {}

    /// Nothing more will happen.
    fn end(&mut self) {}
}

/// One JSON object a line.
#[derive(Debug)]
pub(super) struct Json;

impl Show for Json {
    fn event(&mut self, event: &Event<'_>) {
        // Standard output is flushed at each line's end.
        print(&format!("{}\n", object(event)));
    }
}

fn object(event: &Event<'_>) -> Value {
    match event {
        Event::Attach { frame } => json!({ "event": "attach", "frame": frame }),
        Event::Attached { protocol } => json!({ "event": "attached", "protocol": protocol }),
        Event::Refused { reason } => json!({ "event": "refused", "reason": reason }),
        Event::Write { endpoint, data, with_response, understood } => json!({
            "event": "write", "endpoint": endpoint, "data": hex::encode(data), "with_response": with_response,
            "understood": understood,
        }),
        Event::Level(level) => json!({
            "event": "level", "feature": level.feature, "output": level.kind.name(), "value": level.value,
            "min": level.min, "max": level.max, "duration_ms": level.duration_ms,
        }),
        Event::Read { endpoint, result } => match result {
            Ok(data) => json!({ "event": "read", "endpoint": endpoint, "data": hex::encode(data) }),
            Err(error) => json!({ "event": "read", "endpoint": endpoint, "error": error }),
        },
        Event::Notify(said) => {
            json!({ "event": "notify", "endpoint": said.endpoint.name(), "data": hex::encode(&said.data) })
        }
        Event::Subscribe { endpoint } => json!({ "event": "subscribe", "endpoint": endpoint }),
        Event::Unsubscribe { endpoint } => json!({ "event": "unsubscribe", "endpoint": endpoint }),
        Event::Disconnect => json!({ "event": "disconnect" }),
        Event::Lost { reason } => json!({ "event": "lost", "reason": reason }),
        Event::Error { reason } => json!({ "event": "error", "reason": reason }),
        Event::Detach => json!({ "event": "detach" }),
    }
}

/// Plain lines, only for what changes something.
#[derive(Debug)]
pub(super) struct Lines {
    /// Kept until something happens: a server that is not there says more than who is played.
    heading: Option<String>,
    last: String,
}

impl Lines {
    pub(super) fn new(found: &Found, server: &str, address: &str) -> Self {
        Self { heading: Some(heading(found, server, address)), last: String::new() }
    }
}

impl Show for Lines {
    fn event(&mut self, event: &Event<'_>) {
        let line = match event {
            Event::Level(level) => told(level),
            Event::Write { endpoint, data, understood: false, .. } => {
                format!("not understood: {endpoint} {}", bytes(data))
            }
            Event::Write { .. } | Event::Read { .. } | Event::Notify(_) => return,
            Event::Subscribe { .. } | Event::Unsubscribe { .. } => return,
            other => state(other),
        };
        if let Some(heading) = self.heading.take() {
            print(&format!("{heading}\n"));
        }
        // A server that stays away is told of once.
        let again = matches!(event, Event::Lost { .. }) && line == self.last;
        if !again {
            print(&format!("{line}\n"));
        }
        self.last = line;
    }
}

/// Who is played, to whom.
pub(super) fn heading(found: &Found, server: &str, address: &str) -> String {
    let (name, protocol) = (&found.model.name, &found.definition.protocol);
    format!("{name} ({protocol}) at {address}, for {server}")
}

/// What an event means for the whole.
pub(super) fn state(event: &Event<'_>) -> String {
    match event {
        Event::Attach { .. } | Event::Disconnect => "waiting for a client to scan".to_owned(),
        Event::Attached { protocol } => format!("attached as {protocol}"),
        Event::Refused { reason } => format!("refused: {reason}"),
        Event::Lost { reason } => format!("server lost, trying again every second: {reason}"),
        Event::Error { reason } => format!("problem: {reason}"),
        Event::Detach => "detached".to_owned(),
        _ => String::new(),
    }
}

/// `vibrate 0 = 12 of 20`
fn told(level: &Level) -> String {
    let time = level.duration_ms.map(|ms| format!(" in {ms} ms")).unwrap_or_default();
    let (kind, feature) = (level.kind.key(), level.feature);
    format!("{kind} {feature} = {} of {}{time}", level.value, level.max)
}

/// Hex in pairs, and text where it is text.
pub(super) fn bytes(data: &[u8]) -> String {
    let hex: Vec<_> = data.iter().map(|byte| format!("{byte:02X}")).collect();
    let printable = data.len() > 2 && data.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    if printable { format!("{}  {}", hex.join(" "), String::from_utf8_lossy(data)) } else { hex.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::OutputKind;

    #[test]
    fn lines() {
        let mut level = Level {
            feature: 0,
            kind: OutputKind::Vibrate,
            value: 12,
            duration_ms: None,
            min: 0,
            max: 20,
            label: String::new(),
        };
        assert_eq!(told(&level), "vibrate 0 = 12 of 20");
        let json = object(&Event::Level(&level));
        assert_eq!((&json["event"], &json["output"], &json["value"]), (&json!("level"), &json!("Vibrate"), &json!(12)));
        level.kind = OutputKind::HwPositionWithDuration;
        level.duration_ms = Some(200);
        assert_eq!(told(&level), "hw_position 0 = 12 of 20 in 200 ms");
        assert_eq!(bytes(&[0xF1, 2]), "F1 02");
        assert_eq!(bytes(b"OK;"), "4F 4B 3B  OK;");
    }
}
