//! Tokens: what lets programs in that are not of this computer.
//!
//! Here live the tokens that were given out ([`Tokens`]), the file that remembers them ([`mod@file`]) and the one by which
//! the user's own commands say who may do what ([`admin`]). What may not live here: what a token is good for, which
//! `crate::access` knows.

mod admin;
mod file;
mod keeper;
mod secret;
mod token;

pub use admin::FILE as ADMIN_FILE;
pub use keeper::Tokens;
pub(super) use keeper::{Refused, TokenId, TokenInfo};
