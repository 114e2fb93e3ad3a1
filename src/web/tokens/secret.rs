//! The secret itself. It is shown once; only its hash is kept.

use sha2::{Digest, Sha256};

/// Random bytes of a token: 160 bits.
const BYTES: usize = 20;

/// A new secret, as text.
///
/// # Errors
/// The system has no random numbers.
pub(super) fn new() -> Result<String, String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| format!("the system gives no random numbers: {error}"))?;
    Ok(hex::encode(bytes))
}

/// What is kept of a secret. That of 160 random bits needs no salt.
pub(super) fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}
