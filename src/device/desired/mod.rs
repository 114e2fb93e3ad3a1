//! What a device should be doing: one slot for each output, in which the newest value wins.
//!
//! Here live the slots ([`slot`]), their state as a whole ([`state`]), where axes stand and move ([`positions`],
//! [`trajectory`]). It outlives the actor that writes it. What may not live here: links, drivers, timers.

mod observe;
mod positions;
mod slot;
mod state;
#[cfg(test)]
mod tests;
mod trajectory;

pub use slot::OutputChannel;
pub use state::{DesiredState, WriteBatch};
