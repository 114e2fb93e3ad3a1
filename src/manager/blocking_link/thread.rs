//! Threads with names.

use crate::link::LinkError;

/// Starts a thread.
pub(in crate::manager) fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), LinkError> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    started.map(drop).map_err(|error| LinkError::Failed(format!("no thread to {name}: {error}")))
}
