//! From [`Sources`] to [`Settings`]: the order of the layers, the collecting of problems, and the rules between keys.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::layer::{Layer, variable_origin};
use super::merge::merge;
use super::paths::{self, STATE_DIRECTORY};
use super::problem::{SettingsError, SettingsProblem};
use super::report::ReportLine;
use super::rule::Rule;
use super::schema;
use super::setting::{Setting, Values, join};
use super::sources::{Sources, looks_like_ours};
use super::table::Settings;
use super::value::shown;

/// Every key with its default, meaning, unit and range: the embedded `config/default.toml`, as text for people to read.
pub const MANUAL: &str = include_str!("../../config/default.toml");

impl Settings {
    /// Reads, merges and checks all settings.
    ///
    /// # Errors
    ///
    /// Everything that is wrong in any of the sources, at once.
    pub fn load(sources: &Sources) -> Result<Self, SettingsError> {
        load(MANUAL, sources)
    }

    /// The same, but what is wrong is left out and told beside the rest: for what must not fail over a misspelt key.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, where nothing can be made of the rest.
    pub fn load_what_is_right(sources: &Sources) -> Result<(Self, Option<SettingsError>), SettingsError> {
        load_what_is_right(MANUAL, sources)
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

    /// Every key, in the order of the manual, with the value in use and where it came from.
    ///
    /// For a directory left empty, it is the directory used in its place. Changes made to the
    /// fields after loading are not seen here.
    #[must_use]
    pub fn report(&self) -> &[ReportLine] {
        &self.report
    }

    /// Where `devices.toml` may be, the best place first: beside the settings file that was named last, beside the user's
    /// own, beside that of the system, in the state directory; or only where `devices.settings_dir` says.
    #[must_use]
    pub fn devices_files(&self) -> Vec<PathBuf> {
        let directories = match &self.devices.settings_dir {
            Some(only) => vec![only],
            None => self.beside.iter().chain([&self.state.dir]).collect(),
        };
        directories.into_iter().map(|directory| directory.join(paths::DEVICES)).collect()
    }

    /// What is allowed but was probably not meant, such as an environment variable that sets nothing because its name has
    /// one underscore too few.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Reads all settings, over these defaults.
pub(super) fn load(defaults: &str, sources: &Sources) -> Result<Settings, SettingsError> {
    match load_what_is_right(defaults, sources)? {
        (settings, None) => Ok(settings),
        (_, Some(wrong)) => Err(wrong),
    }
}

fn load_what_is_right(defaults: &str, sources: &Sources) -> Result<(Settings, Option<SettingsError>), SettingsError> {
    let mut layers = vec![Layer::builtin(defaults)];
    layers.extend(sources.files.iter().map(Layer::file));
    layers.extend([Layer::environment(&sources.environment), Layer::set(&sources.set)]);
    let mut problems: Vec<_> = layers.iter_mut().flat_map(|layer| std::mem::take(&mut layer.problems)).collect();
    let unreadable = layers.iter().any(|layer| layer.unreadable);
    let values = merge(layers).map_err(|error| SettingsError::builtin(error.to_string()))?;
    // What could not be read may hold the other half of a pair, so judging pairs would mislead.
    if !unreadable {
        problems.extend(not_greater(&values, &problems));
    }
    let state_is_empty = values.get("state.dir").is_some_and(|dir| shown(dir) == "\"\"");
    let service = paths::service_state(&sources.environment).filter(|_| state_is_empty);
    let origin = service.is_some().then(|| variable_origin(STATE_DIRECTORY));
    let state = service.or_else(paths::platform_state).filter(|_| state_is_empty);
    if state_is_empty && state.is_none() {
        problems.push(SettingsProblem::NoStateDirectory);
    }
    let wrong = (!problems.is_empty()).then(|| SettingsError::new(problems));
    let read = Settings::read("", &values).map_err(SettingsError::builtin);
    let mut settings = read.map_err(|error| wrong.clone().unwrap_or(error))?;
    settings.warnings = strangers(&sources.environment);
    settings.report = report(&values);
    settings.beside = beside(sources);
    settings.state.dir = state.unwrap_or(settings.state.dir);
    settings.devices.definitions_dir = settings.devices.definitions_dir.or_else(paths::definitions);
    show(&mut settings.report, "state.dir", Some(&settings.state.dir), origin);
    show(&mut settings.report, "devices.definitions_dir", settings.devices.definitions_dir.as_deref(), None);
    Ok((settings, wrong))
}

/// The numbers that are not greater than the other number of their section that they have to exceed.
///
/// Keys with a problem of their own are left out: their value here is not the one that was meant, and a second message
/// about it would mislead.
fn not_greater(values: &Values, known: &[SettingsProblem]) -> Vec<SettingsProblem> {
    let sound = |key: &str| known.iter().all(|problem| problem.key() != Some(key));
    let number = |key: &str| {
        let value = values.get(key)?;
        Some((value.clone().into_int().ok()?, value.origin().unwrap_or_default().to_owned()))
    };
    let broken = |(key, rule): (&str, Rule)| {
        let Rule::GreaterThan(name, ..) = rule else { return None };
        let other = join(key.rsplit_once('.')?.0, name);
        let ((value, origin), (other_value, other_origin)) = (number(key)?, number(&other)?);
        let broken = value <= other_value && sound(key) && sound(&other);
        let key = key.to_owned();
        broken.then_some(SettingsProblem::NotGreater { key, origin, value, other, other_value, other_origin })
    };
    schema::keys().filter_map(broken).collect()
}

/// The directories of the settings files, the most particular first.
fn beside(sources: &Sources) -> Vec<PathBuf> {
    let (named, usual): (Vec<_>, Vec<_>) = sources.files.iter().rev().partition(|file| file.required);
    let files = named.into_iter().map(|file| file.path.clone());
    // The user's limits hold also in a server that reads no settings file.
    let files = files.chain(paths::user_file()).chain(usual.into_iter().map(|file| file.path.clone()));
    let mut directories: Vec<PathBuf> = Vec::new();
    for file in files {
        let directory = file.parent().map(Path::to_owned).unwrap_or_default();
        if !directories.contains(&directory) {
            directories.push(directory);
        }
    }
    directories
}

/// Warnings about variables that set nothing though they look as if they did.
fn strangers(environment: &[(OsString, OsString)]) -> Vec<String> {
    let mut names: Vec<_> = environment.iter().map(|(name, _)| name).collect();
    names.sort();
    let warning = |name: &OsString| {
        let meant = schema::meant_by_variable(&looks_like_ours(name)?)?;
        Some(format!("{} sets nothing; did you mean {meant}?", variable_origin(&name.to_string_lossy())))
    };
    names.into_iter().filter_map(warning).collect()
}

fn report(values: &Values) -> Vec<ReportLine> {
    let line = |(key, _): (&str, Rule)| {
        let value = values.get(key)?;
        let origin = value.origin().unwrap_or_default().to_owned();
        Some(ReportLine { key: key.to_owned(), value: shown(value), origin })
    };
    schema::keys().filter_map(line).collect()
}

/// Puts the directory in use in place of the one that was written, and where it came from if that was elsewhere.
fn show(report: &mut [ReportLine], key: &str, directory: Option<&Path>, origin: Option<String>) {
    if let (Some(line), Some(directory)) = (report.iter_mut().find(|line| line.key == key), directory) {
        line.value = toml::Value::from(&*directory.to_string_lossy()).to_string();
        line.origin = origin.unwrap_or_else(|| line.origin.clone());
    }
}
