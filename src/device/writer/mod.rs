//! Brings the hardware to the desired state.
//!
//! Here live the loop that writes ([`write_loop`]), the writes whose end it did not see ([`flights`]) and the end of values
//! whose time is over ([`mod@expiry`]). What may not live here: what is desired, bytes of a protocol.

mod expiry;
mod flights;
#[cfg(test)]
mod tests;
mod write_loop;

pub use write_loop::WritePolicy;
pub(super) use write_loop::Writer;
