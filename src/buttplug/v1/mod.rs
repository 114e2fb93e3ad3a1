//! Protocol version 1 (facts: messages.md sections 4 to 6): vibrators, rotators and axes by number.
//!
//! Here live its list of commands and how it describes a device. What may not live here: other versions.

mod codec;
mod description;

pub use codec::V1;
