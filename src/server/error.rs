//! Why a server does not start.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a server does not start. The texts say what is wrong; what to do about it is for the application to say.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `devices.definitions_dir` names a directory that cannot be read.
    #[error("`devices.definitions_dir` = {} ({origin}) is no directory that can be read", path.display())]
    Definitions {
        /// The directory.
        path: PathBuf,
        /// Where the setting was made.
        origin: String,
    },
    /// The server cannot listen on an address of `server.listen`.
    #[error("cannot listen on {address} (`server.listen`): {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        error: std::io::Error,
    },
    /// Another server uses the state directory.
    #[error("the state directory {} is used by another hapticd{}", directory.display(), in_brackets(holder))]
    StateInUse {
        /// `state.dir`.
        directory: PathBuf,
        /// What the other server says of itself; it may be empty.
        holder: String,
    },
    /// The metrics contradict each other, which a test excludes.
    #[error("the metrics cannot be made: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The web server does not take an address that is the server's already.
    #[error("cannot listen: {0}")]
    Web(std::io::Error),
    /// The system gives no thread or no event queue.
    #[error("cannot start: {0}")]
    Thread(std::io::Error),
}

fn in_brackets(holder: &str) -> String {
    if holder.is_empty() { String::new() } else { format!(" ({holder})") }
}
