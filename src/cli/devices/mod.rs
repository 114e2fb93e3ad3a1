//! `hapticd devices [TEXT]`: which models are known?
//!
//! Here live the options and the search ([`search`]), what is said of a model ([`row`]), and the list for the manual
//! ([`markdown`]). What may not live here: how a model is recognised.

mod markdown;
mod row;
mod search;

pub use search::DevicesArgs;
pub(super) use search::run;
