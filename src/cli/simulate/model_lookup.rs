//! Which model does the user mean?

use std::sync::Arc;

use crate::library::{Definition, Library, Model, hardware::trimmed};
use crate::words;

/// Candidates that an error names.
const NAMED: usize = 8;

/// A model and its definition.
#[derive(Debug, Clone)]
pub(super) struct FoundModel {
    pub(super) definition: Arc<Definition>,
    /// The identifier that was asked for stands first.
    pub(super) model: Model,
}

/// Whether a model is called so.
type Way<'a> = dyn Fn(&Definition, &Model, &str) -> bool + 'a;

/// Finds a model by identifier, name, part of a name or `protocol/identifier`, in any case.
pub(super) fn find_model(library: &Library, text: &str) -> Result<FoundModel, String> {
    let wanted = text.trim().to_lowercase();
    if wanted.is_empty() {
        return Err("no model was given; see: hapticd devices".to_owned());
    }
    let ways: [&Way<'_>; 7] = [
        // As written first: identifiers may differ in case alone.
        &|_, model, _| model.ids.iter().any(|id| id == text),
        &|_, model, wanted| has_id(model, wanted),
        &|_, model, wanted| model.name.to_lowercase() == wanted,
        // A definition may have a model that is called like its default.
        &|definition, model, wanted| full_id(definition, model).to_lowercase() == wanted,
        &|definition, model, wanted| {
            let rest = wanted.strip_prefix(&definition.protocol.to_lowercase());
            let rest = rest.and_then(|rest| rest.strip_prefix('/'));
            rest.is_some_and(|rest| has_id(model, rest) || model.name.to_lowercase() == rest)
        },
        // Whole words before parts of words: "max" is in "Climax", too.
        &|_, model, wanted| format!(" {} ", model.name.to_lowercase()).contains(&format!(" {wanted} ")),
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
    model.ids.iter().any(|id| trimmed(id).to_lowercase() == wanted)
}

fn chosen(definition: &Arc<Definition>, model: &Model, text: &str) -> FoundModel {
    let mut model = model.clone();
    let wanted = text.trim().to_lowercase();
    let exact = model.ids.iter().position(|id| id == text);
    let asked = exact.or_else(|| {
        let ends = |id: &String| {
            let id = trimmed(id).to_lowercase();
            wanted == id || wanted.ends_with(&format!("/{id}"))
        };
        model.ids.iter().position(ends)
    });
    if let Some(at) = asked {
        model.ids.swap(0, at);
    }
    FoundModel { definition: Arc::clone(definition), model }
}

/// As the user could have given it.
fn title(definition: &Definition, model: &Model) -> String {
    format!("{} ({})", full_id(definition, model), model.name)
}

fn full_id(definition: &Definition, model: &Model) -> String {
    let id = model.ids.first().unwrap_or(&model.name);
    // Some hardware fills its name up.
    format!("{}/{}", definition.protocol, trimmed(id))
}

/// What to say of a model that is not known.
fn nothing(library: &Library, text: &str, wanted: &str) -> String {
    match near(library, wanted) {
        Some(near) => format!("no known model is called {text:?}; {near}"),
        None => format!("no known model is called {text:?}; see: hapticd devices"),
    }
}

/// A question about the models that may have been meant, the nearest first. `wanted` is in small letters.
pub(in crate::cli) fn near(library: &Library, wanted: &str) -> Option<String> {
    let all = library.definitions().iter();
    let all = all.flat_map(|definition| definition.all_models().map(move |model| (definition, model)));
    let near = all.filter_map(|(definition, model)| Some((slips(definition, model, wanted)?, definition, model)));
    let mut near: Vec<_> = near.collect();
    near.sort_by_key(|(slips, ..)| *slips);
    let nearest = near.first().map_or(0, |((slips, _), ..)| *slips);
    near.retain(|((slips, _), ..)| *slips <= nearest + 1);
    let near: Vec<_> = near.iter().take(NAMED).map(|(_, definition, model)| title(definition, model)).collect();
    match near.as_slice() {
        [] => None,
        [one] => Some(format!("did you mean {one}?")),
        several => Some(format!("did you mean one of these? {}", several.join(", "))),
    }
}

/// How far a model is from what was asked for, by all words of its name, identifier or protocol that were asked for;
/// nothing if a word is too far from all of them. So "lovense lsh" is near to "Lovense Lush", and to "Lovense Lush 2" as
/// well, but not as near.
fn slips(definition: &Definition, model: &Model, wanted: &str) -> Option<(usize, usize)> {
    let protocol = definition.protocol.to_lowercase();
    let names: Vec<_> = std::iter::once(&model.name).chain(&model.ids).map(|name| name.to_lowercase()).collect();
    let titles = names.iter().flat_map(|name| [name.clone(), format!("{protocol}/{name}")]);
    let whole = titles.map(|title| words::slips(wanted, &title)).min()?;
    if whole <= words::slips_allowed(wanted) {
        return Some((whole, 0));
    }
    let split = |text: &str| text.split([' ', '/', '_', '-']).map(str::to_owned).collect::<Vec<_>>();
    let known: Vec<_> = names.iter().chain([&protocol]).flat_map(|name| split(name)).collect();
    let nearest = |word: String| {
        let near = known.iter().map(|known| words::slips(&word, known)).min()?;
        (near <= words::slips_allowed(&word)).then_some(near)
    };
    let asked = split(wanted).into_iter().filter(|word| !word.is_empty());
    Some((asked.map(nearest).sum::<Option<usize>>()?, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_name_a_model() {
        let library = Library::load(&[], &crate::driver::names());
        let name =
            |text: &str| find_model(&library, text).map(|found| (found.model.name, found.model.ids.first().cloned()));
        let is = |text: &str, wanted: &str, id: &str| {
            assert_eq!(name(text), Ok((wanted.to_owned(), Some(id.to_owned()))), "{text}");
        };
        is("launch", "Fleshlight Launch", "Launch");
        is("fleshlight LAUNCH", "Fleshlight Launch", "Launch");
        is("kiiroo-v2/onyx2", "Kiiroo Onyx 2", "Onyx2");
        is("fleshlight", "Fleshlight Launch", "Launch");
        is("max", "Lovense Max", "B");
        is("classic", "WeVibe 4 Plus", "classic");
        is("4_plus", "WeVibe 4 Plus", "4_Plus");
        is("lovense/ei-fw3", &library.protocol("lovense").unwrap().model(Some("EI-FW3")).name, "EI-FW3");
        assert_eq!(name("wevibe device"), Ok(("WeVibe Device".to_owned(), None)));
        let several = name("wevibe").unwrap_err();
        assert!(several.contains("wevibe/Bloom (WeVibe Bloom)") && several.ends_with(" more"), "{several}");
        let nothing = name("wevibe nvoa").unwrap_err();
        assert!(nothing.contains("did you mean") && nothing.contains("WeVibe Nova"), "{nothing}");
        let typos = [
            ("Lovense Lsh", "Lovense Lush"),
            ("lovense lush 9", "Lovense Lush"),
            ("lush", "Lovense Lush"),
            ("Anerso Vivi", "Aneros Vivi"),
            ("lovens edge", "Lovense Edge"),
            ("fleshlight lunch", "Fleshlight Launch"),
            ("kiiroo-v2/onxy2", "Kiiroo Onyx 2"),
        ];
        for (written, meant) in typos {
            let why = match name(written) {
                Err(why) => why,
                Ok((found, _)) => panic!("{written} is {found}"),
            };
            let first = why.split_once("? ").map_or(why.as_str(), |(_, list)| list);
            let first = first.split(", ").next().unwrap_or_default();
            assert!(first.contains(meant), "{why}");
        }
        assert!(name("zzzzzz").unwrap_err().contains("hapticd devices"));
        assert!(name(" ").is_err());
    }
}
