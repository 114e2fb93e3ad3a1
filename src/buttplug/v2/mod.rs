//! Protocol version 2 (facts: messages.md sections 4 to 6): counts of features and steps, the level of the battery.
//!
//! Here live its list of commands and how it describes a device. What may not live here: other versions.

mod codec;
mod description;

pub use codec::V2;
