//! The composition root: puts a server together from settings, runs it on a thread of its own, and stops it.
//!
//! Here live the builder ([`Server::builder`]), the running server, the reading again of files that change ([`reload`]), mDNS and systemd. The binary and
//! applications that carry a server in their own process use the same code. What may not live here: signal handlers,
//! loggers, panic hooks, printing and exits, which belong to the process and so to the binary.

mod builder;
mod bus_report;
mod error;
mod library;
mod listen;
mod mdns;
mod options;
mod reload;
mod running;
mod systemd;
#[cfg(test)]
mod tests;
mod thread;

pub use builder::Builder;
pub use error::StartError;
pub use library::library;
pub use listen::is_chosen;
pub use running::Server;
pub use systemd::Service;
pub use thread::EndReason;
