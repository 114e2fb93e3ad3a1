//! Protocol version 3 (facts: messages.md sections 4 to 6): scalars of any type, sensors, display name and timing gap.
//!
//! Here live its list of commands and how it describes a device. What may not live here: other versions.

mod codec;
mod description;

pub use codec::V3;
