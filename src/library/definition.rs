//! One protocol: who its hardware is, what its models can do, what bytes they want.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::hardware::trimmed;
use super::matcher::Matcher;
use super::model::Model;
use super::template::{Expression, PacketTemplate, Step};
use crate::types::{Bus, Endpoint, InputKind, OutputKind};

/// A checked definition.
#[derive(Debug)]
pub struct Definition {
    /// Name of the protocol: the file's name without its ending.
    pub protocol: String,
    /// Where it is from, for messages.
    pub path: String,
    /// Title for people.
    pub name: String,
    /// Name of the coded driver; `None` means that the templates say everything.
    pub driver: Option<String>,
    /// Smallest time between two writes, where the protocol wants its own.
    pub gap: Option<Duration>,
    /// Least time between the packets of one command, where the hardware needs it.
    pub packet_gap: Option<Duration>,
    /// How hardware is recognised.
    pub matchers: Vec<Matcher>,
    /// How the model is found out; the first source that the hardware has decides, none means the name.
    pub identify: Vec<Identify>,
    /// Steps run after connecting, before any output.
    pub connect: Vec<Step>,
    /// The position at which a feature stands after connecting, from the buffers that the connect steps filled.
    pub start_position: Option<Expression>,
    /// The model of hardware whose identifier is not known.
    pub default: Model,
    /// The other models.
    pub models: Vec<Model>,
    /// Packets for each kind of output: all whose condition holds are sent, in order.
    pub write: BTreeMap<OutputKind, Vec<PacketTemplate>>,
    /// How inputs are asked or listened to.
    pub inputs: BTreeMap<InputKind, InputRule>,
    /// The last packets are written again when nothing was written for a while.
    pub repeat: Option<Repeat>,
    /// Conversations that the definition must produce.
    pub examples: Vec<Example>,
    /// Identifiers that files with `extends` added, each with the path of its file.
    pub added: BTreeMap<String, String>,
    /// Stands for the texts that it was read from: another text is another definition.
    pub digest: u64,
    /// The files with `extends` that add to it.
    pub extended_by: Vec<String>,
}

/// A source of the model's identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identify {
    /// Where the bytes are from.
    pub from: IdentifyFrom,
    /// How they are read.
    pub form: IdentifyForm,
}

/// Where an identifier is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentifyFrom {
    /// The advertised name.
    Name,
    /// The manufacturer data of the advertisement, whatever the company.
    Manufacturer,
    /// The value of an endpoint.
    Read(Endpoint),
}

/// How bytes become an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentifyForm {
    /// As UTF-8 text without NUL bytes.
    Text,
    /// As lower-case hex.
    Hex,
    /// As the decimal text of a big-endian number of exactly four bytes.
    U32Be,
    /// As one part, counted from 1, of the text split at a separator.
    Part(String, usize),
}

/// How an input is measured.
#[derive(Debug)]
pub enum InputRule {
    /// Steps that ask, and what of the answer is the value.
    Read {
        /// The steps.
        steps: Vec<Step>,
        /// The value, from the buffers that the steps filled.
        value: Expression,
    },
    /// Notifications, and what of each is the value. The notification is the buffer `b`.
    Stream {
        /// Where they come from.
        endpoint: Endpoint,
        /// Which of them count.
        when: Option<Expression>,
        /// The value.
        value: Expression,
    },
}

/// Repeating of the last packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    /// After this time without a write.
    pub every: Duration,
    /// Only while an output is not at zero.
    pub only_running: bool,
}

/// A conversation to check a definition by.
#[derive(Debug)]
pub struct Example {
    /// The file it is in, if that is another than the definition's.
    pub file: Option<String>,
    /// The line at which it begins.
    pub line: usize,
    /// Identifier of the model; `None` is the default.
    pub model: Option<String>,
    /// The name that the hardware advertises, if recognising and identifying it is examined.
    pub name: Option<String>,
    /// The manufacturer data that it advertises, likewise.
    pub manufacturer: Option<(u16, Vec<u8>)>,
    /// Endpoints of the hardware; `None` is all that the definition speaks of.
    pub endpoints: Option<BTreeSet<Endpoint>>,
    /// The lines, each with its line number in the file.
    pub steps: Vec<(usize, String)>,
}

impl Definition {
    /// The model of an identifier: one that lists it, else one with the longest beginning of it that ends in `*`, else
    /// the default.
    #[must_use]
    pub fn model(&self, identifier: Option<&str>) -> &Model {
        let listed = identifier.and_then(|id| listed(&self.models, id));
        listed.unwrap_or(&self.default)
    }

    /// The default and every other model.
    pub fn all_models(&self) -> impl Iterator<Item = &Model> {
        std::iter::once(&self.default).chain(&self.models)
    }

    /// Whether both are of one protocol and were read from the same texts.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.protocol, self.digest) == (&other.protocol, other.digest)
    }

    /// Endpoints that some matching hardware has.
    #[must_use]
    pub fn endpoints(&self) -> BTreeSet<Endpoint> {
        self.matchers.iter().flat_map(Matcher::endpoints).collect()
    }

    /// The effective time between the packets of one command on a bus: hardware and bus both get what they need.
    #[must_use]
    pub fn packet_gap_on(&self, bus: Bus) -> Duration {
        self.packet_gap.unwrap_or_default().max(Duration::from_millis(bus.packet_gap_ms()))
    }

    /// Whether the last packet comes again even when everything rests. Such hardware wants one from the start.
    #[must_use]
    pub fn repeats_at_rest(&self) -> bool {
        self.repeat.is_some_and(|repeat| !repeat.only_running)
    }

    /// The effective gap on a bus.
    #[must_use]
    pub fn gap_on(&self, bus: Bus) -> Duration {
        self.gap.unwrap_or(Duration::from_millis(bus.gap_ms()))
    }
}

/// A number that stands for a text and what came before it. Only good within one process.
pub(super) fn digest(before: u64, text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (before, text).hash(&mut hasher);
    hasher.finish()
}

/// The model that an identifier means.
pub(super) fn listed<'m>(models: &'m [Model], identifier: &str) -> Option<&'m Model> {
    let identifier = trimmed(identifier);
    let exact = |model: &&Model| model.ids.iter().any(|id| trimmed(id) == identifier);
    let start = |id: &String| {
        let start = id.strip_suffix('*')?;
        identifier.starts_with(start).then_some(start.len())
    };
    let longest = |model: &'m Model| Some((model.ids.iter().filter_map(start).max()?, model));
    models.iter().find(exact).or_else(|| {
        let found = models.iter().filter_map(longest);
        found.max_by_key(|(length, _)| *length).map(|(_, model)| model)
    })
}
