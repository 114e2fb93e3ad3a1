//! The token by which the server knows its own user's commands, for servers that ask for one.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::settings_args::SettingsArgs;
use crate::settings::Settings;
use crate::web::ADMIN_FILE;

/// Where the admin token is. It is only looked for when a server asks for one.
#[derive(Debug, Clone)]
pub(super) enum AdminToken {
    /// In this state directory.
    In(PathBuf),
    /// In that of these settings.
    Of(SettingsArgs),
}

impl From<&Settings> for AdminToken {
    fn from(settings: &Settings) -> Self {
        Self::In(settings.state.dir.clone())
    }
}

impl AdminToken {
    /// The token for a server at these addresses, if this user may read it. No other computer is shown it.
    pub(super) fn for_server_at(&self, addresses: &[SocketAddr]) -> Option<String> {
        let here = !addresses.is_empty() && addresses.iter().all(|at| at.ip().is_loopback());
        let directory = match self {
            _ if !here => return None,
            Self::In(directory) => directory.clone(),
            Self::Of(settings) => settings.load_what_is_right().ok()?.0.state.dir,
        };
        let text = std::fs::read_to_string(directory.join(ADMIN_FILE)).ok()?;
        let token = text.trim();
        // It becomes part of a header.
        let is_one = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_one.then(|| token.to_owned())
    }
}
