//! A token, as it is kept.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::access::Scope;

/// A token, as the file has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    pub(super) name: String,
    pub(super) scope: Scope,
    /// SHA-256 of the secret, in hexadecimal digits.
    pub(super) hash: String,
    /// Seconds since 1970 after which it is not valid.
    pub(super) expires: Option<u64>,
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

impl Token {
    pub(super) fn is_valid(&self) -> bool {
        self.expires.is_none_or(|expires| now() < expires)
    }
}
