//! The conversation that an example says must take place.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::library::{definition::Example, template::Names, template::PacketTemplate, template::Scope};
use crate::link::{LinkEnd, LinkError, Notification, Operation, Packet};
use crate::types::{Endpoint, OutputKind};

/// PacketTemplate and reason.
pub(super) type Failed = (usize, String);

pub(super) fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What must be said next, and the first thing that was said otherwise.
pub(super) struct Script {
    lines: VecDeque<(usize, Talk)>,
    failed: Option<Failed>,
    /// The line of the command that is carried out.
    pub(super) line: usize,
    /// What the hardware sends by itself goes to who listens, not to who waits for an answer.
    pub(super) listening: bool,
}

impl Script {
    pub(super) fn new(line: usize) -> Self {
        Self { lines: VecDeque::new(), failed: None, line, listening: false }
    }

    /// Adds a line of conversation.
    pub(super) fn add(&mut self, line: usize, text: &str) -> Result<(), Failed> {
        let talk = Talk::parse(text).map_err(|reason| (line, reason))?;
        if matches!(talk, Talk::Value(_)) && !matches!(self.lines.back(), Some((_, Talk::Read(_)))) {
            return Err((line, "`< value:` answers a `> read`, but none stands before it".to_owned()));
        }
        self.lines.push_back((line, talk));
        Ok(())
    }

    /// The first thing that went wrong; what came back through the driver is farther from the cause.
    pub(super) fn fail(&mut self, reason: &str) -> Failed {
        let line = self.lines.front().map_or(self.line, |(line, _)| *line);
        self.failed.take().unwrap_or_else(|| (line, reason.to_owned()))
    }

    pub(super) fn expect(&mut self, done: &Talk) -> Result<Vec<u8>, LinkError> {
        match self.lines.pop_front() {
            Some((_, wanted)) if wanted == *done => match self.lines.front() {
                Some((_, Talk::Value(_))) => match self.lines.pop_front() {
                    Some((_, Talk::Value(value))) => Ok(value),
                    _ => Ok(Vec::new()),
                },
                _ => Ok(Vec::new()),
            },
            other => {
                let (line, wanted) =
                    other.map_or((self.line, "nothing".to_owned()), |(line, talk)| (line, talk.to_string()));
                let reason = format!("sent: {done}; the example says: {wanted}");
                self.failed.get_or_insert((line, reason.clone()));
                Err(LinkError::Failed(reason))
            }
        }
    }

    /// What the hardware sends in answer.
    fn next_answer(&mut self) -> Option<Notification> {
        if self.listening { None } else { self.next_notification() }
    }

    /// What the hardware sends next.
    pub(super) fn next_notification(&mut self) -> Option<Notification> {
        match self.lines.front() {
            Some((_, Talk::Sends(_))) => match self.lines.pop_front() {
                Some((_, Talk::Sends(notification))) => Some(notification),
                _ => None,
            },
            _ => None,
        }
    }

    /// A listener was told a value, or nothing.
    pub(super) fn reported(&mut self, value: Option<i32>) -> Result<(), Failed> {
        let wanted = match self.lines.front() {
            Some((line, Talk::Reports(wanted))) => Some((*line, *wanted)),
            _ => None,
        };
        match (wanted, value) {
            (None, None) => Ok(()),
            (Some((_, wanted)), Some(value)) if wanted == value => {
                self.lines.pop_front();
                Ok(())
            }
            (Some((line, wanted)), Some(value)) => Err((line, format!("reported {value}; the example says {wanted}"))),
            (Some((line, wanted)), None) => Err((line, format!("reported nothing; the example says {wanted}"))),
            (None, Some(value)) => {
                let line = self.lines.front().map_or(self.line, |(line, _)| *line);
                Err((line, format!("reported {value}, which the example does not say before this")))
            }
        }
    }

    pub(super) fn finish(&mut self) -> Result<(), Failed> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        match self.lines.pop_front() {
            None => Ok(()),
            Some((line, talk @ (Talk::Sends(_) | Talk::Value(_) | Talk::Reports(_)))) => {
                Err((line, format!("nobody waited for this: {talk}")))
            }
            Some((line, talk)) => Err((line, format!("this was not sent: {talk}"))),
        }
    }
}

/// Plays the hardware.
pub(super) async fn serve(mut end: LinkEnd, script: Arc<Mutex<Script>>) {
    while let Some(request) = end.requests.recv().await {
        let done = match request.operation {
            Operation::Write(packet) => Talk::Write(packet),
            Operation::Read(endpoint) => Talk::Read(endpoint),
            Operation::Subscribe(endpoint) => Talk::Subscribe(endpoint),
            Operation::Unsubscribe(endpoint) => Talk::Unsubscribe(endpoint),
            Operation::Disconnect => return,
        };
        let mut script = lock(&script);
        let outcome = script.expect(&done);
        while let Some(notification) = script.next_answer() {
            let _ = end.notify.send(notification);
        }
        let _ = request.done.send(outcome);
    }
}

/// One line of conversation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Talk {
    Write(Packet),
    Read(Endpoint),
    Subscribe(Endpoint),
    Unsubscribe(Endpoint),
    Sends(Notification),
    Value(Vec<u8>),
    /// Who listens is told this.
    Reports(i32),
}

impl Talk {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(value) = text.strip_prefix("->") {
            return Ok(Self::Reports(number(value.trim())?));
        }
        if let Some(told) = text.strip_prefix('<') {
            let told = told.trim();
            // `value` is no endpoint; the bytes are written like those of any packet.
            if let Some(bytes) = told.strip_prefix("value:") {
                return if bytes.trim().is_empty() {
                    Ok(Self::Value(Vec::new()))
                } else {
                    Ok(Self::Value(packet(&format!("rx: {bytes}"))?.data))
                };
            }
            let Packet { endpoint, data, .. } = packet(told)?;
            return Ok(Self::Sends(Notification { endpoint, data }));
        }
        let done = text.strip_prefix('>').unwrap_or(text).trim();
        let endpoint = |name: &str| Endpoint::parse(name.trim()).ok_or_else(|| format!("{name:?} is no endpoint"));
        match done.split_once(' ') {
            Some(("subscribe", name)) => Ok(Self::Subscribe(endpoint(name)?)),
            Some(("unsubscribe", name)) => Ok(Self::Unsubscribe(endpoint(name)?)),
            Some(("read", name)) => Ok(Self::Read(endpoint(name)?)),
            _ => Ok(Self::Write(packet(done)?)),
        }
    }
}

impl std::fmt::Display for Talk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = |data: &[u8]| {
            let hex: Vec<_> = data.iter().map(|byte| format!("{byte:02X}")).collect();
            let printable = data.len() > 2 && data.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
            let text = if printable { format!(" ({:?})", String::from_utf8_lossy(data)) } else { String::new() };
            hex.join(" ") + &text
        };
        match self {
            Self::Write(Packet { endpoint, data, ack }) => {
                write!(f, "> {endpoint}{}: {}", if *ack { " ack" } else { "" }, bytes(data))
            }
            Self::Read(endpoint) => write!(f, "> read {endpoint}"),
            Self::Subscribe(endpoint) => write!(f, "> subscribe {endpoint}"),
            Self::Unsubscribe(endpoint) => write!(f, "> unsubscribe {endpoint}"),
            Self::Sends(Notification { endpoint, data }) => write!(f, "< {endpoint}: {}", bytes(data)),
            Self::Value(data) => write!(f, "< value: {}", bytes(data)),
            Self::Reports(value) => write!(f, "-> {value}"),
        }
    }
}

/// Something that is done to the hardware in an example, and what the hardware says to it.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) done: Operation,
    /// What it sends.
    pub(crate) said: Vec<Notification>,
    /// The value that it answers to a read.
    pub(crate) value: Option<Vec<u8>>,
}

/// The conversations of an example: that of connecting, and one for each command. What cannot be parsed is left out;
/// playing the example reports it.
pub(crate) fn conversations(example: &Example) -> Vec<Vec<Exchange>> {
    let mut all: Vec<Vec<Exchange>> = vec![Vec::new()];
    for (_, text) in &example.steps {
        if !is_talk(text) {
            all.push(Vec::new());
            continue;
        }
        let Some(exchanges) = all.last_mut() else { continue };
        let done = match Talk::parse(text) {
            Ok(Talk::Write(packet)) => Operation::Write(packet),
            Ok(Talk::Read(endpoint)) => Operation::Read(endpoint),
            Ok(Talk::Subscribe(endpoint)) => Operation::Subscribe(endpoint),
            Ok(Talk::Unsubscribe(endpoint)) => Operation::Unsubscribe(endpoint),
            Ok(answer) => {
                match (answer, exchanges.last_mut()) {
                    (Talk::Sends(notification), Some(exchange)) => exchange.said.push(notification),
                    (Talk::Value(value), Some(exchange)) => exchange.value = Some(value),
                    _ => {}
                }
                continue;
            }
            Err(_) => continue,
        };
        exchanges.push(Exchange { done, said: Vec::new(), value: None });
    }
    all
}

/// Whether a line of an example is conversation and no command.
pub(super) fn is_talk(text: &str) -> bool {
    text.starts_with(['>', '<']) || text.starts_with("->")
}

/// Literal bytes are a template without values.
fn packet(text: &str) -> Result<Packet, String> {
    let line = PacketTemplate::parse(text, &Names::default()).map_err(|error| error.to_string())?;
    let data = line.encode(&Nothing).map_err(|error| error.to_string())?;
    Ok(Packet { endpoint: line.endpoint(), data, ack: line.ack() })
}

struct Nothing;

impl Scope for Nothing {
    fn value(&self) -> f64 {
        0.0
    }
    fn duration(&self) -> f64 {
        0.0
    }
    fn index(&self) -> f64 {
        0.0
    }
    fn previous(&self) -> f64 {
        0.0
    }
    fn feature(&self, _: u32) -> f64 {
        0.0
    }
    fn outputs(&self, _: Option<OutputKind>) -> Vec<(u32, f64)> {
        Vec::new()
    }
    fn param(&self, _: &str) -> Option<f64> {
        None
    }
    fn buffer(&self, _: &str) -> Option<&[u8]> {
        None
    }
    fn has(&self, _: Endpoint) -> bool {
        false
    }
    fn next_sequence(&self) -> u8 {
        0
    }
}

pub(super) fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is no number that fits here"))
}
