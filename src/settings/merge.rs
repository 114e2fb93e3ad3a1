//! The layers laid over each other.

use config::builder::DefaultState;
use config::{Config, ConfigBuilder, ConfigError, Map, Source, Value, ValueKind};

use super::layer::Layer;
use super::setting::Values;

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.values.iter().cloned().collect())
    }
}

/// Merges layers, key by key; later ones win.
pub(super) fn merge(layers: Vec<Layer>) -> Result<Values, ConfigError> {
    let builder = layers.into_iter().fold(Config::builder(), ConfigBuilder::<DefaultState>::add_source);
    let mut values = Values::new();
    flatten("", builder.build()?.collect()?, &mut values);
    Ok(values)
}

fn flatten(prefix: &str, table: Map<String, Value>, values: &mut Values) {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        match value.kind {
            ValueKind::Table(inner) => flatten(&format!("{key}."), inner, values),
            _ => drop(values.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::shown;
    use super::*;

    fn layer(origin: &str, values: &[(&str, ValueKind)]) -> Layer {
        let origin = origin.to_owned();
        let value = |(key, kind): &(&str, ValueKind)| ((*key).to_owned(), Value::new(Some(&origin), kind.clone()));
        Layer { values: values.iter().map(value).collect(), ..Layer::default() }
    }

    #[test]
    fn later_fragments_win_and_keep_their_origin() {
        let first = layer("one", &[("a.b", 1_i64.into()), ("a.c.d", true.into())]);
        let second = layer("two", &[("a.b", 2_i64.into()), ("e", vec!["x"].into())]);
        let merged = merge(vec![first, second]).unwrap();
        let leaf = |key: &str| merged.get(key).map(|leaf| (shown(leaf), leaf.origin().unwrap().to_owned())).unwrap();
        assert_eq!(leaf("a.b"), ("2".to_owned(), "two".to_owned()));
        assert_eq!(leaf("a.c.d"), ("true".to_owned(), "one".to_owned()));
        assert_eq!(leaf("e"), ("[\"x\"]".to_owned(), "two".to_owned()));
        assert!(!merged.contains_key("a"));
    }

    #[test]
    fn within_a_fragment_the_later_entry_wins() {
        let merged = merge(vec![layer("one", &[("a", 1_i64.into()), ("a", 2_i64.into())])]).unwrap();
        assert_eq!(merged["a"].kind, 2_i64.into());
    }
}
