//! The addresses of the server, taken all together.

use std::io::{Error, ErrorKind};
use std::net::{SocketAddr, TcpListener};

use tracing::{debug, warn};

use super::Failure;
use crate::addresses::take_all;
use crate::settings::{BUILTIN, Settings};

/// Takes every address of `server.listen`. One that this computer does not have is left out, as long as another works: many
/// systems have no IPv6.
pub(super) fn take(settings: &Settings) -> Result<Vec<TcpListener>, Failure> {
    let port = |listener: &TcpListener| listener.local_addr().map_or(0, |bound| bound.port());
    let (taken, missing) =
        take_all(&settings.server.listen, TcpListener::bind, port).map_err(|(at, error)| cannot(at, &error))?;
    if let (true, Some((at, error))) = (taken.is_empty(), missing.first()) {
        return Err(cannot(*at, error));
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
pub(super) fn is_chosen(settings: &Settings) -> bool {
    settings.report().iter().any(|line| line.key == "server.listen" && line.origin != BUILTIN)
}

fn cannot(listen: SocketAddr, error: &Error) -> Failure {
    let hint = match error.kind() {
        ErrorKind::AddrInUse => {
            "another program uses it, perhaps another hapticd or Intiface; \
             end that, or choose another with --set server.listen=127.0.0.1:PORT"
        }
        ErrorKind::PermissionDenied => "ports below 1024 need special rights; choose a higher one",
        _ => "choose another with --set server.listen=127.0.0.1:PORT",
    };
    Failure::Done(format!("cannot listen on {listen} (`server.listen`): {error}; {hint}"))
}
