//! Which web pages may connect: what the user has answered, and who asks.
//!
//! Here live the answers and the questions ([`Origins`]) and the file that remembers answers ([`mod@file`]). What may not live
//! here: who a request comes from, which `crate::access` judges; what programs ask of it, which is in `web/api`.

mod answers;
mod file;
mod keeper;

pub(super) use keeper::OriginList;
pub use keeper::Origins;
