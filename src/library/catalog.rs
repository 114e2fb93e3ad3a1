//! All definitions together, and which of them hardware may be.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::conflicts::conflicts;
use super::definition::Definition;
use super::hardware::Hardware;
use super::matcher::Matcher;
use super::problem::DefinitionProblem;
use super::read;
use super::sources::{self, Source, Sources};

/// Every usable definition, and what was wrong with the others.
#[derive(Clone)]
pub struct Library {
    definitions: Vec<Arc<Definition>>,
    problems: Vec<DefinitionProblem>,
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Library({} definitions, {} problems)", self.definitions.len(), self.problems.len())
    }
}

/// A definition that hardware may be, and the way in which it was recognised.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The definition.
    pub definition: Arc<Definition>,
    /// The `[[match]]` entry that fits.
    pub matcher: Matcher,
}

impl Library {
    /// Reads the built-in definitions and then those of `directories`; a file there replaces the built-in one of the
    /// same name. `drivers` are the names of the coded drivers that exist. What cannot be used is left out and told
    /// in [`Library::problems`].
    #[must_use]
    pub fn load(directories: &[PathBuf], drivers: &[&str]) -> Self {
        let mut problems = Vec::new();
        let mut sources = sources::built_in(&mut problems);
        for directory in directories {
            sources::directory(directory, &mut sources, &mut problems);
        }
        Self::from_sources(sources, drivers, problems)
    }

    /// Reads these files and nothing else, except for a built-in definition that one of them extends.
    #[must_use]
    pub fn from_files(paths: &[PathBuf], drivers: &[&str]) -> Self {
        let mut problems = Vec::new();
        let sources = sources::files(paths, &mut problems);
        Self::from_sources(sources, drivers, problems)
    }

    /// Reads definitions from texts alone; `name` is the protocol's name.
    #[must_use]
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>, drivers: &[&str]) -> Self {
        let mut sources = Sources::default();
        for (name, text) in texts {
            let (path, text) = (format!("{name}.toml"), text.to_owned());
            sources.add(name.to_owned(), Source { path, text });
        }
        Self::from_sources(sources, drivers, Vec::new())
    }

    fn from_sources(sources: Sources, drivers: &[&str], mut problems: Vec<DefinitionProblem>) -> Self {
        let mut definitions = BTreeMap::new();
        for (name, source) in sources.definitions {
            if let Some(definition) = parse(&name, &source, drivers, &mut problems) {
                definitions.insert(name, definition);
            }
        }
        for extension in &sources.extensions {
            extend(&mut definitions, extension, drivers, &mut problems);
        }
        let definitions: Vec<_> = definitions.into_values().map(Arc::new).collect();
        conflicts(&definitions, &mut problems);
        Self { definitions, problems }
    }

    /// The same, with what was usable `before` in place of what is in a file that is wrong now, and with the very same
    /// definitions where nothing has changed.
    #[must_use]
    pub fn following(mut self, before: &Self) -> Self {
        let wrong: BTreeSet<&str> = self
            .problems
            .iter()
            .filter(|problem| !problem.warning)
            .filter_map(|problem| problem.file.as_deref())
            .collect();
        let mut definitions: BTreeMap<_, _> =
            self.definitions.into_iter().map(|definition| (definition.protocol.clone(), definition)).collect();
        for old in &before.definitions {
            let now = definitions.get(&old.protocol);
            let extends = |now: &Arc<Definition>, file: &String| now.extended_by.contains(file);
            let spoilt = match now {
                None => wrong.contains(old.path.as_str()),
                Some(now) => old.extended_by.iter().any(|file| wrong.contains(file.as_str()) && !extends(now, file)),
            };
            if spoilt || now.is_some_and(|now| now.is_same(old) && now.path == old.path) {
                definitions.insert(old.protocol.clone(), Arc::clone(old));
            }
        }
        self.definitions = definitions.into_values().collect();
        self
    }

    /// Protocols whose definition is new, gone or another than `before`.
    #[must_use]
    pub fn changed_since(&self, before: &Self) -> Vec<String> {
        let lacks = |library: &Self, one: &Definition| !library.definitions.iter().any(|other| other.is_same(one));
        let new = self.definitions.iter().filter(|definition| lacks(before, definition));
        let old = before.definitions.iter().filter(|definition| lacks(self, definition));
        let names: BTreeSet<_> = new.chain(old).map(|definition| definition.protocol.clone()).collect();
        names.into_iter().collect()
    }

    /// How many models the definitions describe.
    #[must_use]
    pub fn model_count(&self) -> usize {
        self.definitions.iter().map(|definition| definition.all_models().count()).sum()
    }

    /// Every usable definition, by protocol name.
    #[must_use]
    pub fn definitions(&self) -> &[Arc<Definition>] {
        &self.definitions
    }

    /// What was wrong with the rest.
    #[must_use]
    pub fn problems(&self) -> &[DefinitionProblem] {
        &self.problems
    }

    /// Every way in which hardware is recognised, with the definition that says so.
    pub fn matchers(&self) -> impl Iterator<Item = (&Matcher, &Definition)> {
        self.definitions.iter().flat_map(|known| known.matchers.iter().map(move |one| (one, &**known)))
    }

    /// The definition of a protocol.
    #[must_use]
    pub fn protocol(&self, name: &str) -> Option<&Arc<Definition>> {
        self.definitions.iter().find(|definition| definition.protocol == name)
    }

    /// What this hardware may be, the strongest recognition first: an exact name, then an advertised service, then
    /// manufacturer data, then a name with a wildcard. Which of them it is, the services that it really has decide.
    /// Hardware that says which protocol it speaks is recognised by that alone.
    #[must_use]
    pub fn candidates(&self, hardware: &Hardware) -> Vec<Candidate> {
        if let Some(protocol) = &hardware.protocol {
            let candidate = self.protocol(protocol).and_then(|definition| {
                let bus = hardware.bus.recognised_as();
                let matcher = definition.matchers.iter().find(|matcher| matcher.bus() == bus)?;
                Some(Candidate { definition: Arc::clone(definition), matcher: matcher.clone() })
            });
            return candidate.into_iter().collect();
        }
        let mut found: Vec<_> = self
            .definitions
            .iter()
            .filter_map(|definition| {
                let best = definition.matchers.iter().filter_map(|matcher| Some((matcher.fits(hardware)?, matcher)));
                let (strength, matcher) = best.max_by_key(|(strength, _)| *strength)?;
                Some((strength, Candidate { definition: Arc::clone(definition), matcher: matcher.clone() }))
            })
            .collect();
        found.sort_by_key(|(strength, _)| std::cmp::Reverse(*strength));
        found.into_iter().map(|(_, candidate)| candidate).collect()
    }
}

fn parse(name: &str, source: &Source, drivers: &[&str], problems: &mut Vec<DefinitionProblem>) -> Option<Definition> {
    match Definition::parse(name, &source.text, drivers) {
        Ok(definition) => Some(Definition { path: source.path.clone(), ..definition }),
        Err(found) => {
            problems.extend(found.into_iter().map(|problem| problem.in_file(&source.path)));
            None
        }
    }
}

fn extend(
    definitions: &mut BTreeMap<String, Definition>,
    extension: &Source,
    drivers: &[&str],
    problems: &mut Vec<DefinitionProblem>,
) {
    let built_in = || sources::built_in(&mut Vec::new()).definitions;
    let done = read::base(&extension.text).and_then(|base| {
        // Among single files, what is extended need not be given with them.
        if !definitions.contains_key(&base)
            && let Some(source) = built_in().get(&base)
            && let Some(definition) = parse(&base, source, drivers, problems)
        {
            definitions.insert(base.clone(), definition);
        }
        match definitions.get_mut(&base) {
            Some(definition) => definition.extend(&extension.path, &extension.text),
            None => {
                let names = definitions.keys().cloned().chain(built_in().into_keys());
                let names: BTreeSet<_> = names.collect();
                let names: Vec<_> = names.into_iter().collect();
                let reason = format!("there is no usable definition {base:?}; there are: {}", names.join(", "));
                Err(vec![read::no_base(&extension.text, reason)])
            }
        }
    });
    if let Err(found) = done {
        problems.extend(found.into_iter().map(|problem| problem.in_file(&extension.path)));
    }
}
