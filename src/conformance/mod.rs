//! Checks that a definition works before anything is driven by it: runs its examples and encodes every value.
//!
//! Here live the conversations that examples write down (`transcript`), the player that carries them out with the
//! definition's driver (`runner`, `player`), and the trial of every value of every output (`coverage`). What may not live
//! here: hardware, actors, sockets.

mod check;
mod coverage;
mod player;
mod runner;
mod transcript;

#[cfg(test)]
mod tests;

pub use check::library;
pub use runner::run_all;
pub(crate) use transcript::{Exchange, conversations};
