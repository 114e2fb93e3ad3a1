//! What a device should be doing: one slot for each output, in which the newest value wins.
//!
//! Here live the slots ([`slot`]), their state as a whole ([`state`]), what a change of the limits means for them
//! ([`limits_change`]), which values end by themselves ([`expiry`]), how a limited speed or rise approaches what is wanted ([`ramp`]), where axes stand and move
//! ([`positions`], [`motion`], [`trajectory`]). It outlives the actor that writes it.
//! What may not live here: links, drivers, timers.

mod expiry;
mod limits_change;
mod motion;
mod observe;
mod positions;
mod ramp;
mod slot;
mod state;
#[cfg(test)]
mod tests;
mod trajectory;

pub use slot::OutputChannel;
pub use state::{DesiredState, WriteBatch};
