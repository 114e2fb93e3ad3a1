//! Plays the device of an example: does what the device's writer does, one command after the other and without time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::transcript::{Failed, Script, Talk, lock, number};
use crate::driver::{Batch, Change, Driver, Levels, Moves};
use crate::library::{Definition, InputSpec, Model, definition::Repeat};
use crate::link::{Link, Packet};
use crate::types::{InputKind, Output, OutputKind};

pub(super) struct Player {
    driver: Box<dyn Driver>,
    model: Arc<Model>,
    link: Link,
    script: Arc<Mutex<Script>>,
    levels: Levels,
    /// What the hardware has of each output.
    written: BTreeMap<(u32, OutputKind), i32>,
    /// Where each feature was last sent to.
    positions: BTreeMap<u32, i32>,
    listening: Vec<(u32, InputSpec)>,
    repeat: Option<Repeat>,
    /// What `[repeat]` writes again, and how long nothing was written.
    last: Vec<Packet>,
    quiet: Duration,
    /// The moves that are played for hardware that only jumps.
    moves: Option<Moves>,
    /// The driver is code, which may look at the clock.
    coded: bool,
}

impl Player {
    pub(super) fn new(
        driver: Box<dyn Driver>,
        definition: &Definition,
        model: Arc<Model>,
        link: Link,
        script: Arc<Mutex<Script>>,
    ) -> Self {
        let mut levels = Levels::new(&model);
        let mut positions = BTreeMap::new();
        for (feature, output) in model.outputs().filter(|(_, output)| output.kind.is_position()) {
            if let Some(position) = driver.position(feature) {
                levels.begin(feature, output.kind, position);
                positions.insert(feature, position);
            }
        }
        Self {
            moves: driver.step().map(Moves::new),
            repeat: driver.refresh().or(definition.repeat),
            driver,
            levels,
            model,
            link,
            script,
            written: BTreeMap::new(),
            positions,
            listening: Vec::new(),
            last: Vec::new(),
            quiet: Duration::ZERO,
            coded: definition.driver.is_some(),
        }
    }

    pub(super) async fn command(&mut self, command: &str) -> Result<(), Failed> {
        let done = self.carry_out(command).await;
        done.map_err(|reason| lock(&self.script).fail(&reason))?;
        self.hear()
    }

    async fn carry_out(&mut self, command: &str) -> Result<(), String> {
        let words: Vec<_> = command.split_whitespace().collect();
        match words.as_slice() {
            ["stop"] => self.batch(&self.zeros(None)?, true),
            ["stop", feature] => self.batch(&self.zeros(Some(number(feature)?))?, true),
            ["wait", time] => self.wait(milliseconds(time)?).await,
            ["read", kind, feature, "->", value] => {
                let wanted: i32 = number(value)?;
                let (feature, input) = self.input(feature, kind)?;
                lock(&self.script).listening = false;
                let answer = self.driver.inputs().read(feature, input.kind, self.link.clone()).await;
                lock(&self.script).listening = !self.listening.is_empty();
                let answer = answer.map_err(|error| error.to_string())?;
                within(input, answer)?;
                if answer == wanted { Ok(()) } else { Err(format!("read {answer}; the example says {wanted}")) }
            }
            ["listen", kind, feature] => {
                let (feature, input) = self.input(feature, kind)?;
                let endpoint = self.driver.inputs().stream(feature, input.kind);
                let endpoint = endpoint.ok_or_else(|| format!("{kind} of feature {feature} can only be asked for"))?;
                self.listening.push((feature, input));
                lock(&self.script).listening = true;
                self.link.subscribe(endpoint).await.map_err(|error| error.to_string())
            }
            _ => {
                let changes: Result<Vec<_>, _> = command.split(',').map(|set| self.set(set)).collect();
                let changes = self.news(&changes?);
                self.batch(&changes, false)
            }
        }
    }

    fn input(&self, feature: &str, kind: &str) -> Result<(u32, InputSpec), String> {
        let feature = number(feature)?;
        let known = InputKind::from_key(kind).ok_or_else(|| format!("{kind:?} is no input"))?;
        let mut inputs = self.model.inputs();
        inputs
            .find(|(index, input)| (*index, input.kind) == (feature, known))
            .ok_or_else(|| format!("feature {feature} of {:?} has no {kind}", self.model.name))
    }

    /// What the hardware sent by itself reaches those who listen.
    fn hear(&mut self) -> Result<(), Failed> {
        if self.listening.is_empty() {
            return Ok(());
        }
        let inputs = self.driver.inputs();
        let mut script = lock(&self.script);
        while let Some(notification) = script.next_notification() {
            for (feature, input) in &self.listening {
                if let Some(value) = inputs.value(*feature, input.kind, &notification) {
                    within(*input, value).map_err(|reason| script.fail(&reason))?;
                    script.reported(Some(value))?;
                }
            }
            script.reported(None)?;
        }
        Ok(())
    }

    fn set(&self, text: &str) -> Result<Change, String> {
        let words: Vec<_> = text.split_whitespace().collect();
        let (kind, feature, value, duration_ms) = match words.as_slice() {
            [kind, feature, value] => (*kind, number(feature)?, number(value)?, 0),
            [kind, feature, value, "in", time] => {
                let ms = u32::try_from(milliseconds(time)?.as_millis()).map_err(|error| error.to_string())?;
                (*kind, number(feature)?, number(value)?, ms)
            }
            _ => {
                return Err(format!("{text:?} is no step of an example; see device-config/README.md"));
            }
        };
        let kind = OutputKind::from_key(kind).ok_or_else(|| format!("{kind:?} is no output"))?;
        let output = self.model.outputs().find(|(index, output)| (*index, output.kind) == (feature, kind));
        let (_, output) =
            output.ok_or_else(|| format!("feature {feature} of {:?} has no {}", self.model.name, kind.key()))?;
        let off = value == 0 && !kind.is_position();
        if !off && !(output.min..=output.max).contains(&value) {
            return Err(format!("{value} is not within {} to {}", output.min, output.max));
        }
        if let Some((shortest, longest)) = output.duration_ms
            && !(shortest..=longest).contains(&duration_ms)
        {
            return Err(format!("{duration_ms} ms are not within {shortest} to {longest}"));
        }
        let previous = self.positions.get(&feature).copied().unwrap_or(0);
        Ok(Change { feature, output: Output { kind, value, duration_ms }, previous })
    }

    /// What of a message reaches the driver, and in which order: see `device::desired`.
    fn news(&self, changes: &[Change]) -> Vec<Change> {
        let place = |change: &Change| (change.feature, change.output.kind);
        let newest = self.model.outputs().filter_map(|(feature, output)| {
            let of_output = |change: &&Change| place(change) == (feature, output.kind);
            changes.iter().rev().find(of_output).copied()
        });
        let known = |change: &Change| self.written.get(&place(change)) == Some(&change.output.value);
        newest.filter(|change| change.output.kind.is_event() || !known(change)).collect()
    }

    fn zeros(&self, only: Option<u32>) -> Result<Vec<Change>, String> {
        if let Some(only) = only
            && !self.model.features.iter().any(|feature| feature.index == only)
        {
            return Err(format!("{:?} has no feature {only}", self.model.name));
        }
        let levels = self
            .model
            .outputs()
            .filter(|(index, output)| !output.kind.is_position() && only.is_none_or(|only| only == *index));
        let zero = |kind| Output { kind, value: 0, duration_ms: 0 };
        let changes = levels.map(|(feature, output)| Change { feature, output: zero(output.kind), previous: 0 });
        Ok(changes.collect())
    }

    fn batch(&mut self, changes: &[Change], stop: bool) -> Result<(), String> {
        if changes.is_empty() {
            return Ok(());
        }
        for change in changes {
            let Output { kind, value, .. } = change.output;
            self.written.insert((change.feature, kind), value);
            if kind.is_position() {
                self.positions.insert(change.feature, value);
            }
        }
        let timed = |change: &Change| change.output.kind == OutputKind::HwPositionWithDuration;
        let (played, changes): (Vec<_>, Vec<_>) =
            changes.iter().copied().partition(|change| self.moves.is_some() && timed(change));
        if let Some(moves) = &mut self.moves {
            changes.iter().filter(|_| stop).for_each(|change| moves.cancel(change.feature));
            played.iter().for_each(|change| moves.start(change, Instant::now()));
        }
        let packets = self.encode(&changes, stop)?;
        if !packets.is_empty() {
            self.last = packets;
        }
        self.speak()
    }

    fn encode(&mut self, changes: &[Change], stop: bool) -> Result<Vec<Packet>, String> {
        for Change { feature, output, .. } in changes {
            self.levels.set(*feature, output.kind, output.value);
        }
        let batch = Batch { changes, levels: &self.levels, stop };
        let packets = self.driver.encode(&batch, Instant::now()).map_err(|error| error.to_string())?;
        self.send(&packets)?;
        Ok(packets)
    }

    /// What is said without a command: the positions of moves, and what the driver says by itself.
    fn speak(&mut self) -> Result<(), String> {
        let due = self.moves.as_mut().map(|moves| moves.due(Instant::now(), Duration::ZERO)).unwrap_or_default();
        let changes: Vec<_> =
            due.into_iter().map(|(feature, output)| Change { feature, output, previous: 0 }).collect();
        if !changes.is_empty() {
            self.encode(&changes, false)?;
        }
        let packets = self.driver.poll(Instant::now()).packets;
        self.send(&packets)
    }

    fn send(&mut self, packets: &[Packet]) -> Result<(), String> {
        for packet in packets {
            if !self.link.has(packet.endpoint) {
                return Err(format!("the hardware has no endpoint {}", packet.endpoint));
            }
            let sent = lock(&self.script).expect(&Talk::Write(packet.clone()));
            sent.map_err(|error| error.to_string())?;
            self.driver.confirmed(packet, Instant::now());
            self.quiet = Duration::ZERO;
        }
        Ok(())
    }

    async fn wait(&mut self, time: Duration) -> Result<(), String> {
        if self.coded {
            tokio::time::sleep(time).await;
        }
        self.quiet += time;
        self.speak()?;
        let rule = self.repeat.filter(|rule| !rule.only_running || self.levels.running());
        let Some(every) = rule.map(|rule| rule.every).filter(|every| !every.is_zero()) else {
            return Ok(());
        };
        while self.quiet >= every && !self.last.is_empty() {
            let left = self.quiet.saturating_sub(every);
            self.last = self.driver.again(&self.last);
            self.send(&self.last.clone())?;
            self.quiet = left;
        }
        Ok(())
    }
}

fn within(input: InputSpec, value: i32) -> Result<(), String> {
    let InputSpec { kind, min, max, .. } = input;
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        let key = kind.key();
        Err(format!("{key} {value} is outside of the range that the feature declares, {min} to {max}"))
    }
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('s').unwrap_or(text), 1000),
    };
    Ok(Duration::from_millis(number::<u64>(digits)?.saturating_mul(unit)))
}
