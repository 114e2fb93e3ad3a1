//! Why a command did not do what it should.

use std::io::ErrorKind;

use crate::server::StartError;
use crate::settings::SettingsError;

/// Why a command did not do what it should; decides the exit status.
#[derive(Debug)]
pub enum ExitError {
    /// What was given is wrong.
    Usage(String),
    /// It could not be done.
    Runtime(String),
}

impl From<StartError> for ExitError {
    fn from(error: StartError) -> Self {
        let hint = match &error {
            StartError::Definitions { .. } => return Self::Usage(error.to_string()),
            StartError::Listen { error, .. } => match error.kind() {
                ErrorKind::AddrInUse => {
                    "another program uses it, perhaps another hapticd or Intiface; \
                     end that, or choose another with --set server.listen=127.0.0.1:PORT"
                }
                ErrorKind::PermissionDenied => "ports below 1024 need special rights; choose a higher one",
                _ => "choose another with --set server.listen=127.0.0.1:PORT",
            },
            StartError::StateInUse { .. } => {
                "end that one, or give this one a directory of its own with --set state.dir=DIRECTORY, \
                 or let it run without remembering anything with --set state.remember=false"
            }
            StartError::Metrics(_) | StartError::Web(_) | StartError::Thread(_) => {
                return Self::Runtime(error.to_string());
            }
        };
        Self::Runtime(format!("{error}; {hint}"))
    }
}

impl From<SettingsError> for ExitError {
    fn from(error: SettingsError) -> Self {
        Self::Usage(error.to_string())
    }
}
