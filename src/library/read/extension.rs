//! Reads a file that adds recognition and models to another definition.

use super::commands::endpoints;
use toml::Spanned;

use super::models::used_sets;
use super::reader::{Reader, from_toml};
use super::rules::{FeatureSets, Rules, advertised_names};
use crate::library::{
    definition::Definition, definition::Example, definition::digest, file_schema, matcher::Matcher, model::Model,
    problem::DefinitionProblem, services::Services,
};
use crate::types::Endpoint;

/// What an extension adds.
struct Added {
    matchers: Vec<Matcher>,
    models: Vec<Model>,
    examples: Vec<Example>,
}

/// The name of the definition that a file with `extends` adds to.
pub(in crate::library) fn base(text: &str) -> Result<String, Vec<DefinitionProblem>> {
    from_toml::<file_schema::Extension>(text).map(|file| file.extends.into_inner())
}

/// The line of `extends`, as a problem.
pub(in crate::library) fn no_base(text: &str, reason: String) -> DefinitionProblem {
    let at = from_toml::<file_schema::Extension>(text).map_or(0, |file| file.extends.span().start);
    DefinitionProblem::at(text, at, reason)
}

impl Definition {
    /// Adds what a file with `extends` says; `path` is where the file is.
    ///
    /// # Errors
    /// Everything that is wrong with the file. The definition stays as it is then.
    pub(in crate::library) fn extend(&mut self, path: &str, text: &str) -> Result<(), Vec<DefinitionProblem>> {
        let file = from_toml(text)?;
        let mut reader = Reader::new(text);
        let added = reader.extension(self, file, path);
        let added = reader.end(added)?;
        let replaced: Vec<_> = added.models.iter().flat_map(|model| model.ids.clone()).collect();
        for model in &mut self.models {
            model.ids.retain(|id| !replaced.contains(id));
        }
        self.models.retain(|model| !model.ids.is_empty());
        // They show what the model was before.
        let shows = |example: &Example| example.model.as_ref().is_some_and(|id| replaced.contains(id));
        self.examples.retain(|example| !shows(example));
        self.added.extend(replaced.into_iter().map(|id| (id, path.to_owned())));
        self.matchers.extend(added.matchers);
        self.models.extend(added.models);
        self.examples.extend(added.examples);
        self.digest = digest(self.digest, text);
        self.extended_by.push(path.to_owned());
        Ok(())
    }
}

impl Reader<'_> {
    fn extension(&mut self, base: &Definition, file: file_schema::Extension, path: &str) -> Added {
        if file.matches.is_empty() && file.model.is_empty() && file.models.is_empty() {
            self.wrong(&file.extends, "the file adds nothing: neither a [[match]] nor a [[model]]");
        }
        let matchers = file.matches.iter().filter_map(|entry| {
            let mut matcher = self.matcher(entry)?;
            // A new name for known hardware: the endpoints are where they always are.
            if let Matcher::Btle { services, .. } = &mut matcher
                && services.is_empty()
            {
                *services = known_services(base);
                if services.is_empty() {
                    let reason = format!("{} has no Bluetooth services; name them here", base.protocol);
                    self.wrong(entry, reason);
                }
            }
            Some(matcher)
        });
        let matchers: Vec<_> = matchers.collect();
        let has_battery =
            [&base.matchers, &matchers].into_iter().any(|matchers| endpoints(matchers).contains(&Endpoint::BATTERY));
        let coded = base.driver.is_some();
        let named = if coded || !base.identify.is_empty() { Vec::new() } else { advertised_names(&matchers) };
        let nothing = FeatureSets::new();
        let mut rules = Rules {
            coded,
            inputs: &base.inputs,
            write: &base.write,
            sets: &nothing,
            features: &base.default.features,
            set: &base.default.set,
            has_battery,
            advertised: &named,
        };
        let used = used_sets(file.model.iter().map(Spanned::get_ref), &file.models);
        let sets = self.feature_sets(file.features, &used, &rules);
        rules.sets = &sets;
        let models = self.models(file.model, file.models, &rules);
        // An example may also show a model that was there before.
        let all: Vec<_> = models.iter().chain(&base.models).cloned().collect();
        let examples =
            file.example.iter().map(|entry| Example { file: Some(path.to_owned()), ..self.example(entry, &all) });
        let examples = examples.collect();
        Added { matchers, models, examples }
    }
}

fn known_services(base: &Definition) -> Services {
    let mut known = Services::default();
    for matcher in &base.matchers {
        if let Matcher::Btle { services, .. } = matcher {
            known.extend(services);
        }
    }
    known
}
