//! The engine that runs what a definition's templates say: connect steps, packets for outputs, and inputs.

mod engine;
mod identify;
mod inputs;
mod interpreter;
mod scope;

pub(super) use engine::Template;
pub use identify::identify;
