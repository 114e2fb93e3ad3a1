//! The one front door: what anybody may ask of the server, without a wire format.
//!
//! Here live [`Control`], which every visitor holds, and [`Operator`], by which one of them drives devices: sessions of
//! Buttplug clients are the first. A command takes no actor hop and does not pass through the hub: an operator looks the
//! device up in the published routing table and puts the values into its desired state. What may not live here: wire
//! versions, sockets, HTTP.

mod batch;
mod handle;
mod lookup;
mod operator;
mod operators;
mod stopping;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use batch::Batch;
pub use handle::{Control, DeviceView};
pub use operator::Operator;
pub use stopping::Stopping;
