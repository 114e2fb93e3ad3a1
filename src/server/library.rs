//! The definitions that the settings name.

use super::error::StartError;
use crate::library::Library;
use crate::settings::{BUILTIN, Settings};

/// Reads the built-in definitions and the user's own.
///
/// # Errors
/// `devices.definitions_dir` is set and names no directory that can be read.
pub fn library(settings: &Settings) -> Result<Library, StartError> {
    const KEY: &str = "devices.definitions_dir";
    let own: Vec<_> = settings.devices.definitions_dir.iter().cloned().collect();
    // The usual directory need not be there; one that somebody named should be.
    let named = settings.report().iter().find(|line| line.key == KEY && line.origin != BUILTIN);
    if let (Some(line), Some(missing)) = (named, own.iter().find(|own| !own.is_dir())) {
        return Err(StartError::Definitions { path: missing.clone(), origin: line.origin.to_string() });
    }
    Ok(Library::load(&own, &crate::driver::names()))
}
