//! Protocol version 4 (facts: messages.md sections 4 and 7).
//!
//! Here live its messages as they stand on the wire ([`messages`]), which both servers and clients read and write, and
//! their translation to and from the internal model ([`V4`]). What may not live here: other versions.

mod codec;
mod description;
pub mod messages;
#[cfg(test)]
mod tests;

pub use codec::V4;
pub use description::describe_feature as feature;
