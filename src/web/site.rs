//! What requests need.

use std::path::PathBuf;

use super::api::{ApiCallers, Readers};
use super::origins::Origins;
use super::tokens::Tokens;
use super::websocket::SocketLimits;
use crate::access::LocalAccess;
use crate::control::Control;
use crate::manager::virtual_bus::Port;
use crate::session::SessionOptions;

/// What requests need. Copies share it.
#[derive(Debug, Clone)]
pub struct Site {
    /// The front door.
    pub control: Control,
    /// What clients are told and allowed.
    pub sessions: SessionOptions,
    /// What drives devices for callers of the API.
    pub api: ApiCallers,
    /// Who reads events.
    pub readers: Readers,
    /// Which web pages may connect.
    pub origins: Origins,
    /// What lets programs in that are not of this computer.
    pub tokens: Tokens,
    /// Whether programs of this computer need a token.
    pub local: LocalAccess,
    /// A folder with another build of the page, for those who work on it.
    pub page: Option<PathBuf>,
    /// What sockets may do.
    pub limits: SocketLimits,
    /// Where virtual hardware goes, if it is on.
    pub virtual_port: Option<Port>,
}
