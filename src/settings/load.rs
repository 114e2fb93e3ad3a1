//! From [`Sources`] to [`Settings`]: the order of the layers, and the collecting of problems.

use std::ffi::OsString;

use super::layer::{Layer, variable_origin};
use super::merge::Merged;
use super::problem::{SettingsError, SettingsProblem};
use super::schema::Schema;
use super::sources::{self, Sources};
use super::tree::Settings;
use super::validate::{self, Directories};
use super::{MANUAL, paths, report};

impl Settings {
    /// Reads, merges and checks all settings.
    ///
    /// # Errors
    ///
    /// Everything that is wrong in any of the sources, at once.
    pub fn load(sources: &Sources) -> Result<Self, SettingsError> {
        let schema = Schema::of(MANUAL)?;
        let layers = layers(&schema, sources);
        let unreadable = layers.iter().any(|layer| layer.unreadable);
        let mut problems: Vec<_> = layers.iter().flat_map(|layer| layer.problems.clone()).collect();

        let merged = Merged::of(layers).map_err(|error| SettingsError::builtin(error.to_string()))?;
        // What could not be read may hold the other half of a pair, so judging pairs would mislead.
        if !unreadable {
            problems.extend(validate::between_keys(&merged, &problems));
        }
        let directories = Directories {
            state: paths::service_state(&sources.environment).or_else(paths::platform_state),
            definitions: paths::definitions(),
        };
        let state_is_empty = merged.leaf("state.dir").is_some_and(|leaf| leaf.value.as_str() == Some(""));
        if state_is_empty && directories.state.is_none() {
            problems.push(SettingsProblem::NoStateDirectory);
        }
        if !problems.is_empty() {
            return Err(SettingsError::new(problems));
        }

        let report = report::of(&merged);
        let raw = merged.raw().map_err(|error| SettingsError::builtin(error.to_string()))?;
        let mut settings = validate::build(raw, directories, report)?;
        settings.warnings = strangers(&schema, &sources.environment);
        settings.report_directories(state_is_empty && paths::service_state(&sources.environment).is_some());
        Ok(settings)
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

fn layers(schema: &Schema, sources: &Sources) -> Vec<Layer> {
    let mut layers = vec![Layer::builtin(schema, MANUAL)];
    layers.extend(sources.files.iter().map(|file| Layer::file(schema, file)));
    layers.push(Layer::environment(schema, &sources.environment));
    layers.push(Layer::set(schema, &sources.set));
    layers
}
