//! Turns the text of a file into a definition, or into everything that is wrong with it.

mod commands;
mod definition;
mod example;
mod extension;
mod features;
mod matching;
mod models;
mod reader;
mod rules;

#[cfg(test)]
mod tests;

pub(super) use extension::{base, no_base};
