//! Reads models, one at a time or in rows, and the lists of features that they share.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use super::reader::Reader;
use super::rules::{FeatureSets, Rules};
use crate::library::{file_schema, model::Feature, model::Model};

/// Which model each identifier means so far.
type Seen = BTreeMap<String, String>;

impl Reader<'_> {
    /// Every list of `[features]`; `used` are the names that models use.
    pub(super) fn feature_sets(
        &mut self,
        raw: file_schema::FeatureSets,
        used: &BTreeSet<String>,
        rules: &Rules<'_>,
    ) -> FeatureSets {
        let mut sets = FeatureSets::new();
        for (name, features) in raw {
            let (at, name) = (name.span().start, name.into_inner());
            if !used.contains(&name) {
                self.wrong_at(at, format!("no model has the features {name:?}"));
            }
            let features = self.features(at, features, rules);
            self.have_lines(at, &format!("{name:?} in [features]"), &features, rules);
            sets.insert(name, features);
        }
        sets
    }

    /// Every `[[model]]` and every row of `[[models]]`.
    pub(super) fn models(
        &mut self,
        raw: Vec<Spanned<file_schema::Model>>,
        tables: Vec<file_schema::Models>,
        rules: &Rules<'_>,
    ) -> Vec<Model> {
        let mut seen = Seen::new();
        let mut models = Vec::new();
        for entry in raw {
            if entry.get_ref().ids.is_empty() {
                self.wrong(&entry, "a [[model]] needs its `ids`, the identifiers that mean it");
            }
            let name = &entry.get_ref().name;
            entry.get_ref().ids.iter().for_each(|id| self.identifier(id, name, &mut seen));
            models.push(self.model_at(entry.span().start, entry.into_inner(), rules));
        }
        for table in tables {
            self.rows(table, rules, &mut seen, &mut models);
        }
        models
    }

    /// One model; `at` is where its table begins.
    pub(super) fn model_at(&mut self, at: usize, raw: file_schema::Model, rules: &Rules<'_>) -> Model {
        if raw.name.trim().is_empty() {
            self.wrong_at(at, "the model has no `name`");
        }
        let set = self.parameters(at, &raw.set, rules);
        let features = self.features_of(at, raw.features, &format!("{:?}", raw.name), rules);
        Model { ids: raw.ids.into_iter().map(Spanned::into_inner).collect(), name: raw.name, features, set }
    }

    fn rows(&mut self, raw: file_schema::Models, rules: &Rules<'_>, seen: &mut Seen, models: &mut Vec<Model>) {
        let at = raw.rows.span().start;
        if raw.rows.get_ref().is_empty() {
            self.wrong_at(at, "`rows` is empty; each row is a model: [\"Name for people\", \"identifier\", ...]");
        }
        let set = self.parameters(at, &raw.set, rules);
        let features = self.features_of(at, raw.features, "[[models]]", rules);
        for row in raw.rows.into_inner() {
            let at = row.span().start;
            let mut cells = row.into_inner().into_iter();
            let Some(name) = cells.next().filter(|name| !name.get_ref().trim().is_empty()) else {
                self.wrong_at(at, "a row without a name; a row is [\"Name for people\", \"identifier\", ...]");
                continue;
            };
            let mut ids: Vec<_> = cells.collect();
            if ids.is_empty() && rules.advertised.contains(name.get_ref()) {
                // The name for people is the one that the hardware advertises.
                ids.push(name.clone());
            }
            let name = name.into_inner();
            if ids.is_empty() {
                let reason = format!(
                    "the row [{name:?}] has no identifier; a row is [\"Name for people\", \"identifier\", ...], and a \
                     name alone does only where a [[match]] lists it and nothing else identifies the model"
                );
                self.wrong_at(at, reason);
            }
            ids.iter().for_each(|id| self.identifier(id, &name, seen));
            let ids = ids.into_iter().map(Spanned::into_inner).collect();
            models.push(Model { ids, name, features: features.clone(), set: set.clone() });
        }
    }

    fn identifier(&mut self, id: &Spanned<String>, name: &str, seen: &mut Seen) {
        let text = id.get_ref();
        if matches!(text.as_str(), "" | "*") {
            self.wrong(id, format!("the identifier {text:?} would mean nothing or everything"));
        }
        if let Some(other) = seen.insert(text.clone(), name.to_owned()) {
            self.wrong(id, format!("the identifier {text:?} means both {other:?} and {name:?}"));
        }
    }

    fn parameters(&mut self, at: usize, own: &BTreeMap<String, f64>, rules: &Rules<'_>) -> BTreeMap<String, f64> {
        for name in own.keys().filter(|name| !rules.set.contains_key(*name)) {
            let reason = format!("parameter {name:?} has no value in [default] `set`; give it one there");
            self.wrong_at(at, reason);
        }
        rules.set.iter().map(|(name, value)| (name.clone(), own.get(name).copied().unwrap_or(*value))).collect()
    }

    /// What `whose` has. What comes from the default or from a list with a name was examined there.
    fn features_of(
        &mut self,
        at: usize,
        raw: Option<file_schema::Features>,
        whose: &str,
        rules: &Rules<'_>,
    ) -> Vec<Feature> {
        match raw {
            None => rules.features.to_vec(),
            Some(file_schema::Features::List(features)) => {
                let features = self.features(at, features, rules);
                self.have_lines(at, whose, &features, rules);
                features
            }
            Some(file_schema::Features::Set(name)) => rules.sets.get(&name).cloned().unwrap_or_else(|| {
                let all: Vec<_> = rules.sets.keys().map(String::as_str).collect();
                let all = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
                self.wrong_at(at, format!("{whose} has the features {name:?}, but [features] has: {all}"));
                Vec::new()
            }),
        }
    }

    fn have_lines(&mut self, at: usize, whose: &str, features: &[Feature], rules: &Rules<'_>) {
        if rules.coded {
            return;
        }
        for feature in features {
            for output in feature.outputs.iter().filter(|output| !rules.write.contains_key(&output.kind)) {
                let (index, key) = (feature.index, output.kind.key());
                self.wrong_at(at, format!("feature {index} of {whose} has {key}, but [write] has no {key}"));
            }
        }
    }
}

/// The names of lists of features that models use.
pub(super) fn used_sets<'a>(
    models: impl IntoIterator<Item = &'a file_schema::Model>,
    tables: &[file_schema::Models],
) -> BTreeSet<String> {
    let one = models.into_iter().map(|model| &model.features);
    let used = one.chain(tables.iter().map(|table| &table.features)).filter_map(|features| match features {
        Some(file_schema::Features::Set(name)) => Some(name.clone()),
        _ => None,
    });
    used.collect()
}
