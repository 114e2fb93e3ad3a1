//! From [`Sources`] to [`Settings`]: the order of the layers, and the collecting of problems.

use std::ffi::OsString;

use super::fragment::{Fragment, variable_origin};
use super::merge::Merged;
use super::problem::{Problem, SettingsError};
use super::schema::Schema;
use super::sources::{self, Sources};
use super::tree::Settings;
use super::validate::{self, Directories};
use super::{MANUAL, places, report};

impl Settings {
    /// Reads, merges and checks all settings.
    ///
    /// # Errors
    ///
    /// Everything that is wrong in any of the sources, at once.
    pub fn load(sources: &Sources) -> Result<Self, SettingsError> {
        match Self::load_what_is_right(sources)? {
            (settings, None) => Ok(settings),
            (_, Some(wrong)) => Err(wrong),
        }
    }

    /// The same, but what is wrong is left out and told beside the rest: for what must not fail over a misspelt key.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, where nothing can be made of the rest.
    pub fn load_what_is_right(sources: &Sources) -> Result<(Self, Option<SettingsError>), SettingsError> {
        let schema = Schema::of(MANUAL)?;
        let fragments = fragments(&schema, sources);
        let unreadable = fragments.iter().any(|fragment| fragment.unreadable);
        let mut problems: Vec<_> = fragments.iter().flat_map(|fragment| fragment.problems.clone()).collect();

        let merged = Merged::of(fragments).map_err(|error| SettingsError::builtin(error.to_string()))?;
        // What could not be read may hold the other half of a pair, so judging pairs would mislead.
        if !unreadable {
            problems.extend(validate::between_keys(&merged, &problems));
        }
        let directories = Directories {
            state: places::service_state(&sources.environment).or_else(places::platform_state),
            definitions: places::definitions(),
        };
        let state_is_empty = merged.leaf("state.dir").is_some_and(|leaf| leaf.value.as_str() == Some(""));
        if state_is_empty && directories.state.is_none() {
            problems.push(Problem::NoStateDirectory);
        }
        let wrong = (!problems.is_empty()).then(|| SettingsError::new(problems));

        let report = report::of(&merged);
        let raw = merged.raw().map_err(|error| SettingsError::builtin(error.to_string()))?;
        let built = validate::build(raw, directories, report);
        let mut settings = built.map_err(|error| wrong.clone().unwrap_or(error))?;
        settings.warnings = strangers(&schema, &sources.environment);
        settings.report_directories(state_is_empty && places::service_state(&sources.environment).is_some());
        Ok((settings, wrong))
    }

    /// The embedded defaults, untouched by files and the environment: for tests, and as a start to
    /// change fields of.
    ///
    /// # Errors
    ///
    /// If the platform names no state directory.
    pub fn builtin() -> Result<Self, SettingsError> {
        Self::load(&Sources::default())
    }
}

/// Warnings about variables that set nothing though they look as if they did.
fn strangers(schema: &Schema, environment: &[(OsString, OsString)]) -> Vec<String> {
    let mut names: Vec<_> = environment.iter().map(|(name, _)| name).collect();
    names.sort();
    let warning = |name: &OsString| {
        let key = schema.meant_by_variable(&sources::looks_like_ours(name)?)?;
        let (origin, meant) = (variable_origin(&name.to_string_lossy()), sources::variable(key));
        Some(format!("{origin} sets nothing; did you mean {meant}?"))
    };
    names.into_iter().filter_map(warning).collect()
}

fn fragments(schema: &Schema, sources: &Sources) -> Vec<Fragment> {
    let mut fragments = vec![Fragment::builtin(schema, MANUAL)];
    fragments.extend(sources.files.iter().map(|file| Fragment::file(schema, file)));
    fragments.push(Fragment::environment(schema, &sources.environment));
    fragments.push(Fragment::set(schema, &sources.set));
    fragments
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
