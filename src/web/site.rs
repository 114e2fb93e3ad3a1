//! What requests need.

use super::origins::Origins;
use super::websocket::SocketLimits;
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
    /// Which web pages may connect.
    pub origins: Origins,
    /// What sockets may do.
    pub limits: SocketLimits,
    /// Where virtual hardware goes, if it is on.
    pub virtual_port: Option<Port>,
}
