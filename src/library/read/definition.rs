//! Reads a whole definition.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::Spanned;

use super::commands::{Endpoints, endpoints};
use super::models::used_sets;
use super::reader::{Reader, from_toml};
use super::rules::{FeatureSets, Rules, advertised_names};
use crate::library::{
    definition::Definition, definition::Repeat, definition::digest, file_schema, problem::DefinitionProblem,
    template::Expression, template::Names, template::Step, template::is_free_name,
};

/// Below this, repeating would leave the bus no time for anything else.
const LEAST_REPEAT_MS: u64 = 10;
/// Beyond this, the stop of hardware with several motors would take too long.
const LONGEST_PACKET_GAP_MS: u32 = 200;

impl Definition {
    /// Reads and checks a definition. `drivers` are the names of the coded drivers that exist.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(protocol: &str, text: &str, drivers: &[&str]) -> Result<Self, Vec<DefinitionProblem>> {
        let file = from_toml(text)?;
        let mut reader = Reader::new(text);
        let definition = reader.definition(protocol, file, drivers);
        Ok(Self { digest: digest(0, text), ..reader.end(definition)? })
    }
}

impl Reader<'_> {
    fn definition(&mut self, protocol: &str, file: file_schema::File, drivers: &[&str]) -> Definition {
        if let Some(driver) = &file.driver
            && !drivers.contains(&driver.get_ref().as_str())
        {
            let (name, all) = (driver.get_ref(), drivers.join(", "));
            self.wrong(driver, format!("there is no driver {name:?}; there are: {all}"));
        }
        if file.name.trim().is_empty() {
            self.wrong_at(0, "`name` is empty; it is the title for people");
        }
        let packet_gap = file.packet_gap_ms.as_ref().map(|ms| self.packet_gap(ms));
        let coded = file.driver.is_some();
        let matchers: Vec<_> = file.matches.iter().filter_map(|entry| self.matcher(entry)).collect();
        if file.matches.is_empty() {
            self.wrong_at(0, "there is no [[match]], so no hardware would ever be recognised");
        }
        // Without a match there is one problem already, and nothing to compare endpoints with.
        let provided = (!file.matches.is_empty()).then(|| endpoints(&matchers));
        let identify = file.identify.iter().filter_map(|entry| self.identify(entry, provided.as_ref())).collect();
        let mut names = self.names(&file.default, &file.lets);
        let connect = file.connect.iter().filter_map(|step| self.step(step, &mut names, provided.as_ref())).collect();
        let start_position = file.start_position.as_ref().and_then(|source| self.expression(source, &names));
        let writes = self.writes(file.write, &names, provided.as_ref());
        let (inputs, input_places) = self.inputs(file.input, &names, provided.as_ref());
        let has_battery = provided.is_none_or(|provided| provided.contains(&crate::types::Endpoint::BATTERY));
        let (at, default) = (file.default.span().start, file.default.into_inner());
        let set = default.set.clone();
        // A coded driver or an [[identify]] finds the model out in another way.
        let named = if coded || !file.identify.is_empty() { Vec::new() } else { advertised_names(&matchers) };
        let nothing = FeatureSets::new();
        let mut rules = Rules {
            coded,
            inputs: &inputs,
            write: &writes.lines,
            sets: &nothing,
            features: &[],
            set: &set,
            has_battery,
            advertised: &named,
        };
        let used = used_sets(file.model.iter().map(Spanned::get_ref).chain([&default]), &file.models);
        let sets = self.feature_sets(file.features, &used, &rules);
        rules.sets = &sets;
        let default = self.model_at(at, default, &rules);
        rules.features = &default.features;
        let models = self.models(file.model, file.models, &rules);
        let all = || std::iter::once(&default).chain(&models);
        self.unused(&writes, &input_places, all);
        if let Some(at) = &file.start_position {
            let moves = all().any(|model| model.outputs().any(|(_, output)| output.kind.is_position()));
            if coded || !moves {
                let why = if coded { "the driver says where hardware stands" } else { "no model has a position" };
                self.wrong(at, format!("there is a start_position, but {why}"));
            }
        }
        let examples = file.example.iter().map(|example| self.example(example, &models)).collect();
        let repeat = file.repeat.map(|repeat| self.repeat(&repeat));
        Definition {
            protocol: protocol.to_owned(),
            path: format!("{protocol}.toml"),
            name: file.name,
            driver: file.driver.map(Spanned::into_inner),
            gap: file.gap_ms.map(|ms| Duration::from_millis(ms.into())),
            packet_gap,
            matchers,
            identify,
            connect,
            start_position,
            default,
            models,
            write: writes.lines,
            inputs,
            repeat,
            examples,
            added: BTreeMap::new(),
            digest: 0,
            extended_by: Vec::new(),
        }
    }

    /// What expressions of the whole file may mention.
    fn names(
        &mut self,
        default: &Spanned<file_schema::Model>,
        lets: &BTreeMap<Spanned<String>, Spanned<String>>,
    ) -> Names {
        let mut names = Names { params: default.get_ref().set.keys().cloned().collect(), ..Names::default() };
        for name in names.params.iter().filter(|name| !is_free_name(name)) {
            let reason = format!("a parameter cannot be called {name:?}: it is no plain name, or is taken");
            self.wrong(default, reason);
        }
        let mut named = BTreeMap::new();
        for (name, source) in lets {
            let key = name.get_ref();
            if !is_free_name(key) || names.params.contains(key) {
                let reason = format!("an expression cannot be called {key:?}: it is no plain name, or is taken");
                self.wrong(name, reason);
            }
            // Parsed with no other named expression in sight, so that none can contain itself.
            match Expression::parse_named(source.get_ref(), &names) {
                Ok(expression) => {
                    named.insert(key.clone(), expression);
                }
                Err(error) => {
                    self.wrong(source, error.to_string());
                    // Known all the same, so that its uses are not reported as well.
                    let nothing = Expression::parse("0", &names).ok();
                    named.extend(nothing.map(|nothing| (key.clone(), nothing)));
                }
            }
        }
        names.lets = named;
        names
    }

    pub(super) fn step(
        &mut self,
        step: &Spanned<String>,
        names: &mut Names,
        provided: Option<&Endpoints>,
    ) -> Option<Step> {
        match Step::parse(step.get_ref(), names) {
            Ok(parsed) => {
                if let Some(endpoint) = parsed.endpoint() {
                    self.provided(step.span().start, endpoint, provided);
                }
                Some(parsed)
            }
            Err(error) => {
                self.wrong(step, error.to_string());
                None
            }
        }
    }

    fn packet_gap(&mut self, raw: &Spanned<u32>) -> Duration {
        let ms = *raw.get_ref();
        if ms > LONGEST_PACKET_GAP_MS {
            self.wrong(
                raw,
                format!("packet_gap_ms = {ms}; allowed: 0 to {LONGEST_PACKET_GAP_MS}, since a stop waits for it"),
            );
        }
        Duration::from_millis(ms.into())
    }

    fn repeat(&mut self, raw: &Spanned<file_schema::Repeat>) -> Repeat {
        let file_schema::Repeat { every_ms, only_running } = *raw.get_ref();
        if every_ms < LEAST_REPEAT_MS {
            self.wrong(raw, format!("every_ms = {every_ms}; allowed: {LEAST_REPEAT_MS} or more"));
        }
        Repeat { every: Duration::from_millis(every_ms.max(LEAST_REPEAT_MS)), only_running }
    }
}
