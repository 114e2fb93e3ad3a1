//! Runs the examples of a definition: conversations in which every byte must come as written.
//!
//! Lines are, in order:
//! - `vibrate 0 64`, `hw_position 0 50 in 200ms`, several joined by commas: one frame of a client, in device values
//! - `stop`, or `stop 1` for one feature
//! - `read battery 1 -> 85`: a client asks; the answer must be 85
//! - `wait 100ms`: time passes, and the driver may speak by itself
//! - `> tx ack: F1 40`, `> subscribe rx`, `> unsubscribe rx`, `> read rx`: what must be done to the hardware next
//! - `< rx: "OK;"`: what the hardware sends, `< value: 31 32`: what it answers to the `> read` before
//!
//! What stands before the first command is the conversation of connecting.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::library::definition::Example;
use crate::library::template::{Line, Names, Scope};
use crate::library::{Bus, Definition, Hardware, Matcher, Problem};
use crate::link::{Deadlines, Link, LinkEnd, LinkError, LinkInfo, Notification, Operation, Packet, pair};
use crate::message::{Endpoint, InputKind, Output, OutputKind};

use super::{Batch, Change, Driver, Levels};

/// Runs every example of a definition.
pub async fn run_all(definition: &Arc<Definition>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for example in &definition.examples {
        if let Err((line, reason)) = run(definition, example).await {
            problems.push(Problem {
                file: None,
                line: Some(line),
                reason: format!("example: {reason}"),
                warning: false,
            });
        }
    }
    problems
}

type Failed = (usize, String);

async fn run(definition: &Arc<Definition>, example: &Example) -> Result<(), Failed> {
    let last = example.steps.last().map_or(0, |(line, _)| *line);
    let mut rest: VecDeque<(usize, &str)> = example.steps.iter().map(|(line, text)| (*line, text.as_str())).collect();
    let script = Arc::new(Mutex::new(Script::default()));
    let fill = |rest: &mut VecDeque<(usize, &str)>| -> Result<(), Failed> {
        let mut script = lock(&script);
        while let Some((line, text)) = rest.front().copied().filter(|(_, text)| text.starts_with(['>', '<'])) {
            script.lines.push_back((line, Talk::parse(text).map_err(|reason| (line, reason))?));
            rest.pop_front();
        }
        Ok(())
    };
    let drained = |line: usize| lock(&script).finish().map_err(|(at, reason)| (at.max(line), reason));

    fill(&mut rest)?;
    let matcher = definition.matchers.first();
    let all = definition.matchers.iter().flat_map(Matcher::endpoints).collect();
    let info = LinkInfo {
        endpoints: example.endpoints.clone().unwrap_or(all),
        gap: Duration::ZERO,
        deadlines: Deadlines::default(),
        scripted: true,
    };
    let (link, end) = pair(info);
    let hardware = Hardware::new(matcher.map_or(Bus::Btle, Matcher::bus), example.model.as_deref().unwrap_or(""), "");
    let serving = tokio::spawn(serve(end, Arc::clone(&script)));
    let result = async {
        let protocol = super::of(definition);
        let asked = protocol.identify(definition, &hardware, &link).await;
        let asked = asked.map_err(|error| fail(&script, last, &error.to_string()))?;
        // A driver that asks the hardware gets the model from the example's own conversation.
        let model = Arc::new(definition.model(asked.as_deref().or(example.model.as_deref())).clone());
        if let Some(wanted) = &example.model
            && !model.ids.contains(wanted)
        {
            return Err((last, format!("the hardware was taken for {asked:?}, not for {wanted:?}")));
        }
        let mut driver = protocol.open(definition, &model, &link);
        driver.connect(&link).await.map_err(|error| fail(&script, last, &error.to_string()))?;
        drained(0)?;
        let mut player = Player { driver, levels: Levels::new(&model), model, positions: BTreeMap::new() };
        while let Some((line, command)) = rest.pop_front() {
            fill(&mut rest)?;
            player.command(command, &script, &link).await.map_err(|reason| fail(&script, line, &reason))?;
            drained(line)?;
        }
        Ok(())
    }
    .await;
    drop(link);
    serving.abort();
    result
}

/// The reason that the script knows is nearer to the cause than the one that came back through the driver.
fn fail(script: &Mutex<Script>, line: usize, reason: &str) -> Failed {
    lock(script).failed.take().unwrap_or_else(|| (line, reason.to_owned()))
}

fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What must be said next, and the first thing that was said otherwise.
#[derive(Default)]
struct Script {
    lines: VecDeque<(usize, Talk)>,
    failed: Option<Failed>,
}

impl Script {
    fn expect(&mut self, done: &Talk) -> Result<Vec<u8>, LinkError> {
        match self.lines.pop_front() {
            Some((_, wanted)) if wanted == *done => match self.lines.front() {
                Some((_, Talk::Value(_))) => match self.lines.pop_front() {
                    Some((_, Talk::Value(value))) => Ok(value),
                    _ => Ok(Vec::new()),
                },
                _ => Ok(Vec::new()),
            },
            other => {
                let (line, wanted) = other.map_or((0, "nothing".to_owned()), |(line, talk)| (line, talk.to_string()));
                let reason = format!("sent: {done}; the example says: {wanted}");
                self.failed.get_or_insert((line, reason.clone()));
                Err(LinkError::Failed(reason))
            }
        }
    }

    fn next_notification(&mut self) -> Option<Notification> {
        match self.lines.front() {
            Some((_, Talk::Sends(_))) => match self.lines.pop_front() {
                Some((_, Talk::Sends(notification))) => Some(notification),
                _ => None,
            },
            _ => None,
        }
    }

    fn finish(&mut self) -> Result<(), Failed> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        match self.lines.pop_front() {
            None => Ok(()),
            Some((line, talk)) => Err((line, format!("this was not sent: {talk}"))),
        }
    }
}

/// Plays the hardware.
async fn serve(mut end: LinkEnd, script: Arc<Mutex<Script>>) {
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
        while let Some(notification) = script.next_notification() {
            let _ = end.notify.send(notification);
        }
        let _ = request.done.send(outcome);
    }
}

/// One line of conversation.
#[derive(Debug, PartialEq, Eq)]
enum Talk {
    Write(Packet),
    Read(Endpoint),
    Subscribe(Endpoint),
    Unsubscribe(Endpoint),
    Sends(Notification),
    Value(Vec<u8>),
}

impl Talk {
    fn parse(text: &str) -> Result<Self, String> {
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
        }
    }
}

/// Literal bytes are a template without values.
fn packet(text: &str) -> Result<Packet, String> {
    let line = Line::parse(text, &Names::default()).map_err(|error| error.to_string())?;
    let data = line.render(&Nothing).map_err(|error| error.to_string())?;
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

/// Plays the device.
struct Player {
    driver: Box<dyn Driver>,
    levels: Levels,
    model: Arc<crate::library::Model>,
    positions: BTreeMap<u32, i32>,
}

impl Player {
    async fn command(&mut self, command: &str, script: &Mutex<Script>, link: &Link) -> Result<(), String> {
        let words: Vec<_> = command.split_whitespace().collect();
        match words.as_slice() {
            ["stop"] => self.batch(self.zeros(None), true, script),
            ["stop", feature] => self.batch(self.zeros(Some(number(feature)?)), true, script),
            ["wait", time] => {
                tokio::time::sleep(milliseconds(time)?).await;
                self.speak(script)
            }
            ["read", kind, feature, "->", value] => {
                let kind = InputKind::from_key(kind).ok_or_else(|| format!("{kind:?} is no input"))?;
                let answer = self.driver.inputs().read(number(feature)?, kind, link.clone()).await;
                let answer = answer.map_err(|error| error.to_string())?;
                let wanted: i32 = number(value)?;
                if answer == wanted { Ok(()) } else { Err(format!("read {answer}; the example says {wanted}")) }
            }
            _ => {
                let changes: Result<Vec<_>, _> = command.split(',').map(|set| self.set(set)).collect();
                self.batch(changes?, false, script)
            }
        }
    }

    fn set(&self, text: &str) -> Result<Change, String> {
        let words: Vec<_> = text.split_whitespace().collect();
        let (kind, feature, value, duration_ms) = match words.as_slice() {
            [kind, feature, value] => (*kind, number(feature)?, number(value)?, 0),
            [kind, feature, value, "in", time] => {
                let ms = u32::try_from(milliseconds(time)?.as_millis()).map_err(|error| error.to_string())?;
                (*kind, number(feature)?, number(value)?, ms)
            }
            _ => return Err(format!("{text:?} is no command; see the top of src/driver/example.rs")),
        };
        let kind = OutputKind::from_key(kind).ok_or_else(|| format!("{kind:?} is no output"))?;
        let output = self.model.outputs().find(|(index, output)| (*index, output.kind) == (feature, kind));
        let (_, output) =
            output.ok_or_else(|| format!("feature {feature} of {:?} has no {}", self.model.name, kind.key()))?;
        if !(output.min..=output.max).contains(&value) {
            return Err(format!("{value} is not within {} to {}", output.min, output.max));
        }
        let previous = self.positions.get(&feature).copied().unwrap_or(0);
        Ok(Change { feature, output: Output { kind, value, duration_ms }, previous })
    }

    fn zeros(&self, only: Option<u32>) -> Vec<Change> {
        let levels = self
            .model
            .outputs()
            .filter(|(index, output)| !output.kind.is_position() && only.is_none_or(|only| only == *index));
        let zero = |kind| Output { kind, value: 0, duration_ms: 0 };
        levels.map(|(feature, output)| Change { feature, output: zero(output.kind), previous: 0 }).collect()
    }

    fn batch(&mut self, changes: Vec<Change>, stop: bool, script: &Mutex<Script>) -> Result<(), String> {
        for change in &changes {
            self.levels.set(change.feature, change.output.kind, change.output.value);
            if change.output.kind.is_position() {
                self.positions.insert(change.feature, change.output.value);
            }
        }
        let batch = Batch { changes: &changes, levels: &self.levels, stop };
        let packets = self.driver.encode(&batch).map_err(|error| error.to_string())?;
        self.send(packets, script)?;
        self.speak(script)
    }

    fn speak(&mut self, script: &Mutex<Script>) -> Result<(), String> {
        let packets = self.driver.poll().packets;
        self.send(packets, script)
    }

    fn send(&mut self, packets: Vec<Packet>, script: &Mutex<Script>) -> Result<(), String> {
        for packet in packets {
            lock(script).expect(&Talk::Write(packet.clone())).map_err(|error| error.to_string())?;
            self.driver.confirmed(&packet);
        }
        Ok(())
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is no number that fits here"))
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('s').unwrap_or(text), 1000),
    };
    Ok(Duration::from_millis(number::<u64>(digits)?.saturating_mul(unit)))
}
