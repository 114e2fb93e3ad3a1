//! Protocol version 0 (facts: messages.md sections 4 to 6): one command for all vibrators, and commands for single products.
//!
//! Here live its list of commands and how it describes a device. What may not live here: other versions.

mod codec;
mod description;

pub use codec::V0;
