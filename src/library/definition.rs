//! One protocol: who its hardware is, what its models can do, what bytes they want.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use toml::Spanned;
use uuid::Uuid;

use super::hardware::Services;
use super::load::Problem;
use super::model::{Feature, InputSpec, Model, OutputSpec};
use super::raw;
use super::template::{Expression, Line, Names, ParseError, Step, is_free_name};
use super::{Matcher, hardware::Bus};
use crate::message::{Endpoint, InputKind, OutputKind};

/// A checked definition.
#[derive(Debug)]
pub struct Definition {
    /// Name of the protocol: the file's name without its ending.
    pub protocol: String,
    /// Title for people.
    pub name: String,
    /// Name of the coded driver; `None` means that the templates say everything.
    pub driver: Option<String>,
    /// Smallest time between two writes, where the protocol wants its own.
    pub gap: Option<Duration>,
    /// How hardware is recognised.
    pub matchers: Vec<Matcher>,
    /// How the model is found out; the first source that the hardware has decides, none means the name.
    pub identify: Vec<Identify>,
    /// What is said to the hardware after connecting.
    pub connect: Vec<Step>,
    /// The model of hardware whose identifier is not known.
    pub default: Model,
    /// The other models.
    pub models: Vec<Model>,
    /// Packets for each kind of output: all whose condition holds are sent, in order.
    pub write: BTreeMap<OutputKind, Vec<Line>>,
    /// How inputs are asked or listened to.
    pub inputs: BTreeMap<InputKind, InputRule>,
    /// The last packets are written again when nothing was written for a while.
    pub repeat: Option<Repeat>,
    /// Conversations that the definition must produce.
    pub examples: Vec<Example>,
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
    /// Identifier of the model; `None` is the default.
    pub model: Option<String>,
    /// Endpoints of the hardware; `None` is all that the definition speaks of.
    pub endpoints: Option<BTreeSet<Endpoint>>,
    /// The lines, each with its line number in the file.
    pub steps: Vec<(usize, String)>,
}

impl Definition {
    /// Reads and checks a definition. `drivers` are the names of the coded drivers that exist.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(protocol: &str, text: &str, drivers: &[&str]) -> Result<Self, Vec<Problem>> {
        let file: raw::File = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            vec![Problem::at(text, offset, error.message().trim().replace('\n', ", "))]
        })?;
        let mut reader = Reader { text, problems: Vec::new() };
        let definition = reader.definition(protocol, file, drivers);
        if reader.problems.is_empty() { Ok(definition) } else { Err(reader.problems) }
    }

    /// The model of an identifier; the default for one that is not listed or not known.
    #[must_use]
    pub fn model(&self, identifier: Option<&str>) -> &Model {
        let listed = |id: &str| self.models.iter().find(|model| model.ids.iter().any(|known| known == id));
        identifier.and_then(listed).unwrap_or(&self.default)
    }

    /// The default and every other model.
    pub fn all_models(&self) -> impl Iterator<Item = &Model> {
        std::iter::once(&self.default).chain(&self.models)
    }

    /// The effective gap on a bus.
    #[must_use]
    pub fn gap_on(&self, bus: Bus) -> Duration {
        self.gap.unwrap_or(Duration::from_millis(bus.gap_ms()))
    }
}

struct Reader<'a> {
    text: &'a str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn wrong<T>(&mut self, at: &Spanned<T>, reason: impl Into<String>) {
        self.problems.push(Problem::at(self.text, at.span().start, reason));
    }

    fn definition(&mut self, protocol: &str, file: raw::File, drivers: &[&str]) -> Definition {
        if let Some(driver) = &file.driver
            && !drivers.contains(&driver.get_ref().as_str())
        {
            self.wrong(driver, format!("there is no driver {:?}; there are: {}", driver.get_ref(), drivers.join(", ")));
        }
        let coded = file.driver.is_some();
        let matchers = file.matches.into_iter().filter_map(|entry| self.matcher(&entry)).collect();
        let identify = file.identify.iter().filter_map(|entry| self.identify(entry)).collect();
        let mut names =
            Names { params: file.default.get_ref().set.keys().cloned().collect(), buffers: BTreeSet::new() };
        for name in names.params.iter().filter(|name| !is_free_name(name)) {
            self.wrong(
                &file.default,
                format!("a parameter cannot be called {name:?}: it is no plain name, or is taken"),
            );
        }
        let connect = file.connect.iter().filter_map(|step| self.step(step, &mut names)).collect();
        let write = self.writes(file.write, &names);
        let inputs = file
            .input
            .into_iter()
            .filter_map(|(kind, rule)| {
                let Some(known) = InputKind::from_key(kind.get_ref()) else {
                    let all: Vec<_> = InputKind::ALL.iter().map(|kind| kind.key()).collect();
                    self.wrong(&kind, format!("{:?} is no input; there are: {}", kind.get_ref(), all.join(", ")));
                    return None;
                };
                Some((known, self.input(&kind, &rule, &names)?))
            })
            .collect();
        let default_at = file.default.span().start;
        let raw_default = file.default.into_inner();
        let default_features = raw_default.features.clone().unwrap_or_default();
        let default_set = raw_default.set.clone();
        let mut built =
            Models { coded, inputs: &inputs, write: &write, features: &default_features, set: &default_set };
        let default = self.model(default_at, raw_default, &mut built);
        let models: Vec<_> = file
            .model
            .into_iter()
            .map(|model| {
                let at = model.span().start;
                if model.get_ref().ids.is_empty() {
                    self.wrong(&model, "a [[model]] needs its `ids`, the identifiers that mean it");
                }
                self.model(at, model.into_inner(), &mut built)
            })
            .collect();
        self.unique(&models);
        let examples = file.example.iter().map(|example| self.example(example, &models)).collect();
        Definition {
            protocol: protocol.to_owned(),
            name: file.name,
            driver: file.driver.map(Spanned::into_inner),
            gap: file.gap_ms.map(|ms| Duration::from_millis(ms.into())),
            matchers,
            identify,
            connect,
            default,
            models,
            write,
            inputs,
            repeat: file.repeat.map(|repeat| Repeat {
                // Zero would be a loop without a pause.
                every: Duration::from_millis(repeat.every_ms.max(10)),
                only_running: repeat.only_running,
            }),
            examples,
        }
    }

    fn matcher(&mut self, entry: &Spanned<raw::Match>) -> Option<Matcher> {
        let raw = entry.get_ref();
        let given =
            [raw.btle.is_some(), raw.serial.is_some(), raw.hid.is_some(), raw.usb.is_some(), raw.websocket.is_some()];
        if given.iter().filter(|given| **given).count() != 1 {
            self.wrong(entry, "a [[match]] names exactly one of: btle, serial, hid, usb, websocket");
            return None;
        }
        if raw.btle.is_none() && !raw.services.is_empty() {
            self.wrong(entry, "only Bluetooth hardware has services");
        }
        if let Some(btle) = &raw.btle {
            let services = self.services(entry, &raw.services);
            let advertised = btle.advertised.iter().filter_map(|uuid| self.uuid(entry, uuid)).collect();
            let manufacturer = btle
                .manufacturer
                .iter()
                .filter_map(|raw| match hex::decode(raw.data.replace(' ', "")) {
                    Ok(data) => Some((raw.company, data)),
                    Err(error) => {
                        self.wrong(entry, format!("manufacturer data {:?} is not hex: {error}", raw.data));
                        None
                    }
                })
                .collect();
            return Some(Matcher::Btle { names: btle.names.clone(), advertised, manufacturer, services });
        }
        if let Some(serial) = &raw.serial {
            return Some(Matcher::Serial(serial.clone()));
        }
        if let Some(websocket) = &raw.websocket {
            return Some(Matcher::Websocket(websocket.names.clone()));
        }
        let ids = raw.hid.as_ref().or(raw.usb.as_ref())?;
        let ids = ids
            .ids
            .iter()
            .filter_map(|id| {
                let parsed = id.split_once(':').and_then(|(vendor, product)| {
                    Some((u16::from_str_radix(vendor, 16).ok()?, u16::from_str_radix(product, 16).ok()?))
                });
                if parsed.is_none() {
                    self.wrong(entry, format!("{id:?} is not of the form vendor:product in hex, like \"1915:520a\""));
                }
                parsed
            })
            .collect();
        Some(if raw.hid.is_some() { Matcher::Hid(ids) } else { Matcher::Usb(ids) })
    }

    fn services(&mut self, at: &Spanned<raw::Match>, raw: &BTreeMap<String, BTreeMap<String, String>>) -> Services {
        let mut services = Services::new();
        for (service, endpoints) in raw {
            let Some(service) = self.uuid(at, service) else {
                continue;
            };
            let found = services.entry(service).or_default();
            for (endpoint, characteristic) in endpoints {
                match (Endpoint::parse(endpoint), self.uuid(at, characteristic)) {
                    (Some(endpoint), Some(uuid)) => {
                        found.insert(endpoint, uuid);
                    }
                    (None, _) => self.wrong(at, format!("{endpoint:?} is no endpoint")),
                    (_, None) => {}
                }
            }
        }
        services
    }

    /// A UUID, or the 16 bits of one on the Bluetooth base.
    fn uuid<T>(&mut self, at: &Spanned<T>, text: &str) -> Option<Uuid> {
        const BASE: u128 = 0x0000_0000_0000_1000_8000_0080_5f9b_34fb;
        if let (4, Ok(short)) = (text.len(), u16::from_str_radix(text, 16)) {
            return Some(Uuid::from_u128(BASE | u128::from(short) << 96));
        }
        let parsed = Uuid::try_parse(text).ok();
        if parsed.is_none() {
            self.wrong(at, format!("{text:?} is neither a UUID nor the 4 hex digits of a Bluetooth one"));
        }
        parsed
    }

    fn identify(&mut self, entry: &Spanned<raw::Identify>) -> Option<Identify> {
        let raw = entry.get_ref();
        let from = match raw.from.as_str() {
            "name" => IdentifyFrom::Name,
            "manufacturer" => IdentifyFrom::Manufacturer,
            other => match other.strip_prefix("read ").and_then(Endpoint::parse) {
                Some(endpoint) => IdentifyFrom::Read(endpoint),
                None => {
                    self.wrong(entry, format!("from = {other:?}; allowed: name, manufacturer, read ENDPOINT"));
                    return None;
                }
            },
        };
        let form = match (raw.r#as.as_deref(), &raw.split, raw.part) {
            (None | Some("text"), None, None) => IdentifyForm::Text,
            (Some("hex"), None, None) => IdentifyForm::Hex,
            (Some("u32be"), None, None) => IdentifyForm::U32Be,
            (None | Some("text"), Some(split), Some(part)) if part > 0 && !split.is_empty() => {
                IdentifyForm::Part(split.clone(), part)
            }
            _ => {
                self.wrong(entry, "allowed: as = text, hex or u32be; or split = SEPARATOR with part = 1, 2, ...");
                return None;
            }
        };
        Some(Identify { from, form })
    }

    fn step(&mut self, step: &Spanned<String>, names: &mut Names) -> Option<Step> {
        Step::parse(step.get_ref(), names).map_err(|error| self.wrong(step, error.to_string())).ok()
    }

    fn expression(&mut self, source: &Spanned<String>, names: &Names) -> Option<Expression> {
        Expression::parse(source.get_ref(), names).map_err(|error| self.wrong(source, error.to_string())).ok()
    }

    fn writes(
        &mut self,
        raw: BTreeMap<Spanned<String>, Spanned<raw::OneOrMany>>,
        names: &Names,
    ) -> BTreeMap<OutputKind, Vec<Line>> {
        let mut writes = BTreeMap::new();
        for (kind, lines) in raw {
            let Some(known) = OutputKind::from_key(kind.get_ref()) else {
                let all: Vec<_> = OutputKind::ALL.iter().map(|kind| kind.key()).collect();
                self.wrong(&kind, format!("{:?} is no output; there are: {}", kind.get_ref(), all.join(", ")));
                continue;
            };
            let start = lines.span().start;
            let parsed = lines.into_inner().into_vec().into_iter().filter_map(|line| {
                let failed = |error: ParseError| {
                    // Spans do not reach into "one or many", so the line is found by its text.
                    let after = self.text.get(start..).and_then(|rest| rest.find(&line)).unwrap_or(0);
                    self.problems.push(Problem::at(self.text, start + after, error.to_string()));
                };
                Line::parse(&line, names).map_err(failed).ok()
            });
            writes.insert(known, parsed.collect());
        }
        writes
    }

    fn input(&mut self, kind: &Spanned<String>, raw: &raw::Input, names: &Names) -> Option<InputRule> {
        let mut names = names.clone();
        match (&raw.read, &raw.subscribe) {
            (Some(steps), None) if raw.when.is_none() => {
                let steps = steps.iter().filter_map(|step| self.step(step, &mut names)).collect();
                Some(InputRule::Read { steps, value: self.expression(&raw.value, &names)? })
            }
            (None, Some(subscribe)) => {
                let Some(endpoint) = Endpoint::parse(subscribe.get_ref()) else {
                    self.wrong(subscribe, format!("{:?} is no endpoint", subscribe.get_ref()));
                    return None;
                };
                names.buffers.insert("b".to_owned());
                let when = match &raw.when {
                    Some(when) => Some(self.expression(when, &names)?),
                    None => None,
                };
                Some(InputRule::Stream { endpoint, when, value: self.expression(&raw.value, &names)? })
            }
            _ => {
                self.wrong(kind, "an [input] has either `read` (steps) or `subscribe` (an endpoint, and maybe `when`)");
                None
            }
        }
    }

    fn model(&mut self, at: usize, raw: raw::Model, rules: &mut Models<'_>) -> Model {
        for name in raw.set.keys().filter(|name| !rules.set.contains_key(*name)) {
            let reason = format!("parameter {name:?} has no value in [default] `set`; give it one there");
            self.problems.push(Problem::at(self.text, at, reason));
        }
        let set = rules.set.iter().map(|(name, value)| (name.clone(), raw.set.get(name).copied().unwrap_or(*value)));
        let features = raw.features.unwrap_or_else(|| rules.features.to_vec());
        let model =
            Model { ids: raw.ids, name: raw.name, features: self.features(at, features, rules), set: set.collect() };
        if !rules.coded {
            for (index, output) in model.outputs().filter(|(_, output)| !rules.write.contains_key(&output.kind)) {
                let reason = format!(
                    "feature {index} of {:?} has {key}, but [write] has no {key}",
                    model.name,
                    key = output.kind.key()
                );
                self.problems.push(Problem::at(self.text, at, reason));
            }
        }
        model
    }

    fn features(&mut self, at: usize, raw: Vec<raw::Feature>, rules: &Models<'_>) -> Vec<Feature> {
        let mut features: Vec<Feature> = Vec::new();
        for (position, feature) in raw.into_iter().enumerate() {
            let index = feature.index.unwrap_or(u32::try_from(position).unwrap_or(u32::MAX));
            if index > 31 {
                self.problems.push(Problem::at(self.text, at, format!("feature index {index}; allowed: 0 to 31")));
            }
            if features.iter().any(|other| other.index == index) {
                self.problems.push(Problem::at(self.text, at, format!("two features have the index {index}")));
            }
            let (outputs, inputs) = (self.outputs(at, index, &feature), self.inputs(at, index, &feature, rules));
            features.push(Feature { index, label: feature.label, outputs, inputs });
        }
        features.sort_by_key(|feature| feature.index);
        features
    }

    fn outputs(&mut self, at: usize, index: u32, raw: &raw::Feature) -> Vec<OutputSpec> {
        let plain = [
            (OutputKind::Vibrate, raw.vibrate),
            (OutputKind::Rotate, raw.rotate),
            (OutputKind::Oscillate, raw.oscillate),
            (OutputKind::Constrict, raw.constrict),
            (OutputKind::Spray, raw.spray),
            (OutputKind::Temperature, raw.temperature),
            (OutputKind::Led, raw.led),
            (OutputKind::Position, raw.position),
        ];
        let mut outputs: Vec<_> = plain
            .into_iter()
            .filter_map(|(kind, range)| range.map(|[min, max]| OutputSpec { kind, min, max, duration_ms: None }))
            .collect();
        if let Some(raw::Timed { value: [min, max], duration_ms: [shortest, longest] }) = raw.hw_position {
            let duration_ms = Some((shortest, longest));
            outputs.push(OutputSpec { kind: OutputKind::HwPositionWithDuration, min, max, duration_ms });
            if shortest > longest {
                let reason = format!("feature {index}: durations from {shortest} to {longest} are none");
                self.problems.push(Problem::at(self.text, at, reason));
            }
        }
        for output in &outputs {
            let signed = matches!(output.kind, OutputKind::Rotate | OutputKind::Temperature);
            // Off is 0 and must always be within reach; a two-way range is symmetric (facts: devices.md section 2).
            let fits = output.min == 0 || (signed && output.min == -output.max);
            if output.max <= 0 || output.max > 100_000 || !fits {
                let reason = format!(
                    "feature {index}: {} from {} to {}; allowed: from 0 to at most 100000{}",
                    output.kind.key(),
                    output.min,
                    output.max,
                    if signed { ", or from -n to n" } else { "" }
                );
                self.problems.push(Problem::at(self.text, at, reason));
            }
        }
        outputs.sort_by_key(|output| OutputKind::ALL.iter().position(|kind| *kind == output.kind));
        outputs
    }

    fn inputs(&mut self, at: usize, index: u32, raw: &raw::Feature, rules: &Models<'_>) -> Vec<InputSpec> {
        let all = [
            (InputKind::Battery, raw.battery),
            (InputKind::Rssi, raw.rssi),
            (InputKind::Pressure, raw.pressure),
            (InputKind::Button, raw.button),
        ];
        let mut inputs = Vec::new();
        for (kind, range) in all {
            let Some([min, max]) = range else { continue };
            let (read, subscribe) = match rules.inputs.get(&kind) {
                Some(InputRule::Read { .. }) => (true, false),
                Some(InputRule::Stream { .. }) => (false, true),
                // Without a rule a coded driver does it, and a template reads the standard battery endpoint.
                None => (kind == InputKind::Battery, kind != InputKind::Battery),
            };
            if !rules.coded && !rules.inputs.contains_key(&kind) && kind != InputKind::Battery {
                let reason = format!("feature {index} has {key}, but there is no [input.{key}]", key = kind.key());
                self.problems.push(Problem::at(self.text, at, reason));
            }
            inputs.push(InputSpec { kind, min, max, read, subscribe });
        }
        inputs
    }

    fn unique(&mut self, models: &[Model]) {
        let mut seen = BTreeMap::new();
        for model in models {
            for id in &model.ids {
                if let Some(other) = seen.insert(id, &model.name) {
                    let reason = format!("the identifier {id:?} means both {other:?} and {:?}", model.name);
                    self.problems.push(Problem::whole(reason));
                }
            }
        }
    }

    fn example(&mut self, raw: &raw::Example, models: &[Model]) -> Example {
        if let Some(model) = &raw.model
            && !models.iter().any(|known| known.ids.contains(model.get_ref()))
        {
            self.wrong(model, format!("no [[model]] has the identifier {:?}", model.get_ref()));
        }
        let endpoints = raw.endpoints.as_ref().map(|endpoints| {
            let known = endpoints.iter().filter_map(|endpoint| {
                let known = Endpoint::parse(endpoint.get_ref());
                if known.is_none() {
                    self.wrong(endpoint, format!("{:?} is no endpoint", endpoint.get_ref()));
                }
                known
            });
            known.collect()
        });
        let steps = raw.steps.iter().map(|step| {
            let line = Problem::at(self.text, step.span().start, "").line.unwrap_or(0);
            (line, step.get_ref().trim().to_owned())
        });
        Example { model: raw.model.as_ref().map(|model| model.get_ref().clone()), endpoints, steps: steps.collect() }
    }
}

/// What models are read against.
struct Models<'a> {
    coded: bool,
    inputs: &'a BTreeMap<InputKind, InputRule>,
    write: &'a BTreeMap<OutputKind, Vec<Line>>,
    features: &'a [raw::Feature],
    set: &'a BTreeMap<String, f64>,
}
