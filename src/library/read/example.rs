//! Reads examples.

use std::collections::BTreeSet;

use toml::Spanned;

use super::reader::Reader;
use crate::library::{definition::Example, definition::listed, file_schema, model::Model};
use crate::types::Endpoint;

impl Reader<'_> {
    pub(super) fn example(&mut self, entry: &Spanned<file_schema::Example>, models: &[Model]) -> Example {
        let at = entry.span().start;
        let raw = entry.get_ref();
        if let Some(model) = &raw.model
            && listed(models, model.get_ref()).is_none()
        {
            self.wrong(model, format!("no [[model]] has the identifier {:?}", model.get_ref()));
        }
        if raw.steps.is_empty() {
            self.wrong(entry, "an [[example]] without steps shows nothing");
        }
        let mut endpoints = None;
        if let Some(given) = &raw.endpoints {
            let mut known = BTreeSet::new();
            for endpoint in given {
                match Endpoint::parse(endpoint.get_ref()) {
                    Some(endpoint) => {
                        known.insert(endpoint);
                    }
                    None => self.wrong(endpoint, format!("{:?} is no endpoint", endpoint.get_ref())),
                }
            }
            endpoints = Some(known);
        }
        let manufacturer = match &raw.manufacturer {
            Some(data) => self.manufacturer(at, data),
            None => None,
        };
        let steps = raw.steps.iter().map(|step| {
            let line = self.line(step.span().start);
            (line, step.get_ref().trim().to_owned())
        });
        Example {
            file: None,
            line: self.line(at),
            model: raw.model.as_ref().map(|model| model.get_ref().clone()),
            name: raw.name.clone(),
            manufacturer,
            endpoints,
            steps: steps.collect(),
        }
    }
}
