//! Plays hardware: what `hapticd simulate` and tests attach to the virtual bus.
//!
//! Here live the simulated device that reads packets by the templates of its definition ([`simulate`]), the template
//! language read backwards, and the responses that a definition would accept. The simulated sides of coded drivers stand
//! beside their drivers. What may not live here: links, sockets, clocks, anything that a driver remembers.

mod constraint;
mod context;
mod decode;
mod distance;
mod examples;
mod packet_reader;
mod responses;
mod script;
mod search;
mod solve;
mod template_device;

#[cfg(test)]
mod tests;

pub use crate::driver::{simulated::CHARGE, simulated::Level, simulated::SimulatedDevice};
pub use responses::identifier_bytes;
pub use template_device::simulate;
