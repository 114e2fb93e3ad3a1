//! The options about settings that every command takes.

use std::path::PathBuf;

use clap::Args;

use super::exit_error::ExitError;
use crate::settings::{Settings, SettingsError, Sources};

/// Where settings come from. Every command takes these, and so does `hapticd` before the command.
#[derive(Debug, Clone, Args)]
pub struct SettingsArgs {
    /// Read this settings file after the system's and the user's own
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set one setting, such as server.listen=127.0.0.1:2345; may be given again
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
}

impl SettingsArgs {
    /// Reads the settings and tells of what was probably not meant.
    pub(super) fn load(&self, more: &[&str]) -> Result<Settings, SettingsError> {
        let settings = Settings::load(&self.sources(more))?;
        for warning in settings.warnings() {
            eprintln!("hapticd: warning: {warning}");
        }
        Ok(settings)
    }

    pub(super) fn sources(&self, more: &[&str]) -> Sources {
        let set = self.set.iter().cloned().chain(more.iter().map(|set| (*set).to_owned())).collect();
        Sources::standard(self.config.clone(), set)
    }

    /// What is right in the settings, and what is wrong.
    pub(super) fn load_what_is_right(&self) -> Result<(Settings, Option<SettingsError>), SettingsError> {
        Settings::load_what_is_right(&self.sources(&[]))
    }

    /// Takes up what was given before the command; the command's own win, as what is given later does.
    pub(super) fn add_before(&mut self, before: Self) -> Result<(), ExitError> {
        if self.config.is_some() && before.config.is_some() {
            return Err(ExitError::Usage("--config can be given once only".to_owned()));
        }
        self.config = self.config.take().or(before.config);
        self.set.splice(0..0, before.set);
        Ok(())
    }
}
