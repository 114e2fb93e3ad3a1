//! Which model does the user mean?

use std::sync::Arc;

use crate::library::{Definition, Library, Model};

/// Candidates that an error names.
const NAMED: usize = 8;

/// A model and its definition.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) definition: Arc<Definition>,
    /// The identifier that was asked for stands first.
    pub(super) model: Model,
}

/// Whether a model is called so.
type Way<'a> = dyn Fn(&Definition, &Model, &str) -> bool + 'a;

/// Finds a model by identifier, name, part of a name or `protocol/identifier`, in any case.
pub(super) fn model(library: &Library, text: &str) -> Result<Found, String> {
    let wanted = text.trim().to_lowercase();
    if wanted.is_empty() {
        return Err("no model was given; see: hapticd devices".to_owned());
    }
    let ways: [&Way<'_>; 5] = [
        // As written first: identifiers may differ in case alone.
        &|_, model, _| model.ids.iter().any(|id| id == text),
        &|_, model, wanted| has_id(model, wanted),
        &|_, model, wanted| model.name.to_lowercase() == wanted,
        &|definition, model, wanted| {
            let rest = wanted.strip_prefix(&definition.protocol.to_lowercase());
            let rest = rest.and_then(|rest| rest.strip_prefix('/'));
            rest.is_some_and(|rest| has_id(model, rest) || model.name.to_lowercase() == rest)
        },
        &|_, model, wanted| model.name.to_lowercase().contains(wanted),
    ];
    for way in ways {
        let all = library.definitions().iter();
        let all = all.flat_map(|definition| definition.all_models().map(move |model| (definition, model)));
        let found: Vec<_> = all.filter(|(definition, model)| way(definition, model, &wanted)).collect();
        match found.as_slice() {
            [] => {}
            [(definition, model)] => return Ok(chosen(definition, model, text)),
            several => {
                let names = several.iter().take(NAMED).map(|(definition, model)| title(definition, model));
                let names: Vec<_> = names.collect();
                let more = several.len().saturating_sub(NAMED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                return Err(format!("{text:?} may be any of: {}{more}", names.join(", ")));
            }
        }
    }
    Err(nothing(library, text, &wanted))
}

fn has_id(model: &Model, wanted: &str) -> bool {
    model.ids.iter().any(|id| id.to_lowercase() == wanted)
}

fn chosen(definition: &Arc<Definition>, model: &Model, text: &str) -> Found {
    let mut model = model.clone();
    let wanted = text.trim().to_lowercase();
    let exact = model.ids.iter().position(|id| id == text);
    let asked = exact.or_else(|| {
        let ends = |id: &String| wanted == id.to_lowercase() || wanted.ends_with(&format!("/{}", id.to_lowercase()));
        model.ids.iter().position(ends)
    });
    if let Some(at) = asked {
        model.ids.swap(0, at);
    }
    Found { definition: Arc::clone(definition), model }
}

/// As the user could have given it.
fn title(definition: &Definition, model: &Model) -> String {
    let id = model.ids.first().unwrap_or(&model.name);
    format!("{}/{id} ({})", definition.protocol, model.name)
}

/// Names that share a word or a beginning with what was asked for may be what was meant.
fn nothing(library: &Library, text: &str, wanted: &str) -> String {
    let start: String = wanted.chars().take(3).collect();
    let words: Vec<_> = wanted.split_whitespace().filter(|word| word.chars().count() > 2).collect();
    let all = library.definitions().iter();
    let all = all.flat_map(|definition| definition.all_models().map(move |model| (definition, model)));
    let near = all.filter(|(definition, model)| {
        let name = format!("{} {}", definition.protocol, model.name).to_lowercase();
        words.iter().any(|word| name.contains(word)) || name.split_whitespace().any(|word| word.starts_with(&start))
    });
    let near: Vec<_> = near.take(NAMED).map(|(definition, model)| title(definition, model)).collect();
    if near.is_empty() {
        format!("no known model is called {text:?}; see: hapticd devices")
    } else {
        format!("no known model is called {text:?}; near to it: {}", near.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_name_a_model() {
        let library = Library::load(&[], &crate::driver::names());
        let name = |text: &str| model(&library, text).map(|found| (found.model.name, found.model.ids.first().cloned()));
        let is = |text: &str, wanted: &str, id: &str| {
            assert_eq!(name(text), Ok((wanted.to_owned(), Some(id.to_owned()))), "{text}");
        };
        is("launch", "Fleshlight Launch", "Launch");
        is("fleshlight LAUNCH", "Fleshlight Launch", "Launch");
        is("kiiroo-v2/onyx2", "Kiiroo Onyx 2", "Onyx2");
        is("Onyx", "Kiiroo Onyx 2", "Onyx2");
        is("classic", "WeVibe 4 Plus", "classic");
        is("4_plus", "WeVibe 4 Plus", "4_Plus");
        is("lovense/ei-fw3", &library.protocol("lovense").unwrap().model(Some("EI-FW3")).name, "EI-FW3");
        assert_eq!(name("wevibe device"), Ok(("WeVibe Device".to_owned(), None)));
        let several = name("wevibe").unwrap_err();
        assert!(several.contains("wevibe/Bloom (WeVibe Bloom)") && several.ends_with(" more"), "{several}");
        let nothing = name("wevibe nvoa").unwrap_err();
        assert!(nothing.contains("near to it: "), "{nothing}");
        assert!(name("zzzzzz").unwrap_err().contains("hapticd devices"));
        assert!(name(" ").is_err());
    }
}
