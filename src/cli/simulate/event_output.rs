//! What happens, and telling it line by line: for people reading a log, and for machines.

use serde_json::{Value, json};

use super::model_lookup::FoundModel;
use crate::cli::output::print;
use crate::link::Notification;
use crate::simulation::Level;

/// Something that happened.
#[derive(Debug)]
pub(super) enum Event<'a> {
    /// The connection is open and the hardware is there, under an address of its own.
    Attach {
        frame: &'a Value,
        /// The server's URL.
        server: &'a str,
        address: &'a str,
        /// Which piece of its model it is, if the address belongs to one.
        number: Option<u8>,
    },
    /// The server has taken it.
    Attached {
        protocol: &'a str,
    },
    /// The server will not have it.
    Refused {
        reason: &'a str,
    },
    /// The server has taken it, but could not make it ready.
    Failed {
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
    /// The server ends in good order; it is looked for again.
    Ended,
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

/// Shows events to the user.
pub(super) trait EventOutput {
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

impl EventOutput for Json {
    fn event(&mut self, event: &Event<'_>) {
        // Standard output is flushed at each line's end.
        print(&format!("{}\n", object(event)));
    }
}

fn object(event: &Event<'_>) -> Value {
    match event {
        Event::Attach { frame, server, .. } => json!({ "event": "attach", "frame": frame, "server": server }),
        Event::Attached { protocol } => json!({ "event": "attached", "protocol": protocol }),
        Event::Refused { reason } => json!({ "event": "refused", "reason": reason }),
        Event::Failed { reason } => json!({ "event": "failed", "reason": reason }),
        Event::Write { endpoint, data, with_response, understood } => json!({
            "event": "write", "endpoint": endpoint, "data": hex::encode(data), "with_response": with_response,
            "understood": understood,
        }),
        Event::Level(level) => json!({
            "event": "level", "feature": level.feature, "output": level.kind.key(), "value": level.value,
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
        Event::Ended => json!({ "event": "ended" }),
        Event::Lost { reason } => json!({ "event": "lost", "reason": reason }),
        Event::Error { reason } => json!({ "event": "error", "reason": reason }),
        Event::Detach => json!({ "event": "detach" }),
    }
}

/// Plain lines, only for what changes something.
#[derive(Debug)]
pub(super) struct Lines {
    name: String,
    heading: String,
    last: String,
}

impl Lines {
    pub(super) fn new(found: &FoundModel) -> Self {
        Self { name: name(found), heading: String::new(), last: String::new() }
    }
}

impl EventOutput for Lines {
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
        if let Some(heading) = heading(&self.name, event).filter(|heading| *heading != self.heading) {
            print(&format!("{heading}\n"));
            self.heading = heading;
        }
        // A server that stays away is told of once.
        let again = matches!(event, Event::Lost { .. }) && line == self.last;
        if !again {
            print(&format!("{line}\n"));
        }
        self.last = line;
    }
}

/// Who is played.
pub(super) fn name(found: &FoundModel) -> String {
    format!("{} ({})", found.model.name, found.definition.protocol)
}

/// Who is played, where and to whom, as soon as that is known.
pub(super) fn heading(name: &str, event: &Event<'_>) -> Option<String> {
    let Event::Attach { server, address, number, .. } = event else { return None };
    let number = number.filter(|number| *number > 1).map(|number| format!(", number {number},")).unwrap_or_default();
    Some(format!("{name}{number} at {address}, for {server}"))
}

/// What an event means for the whole.
pub(super) fn state(event: &Event<'_>) -> String {
    match event {
        Event::Attach { .. } | Event::Disconnect => "waiting for a client to scan".to_owned(),
        Event::Attached { protocol } => format!("attached as {protocol}"),
        Event::Refused { reason } => format!("refused: {reason}"),
        Event::Failed { reason } => {
            format!("the server could not make it ready, and tries again when a client scans: {reason}")
        }
        Event::Ended => "the server has ended; looking for it every second".to_owned(),
        Event::Lost { reason } => format!("server lost, trying again every second: {reason}"),
        Event::Error { reason } => format!("problem: {reason}"),
        Event::Detach => "switched off".to_owned(),
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
        assert_eq!((&json["event"], &json["output"], &json["value"]), (&json!("level"), &json!("vibrate"), &json!(12)));
        level.kind = OutputKind::HwPositionWithDuration;
        level.duration_ms = Some(200);
        assert_eq!(told(&level), "hw_position 0 = 12 of 20 in 200 ms");
        assert_eq!(bytes(&[0xF1, 2]), "F1 02");
        assert_eq!(bytes(b"OK;"), "4F 4B 3B  OK;");
    }
}
