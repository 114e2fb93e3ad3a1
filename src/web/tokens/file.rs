//! `tokens.json` in the state directory: the tokens that were given out, by their hashes. Only the server writes it, and only its
//! user may read it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::token::Token;
use crate::web::private_file;

/// Its name.
pub(super) const FILE: &str = "tokens.json";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    version: u32,
    tokens: Vec<Token>,
}

/// The tokens of the file; none when there is no file.
///
/// # Errors
/// It cannot be read or understood.
pub(super) fn read(path: &Path) -> Result<Vec<Token>, String> {
    let Some(bytes) = crate::user_devices::read_bytes(path).map_err(|error| error.to_string())? else {
        return Ok(Vec::new());
    };
    let Contents { version, tokens } = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    if version != 1 {
        return Err(format!("its version is {version}; this hapticd reads version 1"));
    }
    Ok(tokens)
}

/// Writes them.
///
/// # Errors
/// The directory cannot be written.
pub(super) fn write(path: &Path, tokens: Vec<Token>) -> Result<(), String> {
    let text = serde_json::to_string_pretty(&Contents { version: 1, tokens }).map_err(|error| error.to_string())?;
    private_file::write(path, &(text + "\n"))
}
