//! The layers laid over each other.

use std::collections::BTreeMap;

use config::builder::DefaultState;
use config::{Config, ConfigBuilder, ConfigError, Map, Source, Value, ValueKind};

use super::layer::Layer;
use super::raw::RawSettings;

/// The value of a key after merging.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) value: toml::Value,
    pub(super) origin: String,
}

/// The settings after merging: complete, but what concerns several keys is unchecked.
#[derive(Debug)]
pub(super) struct Merged {
    config: Config,
    leaves: BTreeMap<String, Leaf>,
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let values = self.entries.iter().map(|entry| {
            let value = Value::new(Some(&entry.origin), entry.value.clone());
            (entry.key.clone(), value)
        });
        Ok(values.collect())
    }
}

impl Merged {
    /// Merges layers; later ones win.
    pub(super) fn of(layers: Vec<Layer>) -> Result<Self, ConfigError> {
        let builder = layers.into_iter().fold(Config::builder(), ConfigBuilder::<DefaultState>::add_source);
        let config = builder.build()?;
        let mut leaves = BTreeMap::new();
        for (name, value) in config.collect()? {
            flatten(name, value, &mut leaves);
        }
        Ok(Self { config, leaves })
    }

    pub(super) fn leaf(&self, key: &str) -> Option<&Leaf> {
        self.leaves.get(key)
    }

    pub(super) fn raw(self) -> Result<RawSettings, ConfigError> {
        self.config.try_deserialize()
    }
}

fn flatten(key: String, value: Value, leaves: &mut BTreeMap<String, Leaf>) {
    let origin = value.origin().unwrap_or_default().to_owned();
    let value = match value.kind {
        ValueKind::Table(inner) => {
            for (name, value) in inner {
                flatten(format!("{key}.{name}"), value, leaves);
            }
            return;
        }
        ValueKind::Boolean(flag) => flag.into(),
        ValueKind::I64(number) => number.into(),
        ValueKind::Array(items) => items.iter().map(ToString::to_string).collect::<Vec<_>>().into(),
        other => other.to_string().into(),
    };
    leaves.insert(key, Leaf { value, origin });
}

#[cfg(test)]
mod tests {
    use super::super::layer::Entry;
    use super::super::value::Plain;
    use super::*;

    fn layer(origin: &str, entries: &[(&str, Plain)]) -> Layer {
        let entry = |(key, value): &(&str, Plain)| Entry {
            key: (*key).to_owned(),
            value: value.clone(),
            origin: origin.to_owned(),
        };
        Layer { entries: entries.iter().map(entry).collect(), ..Layer::default() }
    }

    #[test]
    fn later_fragments_win_and_keep_their_origin() {
        let first = layer("one", &[("a.b", Plain::Integer(1)), ("a.c.d", Plain::Flag(true))]);
        let second = layer("two", &[("a.b", Plain::Integer(2)), ("e", Plain::List(vec!["x".to_owned()]))]);
        let merged = Merged::of(vec![first, second]).unwrap();
        let leaf = |key| merged.leaf(key).map(|leaf| (leaf.value.to_string(), leaf.origin.clone())).unwrap();
        assert_eq!(leaf("a.b"), ("2".to_owned(), "two".to_owned()));
        assert_eq!(leaf("a.c.d"), ("true".to_owned(), "one".to_owned()));
        assert_eq!(leaf("e"), ("[\"x\"]".to_owned(), "two".to_owned()));
        assert!(merged.leaf("a").is_none());
    }

    #[test]
    fn within_a_fragment_the_later_entry_wins() {
        let merged = Merged::of(vec![layer("one", &[("a", Plain::Integer(1)), ("a", Plain::Integer(2))])]).unwrap();
        assert_eq!(merged.leaf("a").unwrap().value, toml::Value::Integer(2));
    }
}
