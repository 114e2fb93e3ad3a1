//! The frames of Fredorch's rotary machine.

/// Go a step faster.
pub(super) const FASTER: [u8; 5] = [0x55, 3, 1, 4, 0xAA];
/// Go a step slower.
pub(super) const SLOWER: [u8; 5] = [0x55, 3, 2, 5, 0xAA];
/// Stand still.
pub(super) const STOP: [u8; 5] = [0x55, 3, 0x24, 0x27, 0xAA];
/// What is said at the start, one after the other: a handshake, a password, "power on" and a stop.
pub(super) const START: [&[u8]; 4] =
    [&[0x55, 3, 0x99, 0x9C, 0xAA], &[0x55, 9, 0x21, 0, 0, 0, 0, 0, 0, 0x2A, 0xAA], &[0x55, 3, 0x1F, 0x22, 0xAA], &STOP];
