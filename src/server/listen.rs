//! The addresses of the server, taken all together.

use std::io::Error;
use std::net::{SocketAddr, TcpListener};

use tracing::{debug, warn};

use super::error::StartError;
use crate::addresses::take_all;
use crate::settings::{BUILTIN, Settings};

/// Takes every address of `server.listen`. One that this computer does not have is left out, as long as another works: many
/// systems have no IPv6.
pub(super) fn take(settings: &Settings) -> Result<Vec<TcpListener>, StartError> {
    let port = |listener: &TcpListener| listener.local_addr().map_or(0, |bound| bound.port());
    let (taken, missing) = take_all(&settings.server.listen, TcpListener::bind, port).map_err(cannot)?;
    let mut missing = missing.into_iter().peekable();
    if let Some(first) = missing.next_if(|_| taken.is_empty()) {
        return Err(cannot(first));
    }
    for (at, error) in missing {
        if is_chosen(settings) {
            warn!("clients cannot connect to {at} (`server.listen`), which this computer does not have: {error}");
        } else {
            debug!("{at} is left out, which this computer does not have: {error}");
        }
    }
    Ok(taken)
}

/// Whether somebody chose the addresses, and not hapticd.
#[must_use]
pub fn is_chosen(settings: &Settings) -> bool {
    settings.report().iter().any(|line| line.key == "server.listen" && line.origin != BUILTIN)
}

fn cannot((address, error): (SocketAddr, Error)) -> StartError {
    StartError::Listen { address, error }
}
