//! Frames of Honey Play Box, in both directions (facts: protocols/honeyplaybox.md).

use md5::{Digest, Md5};

use crate::library::template::Checksum;

const HEADER: [u8; 6] = [0x02, 0xA5, 0x5A, 0x55, 0xAA, 0xF0];
const END: u8 = 0x03;
/// Commands of this type drive it and shake hands with it.
const TYPE: u8 = 0xB1;
/// The longest frame that toys are known to send is far shorter; what says to be longer is none.
const LONGEST: usize = 512;

const SECRET: [u8; 16] =
    [0x8B, 0xE3, 0xFD, 0x04, 0x68, 0x35, 0x09, 0x86, 0x12, 0x1A, 0xBF, 0x03, 0x30, 0xE9, 0xE3, 0xC5];
/// The command that shakes hands, what it says, and the one that sets levels.
pub(super) const HELLO: u8 = 1;
pub(super) const HELLO_DATA: [u8; 2] = [0, 0x10];
pub(super) const LEVELS: u8 = 3;
/// What a toy says that has taken a command.
pub(super) const FINE: [u8; 2] = [0x90, 0];
/// Bytes for one motor.
pub(super) const GROUP: usize = 8;
pub(super) const SIGNATURE: usize = 8;

/// What a toy gives at the handshake and wants in every signature.
pub(super) type Token = [u8; 16];

/// A frame with its number, command and data.
pub(super) fn frame(number: u8, command: u8, data: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes();
    let body = [[TYPE, command, high, low].as_slice(), data].concat();
    let [.., crc_high, crc_low] = Checksum::Crc16Modbus.over(&body).to_be_bytes();
    [HEADER.as_slice(), &[number], &body, &[END, crc_high, crc_low]].concat()
}

/// What a whole frame says: its command and its data.
pub(super) fn parts(frame: &[u8]) -> Option<(u8, &[u8])> {
    let [_, TYPE, command, high, low, rest @ ..] = frame.strip_prefix(&HEADER)? else { return None };
    let (data, end) = rest.split_at_checked(u16::from_be_bytes([*high, *low]).into())?;
    matches!(end, [END, _, _]).then_some((*command, data))
}

/// Cuts the first whole frame out of what has come so far, and everything before it.
pub(super) fn cut(heard: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        let Some(at) = heard.windows(HEADER.len()).position(|window| window == HEADER) else {
            // The last bytes may be the beginning of a header.
            heard.drain(..heard.len().saturating_sub(HEADER.len() - 1));
            return None;
        };
        heard.drain(..at);
        let [high, low] = *heard.get(9..11)? else { return None };
        let length = usize::from(u16::from_be_bytes([high, low])) + 14;
        if length <= LONGEST && heard.len() < length {
            return None;
        }
        if length > LONGEST || heard.get(length - 3) != Some(&END) {
            heard.drain(..1);
            continue;
        }
        return Some(heard.drain(..length).collect());
    }
}

/// What stands behind the bytes of all motors.
pub(super) fn signature(groups: &[u8], token: &Token) -> Vec<u8> {
    let length = u16::try_from(groups.len() + SIGNATURE).unwrap_or(u16::MAX).to_be_bytes();
    let mut hash = Md5::new_with_prefix([0xB1, LEVELS]);
    for part in [length.as_slice(), groups, &SECRET, token] {
        hash.update(part);
    }
    hash.finalize().iter().take(SIGNATURE).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_cut_out_of_whatever_stands_around_them() {
        let one = frame(2, 3, &[1, 2, 3]);
        assert_eq!(parts(&one), Some((3, [1, 2, 3].as_slice())));
        let mut heard = Vec::new();
        for byte in [&[0xF0, 0x02, 0xA5], one.as_slice(), &[9, 9], &one].concat() {
            heard.push(byte);
            if let Some(found) = cut(&mut heard) {
                assert_eq!(found, one);
                assert!(heard.is_empty());
            }
        }
        let mut long = HEADER.to_vec();
        long.extend([0, TYPE, 1, 0xFF, 0xFF]);
        long.extend(&one);
        assert_eq!(cut(&mut long), Some(one));
        assert_eq!(cut(&mut vec![0; 100]), None);
    }
}
