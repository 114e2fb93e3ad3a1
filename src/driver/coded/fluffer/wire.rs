//! What both sides of Fluffer's protocol know.

/// The key of every packet.
pub(super) const KEY: &[u8; 16] = b"jdk#Flu%y6fer32f";
/// What the toy says when the proof is right.
pub(super) const WELCOME: [u8; 4] = [0xA5, 1, 1, 0];
