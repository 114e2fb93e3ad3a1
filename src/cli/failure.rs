//! Why a command did not do what it should.

use std::io::ErrorKind;

use crate::server::StartError;
use crate::settings::SettingsError;

/// Why a command did not do what it should; decides the exit status.
#[derive(Debug)]
pub enum Failure {
    /// What was given is wrong.
    Given(String),
    /// It could not be done.
    Done(String),
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let hint = match &error {
            StartError::Definitions { .. } => return Self::Given(error.to_string()),
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
                return Self::Done(error.to_string());
            }
        };
        Self::Done(format!("{error}; {hint}"))
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::Given(error.to_string())
    }
}
