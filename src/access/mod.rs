//! Who a request comes from, judged by its raw headers: the rules that every port shares.
//!
//! Here live the callers ([`mod@caller`]), the identity of a web page ([`Origin`]) and what each may do ([`Right`], [`Scope`]). `web/access` applies the rules to HTTP,
//! `manager/websocket` to the port for devices that dial in. What may not live here: sockets, what somebody answered.

mod caller;
mod origin;
mod rights;

pub use caller::{Caller, Headers, Refusal, caller, is_forwarding};
pub use origin::{Origin, UnknownOrigins};
pub use rights::{LocalAccess, Right, Scope, is_granted_here};
