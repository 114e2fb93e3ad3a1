//! What each caller may ask of the one port: a middleware around everything.
//!
//! Here live the middleware ([`guard()`]), what a request wants ([`asked`]) and the token that it carries ([`credentials`]). What
//! the routes themselves need to know of the caller they take as an argument ([`Asker`]). What may not live here: who a caller
//! is and what each may do, which `crate::access` knows.

mod asked;
mod asker;
mod credentials;
mod guard;
#[cfg(test)]
mod tests;

pub(super) use asker::Asker;
pub(super) use credentials::{PROTOCOL, TOKEN_PROTOCOL, protocols};
pub(super) use guard::guard;
