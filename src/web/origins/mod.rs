//! Which web pages may connect: what the user has answered, and who asks.
//!
//! Here live the answers and the questions ([`Origins`]), the file that remembers answers ([`mod@file`]), and what the user's own
//! programs ask and say of them ([`routes`]). What may not live here: who a request comes from, which `crate::access` judges.

mod answers;
mod file;
mod keeper;
pub(super) mod routes;

pub use keeper::Origins;
