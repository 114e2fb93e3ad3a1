//! Reads `[write]` and `[input]`: the packets for outputs and the rules for inputs.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use super::reader::Reader;
use crate::library::{
    definition::InputRule, file_schema, matcher::Matcher, model::Model, template::Expression, template::Names,
    template::PacketTemplate,
};
use crate::types::{Endpoint, InputKind, OutputKind};

/// Endpoints that some matching hardware has.
pub(super) type Endpoints = BTreeSet<Endpoint>;

/// The key under which the lines of every other kind stand.
const ANY: &str = "any";

pub(super) fn endpoints(matchers: &[Matcher]) -> Endpoints {
    matchers.iter().flat_map(Matcher::endpoints).collect()
}

/// The lines of `[write]`, and where the keys stand.
#[derive(Default)]
pub(super) struct Writes {
    pub(super) lines: BTreeMap<OutputKind, Vec<PacketTemplate>>,
    places: Vec<(OutputKind, usize)>,
    any: Option<usize>,
}

impl Reader<'_> {
    /// Complains of an endpoint that no match gives.
    pub(super) fn provided(&mut self, at: usize, endpoint: Endpoint, provided: Option<&Endpoints>) {
        let Some(provided) = provided.filter(|provided| !provided.contains(&endpoint)) else {
            return;
        };
        let all: Vec<_> = provided.iter().map(ToString::to_string).collect();
        let all = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
        self.wrong_at(at, format!("no [[match]] gives an endpoint {endpoint}; there are: {all}"));
    }

    pub(super) fn writes(
        &mut self,
        raw: BTreeMap<Spanned<String>, Spanned<file_schema::OneOrMany>>,
        names: &Names,
        provided: Option<&Endpoints>,
    ) -> Writes {
        let mut writes = Writes::default();
        let mut any = Vec::new();
        for (key, given) in raw {
            let kind = OutputKind::from_key(key.get_ref());
            if kind.is_none() && key.get_ref() != ANY {
                let all: Vec<_> = OutputKind::ALL.iter().map(|kind| kind.key()).collect();
                let reason = format!("{:?} is no output; there are: {}, any", key.get_ref(), all.join(", "));
                self.wrong(&key, reason);
                continue;
            }
            let mut lines = Vec::new();
            for (at, source) in file_schema::OneOrMany::lines(given) {
                match PacketTemplate::parse(&source, names) {
                    Ok(line) => {
                        self.provided(at, line.endpoint(), provided);
                        lines.push(line);
                    }
                    Err(error) => self.wrong_at(at, error.to_string()),
                }
            }
            match kind {
                Some(kind) => {
                    writes.places.push((kind, key.span().start));
                    writes.lines.insert(kind, lines);
                }
                None => {
                    writes.any = Some(key.span().start);
                    any = lines;
                }
            }
        }
        if writes.any.is_some() {
            for kind in OutputKind::ALL {
                writes.lines.entry(kind).or_insert_with(|| any.clone());
            }
        }
        writes
    }

    /// The rules, and where the keys stand.
    pub(super) fn inputs(
        &mut self,
        raw: BTreeMap<Spanned<String>, file_schema::Input>,
        names: &Names,
        provided: Option<&Endpoints>,
    ) -> (BTreeMap<InputKind, InputRule>, Vec<(InputKind, usize)>) {
        let (mut rules, mut places) = (BTreeMap::new(), Vec::new());
        for (key, rule) in raw {
            let Some(kind) = InputKind::from_key(key.get_ref()) else {
                let all: Vec<_> = InputKind::ALL.iter().map(|kind| kind.key()).collect();
                let reason = format!("{:?} is no input; there are: {}", key.get_ref(), all.join(", "));
                self.wrong(&key, reason);
                continue;
            };
            places.push((kind, key.span().start));
            if let Some(rule) = self.input(&key, &rule, names, provided) {
                rules.insert(kind, rule);
            }
        }
        (rules, places)
    }

    fn input(
        &mut self,
        kind: &Spanned<String>,
        raw: &file_schema::Input,
        names: &Names,
        provided: Option<&Endpoints>,
    ) -> Option<InputRule> {
        let mut names = names.clone();
        match (&raw.read, &raw.subscribe) {
            (Some(steps), None) if raw.when.is_none() => {
                let steps = steps.iter().filter_map(|step| self.step(step, &mut names, provided)).collect();
                let value = self.expression(&raw.value, &names)?;
                Some(InputRule::Read { steps, value })
            }
            (None, Some(subscribe)) => {
                let Some(endpoint) = Endpoint::parse(subscribe.get_ref()) else {
                    self.wrong(subscribe, format!("{:?} is no endpoint", subscribe.get_ref()));
                    return None;
                };
                self.provided(subscribe.span().start, endpoint, provided);
                names.buffers.insert("b".to_owned());
                let when = match &raw.when {
                    Some(when) => Some(self.expression(when, &names)?),
                    None => None,
                };
                let value = self.expression(&raw.value, &names)?;
                Some(InputRule::Stream { endpoint, when, value })
            }
            _ => {
                let reason = "an [input] has either `read` (steps) or `subscribe` (an endpoint, and maybe `when`)";
                self.wrong(kind, reason);
                None
            }
        }
    }

    pub(super) fn expression(&mut self, source: &Spanned<String>, names: &Names) -> Option<Expression> {
        Expression::parse(source.get_ref(), names).map_err(|error| self.wrong(source, error.to_string())).ok()
    }

    /// Complains of lines and rules that nothing ever uses.
    pub(super) fn unused<'m, I: Iterator<Item = &'m Model>>(
        &mut self,
        writes: &Writes,
        inputs: &[(InputKind, usize)],
        models: impl Fn() -> I,
    ) {
        for (kind, at) in &writes.places {
            if models().all(|model| model.count(*kind) == 0) {
                let key = kind.key();
                self.wrong_at(*at, format!("[write] has {key}, but no model has an output {key}"));
            }
        }
        if let Some(at) = writes.any {
            let own = |kind| writes.places.iter().any(|(known, _)| *known == kind);
            if models().all(|model| model.outputs().all(|(_, output)| own(output.kind))) {
                self.wrong_at(at, "[write] has `any`, but every output of the models has lines of its own");
            }
        }
        for (kind, at) in inputs {
            let measured = |model: &Model| model.inputs().any(|(_, input)| input.kind == *kind);
            if !models().any(measured) {
                let key = kind.key();
                self.wrong_at(*at, format!("there is an [input.{key}], but no model has an input {key}"));
            }
        }
    }
}
