//! The cipher of Galaku: each byte takes a key that the encoded byte before it picks (facts: protocols/galaku.md).

/// Bytes of a frame.
pub(super) const LENGTH: usize = 12;
/// Asks for the battery.
pub(super) const BATTERY: [u8; 10] = [0x5A, 0, 0, 1, 0x13, 0, 0, 0, 0, 0];
/// Every frame begins so, also when it is encoded.
const FIRST: u8 = 0x23;
const KEYS: [[u8; LENGTH]; 4] = [
    [0, 24, 152, 247, 165, 61, 13, 41, 37, 80, 68, 70],
    [0, 69, 110, 106, 111, 120, 32, 83, 45, 49, 46, 55],
    [0, 101, 120, 32, 84, 111, 121, 115, 10, 142, 157, 163],
    [0, 197, 214, 231, 248, 10, 50, 32, 111, 98, 13, 10],
];

fn key(before: u8, at: usize) -> u8 {
    KEYS.get(usize::from(before & 3)).and_then(|row| row.get(at)).copied().unwrap_or(0)
}

/// The frame of these ten bytes, with its sum, encoded.
pub(super) fn encode(payload: [u8; LENGTH - 2]) -> Vec<u8> {
    let sum = payload.iter().fold(FIRST, |sum, byte| sum.wrapping_add(*byte));
    let plain = payload.into_iter().chain([sum]);
    let mut before = FIRST;
    let rest = plain.zip(1..).map(|(byte, at)| {
        let key = key(before, at);
        before = (key ^ FIRST ^ byte).wrapping_add(key);
        before
    });
    let rest: Vec<u8> = rest.collect();
    [vec![FIRST], rest].concat()
}

/// The ten bytes of an encoded frame; `None` for anything else.
pub(super) fn decode(frame: &[u8]) -> Option<[u8; LENGTH - 2]> {
    let frame: [u8; LENGTH] = frame.try_into().ok()?;
    let [first, rest @ ..] = frame;
    let before = frame.iter();
    let plain = rest.iter().zip(before).zip(1..).map(|((byte, before), at)| {
        let key = key(*before, at);
        byte.wrapping_sub(key) ^ FIRST ^ key
    });
    let plain: Vec<u8> = plain.collect();
    let [payload @ .., sum] = <[u8; LENGTH - 1]>::try_from(plain).ok()?;
    let right = payload.iter().fold(first, |sum, byte| sum.wrapping_add(*byte)) == sum;
    (first == FIRST && right).then_some(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_can_be_decoded_and_nothing_else() {
        let payload = [0x5A, 0, 0, 1, 0x31, 25, 0, 0, 0, 0];
        let frame = encode(payload);
        assert_eq!(hex::encode(&frame), "2381bbabd2ec4433bba33beb");
        assert_eq!(decode(&frame), Some(payload));
        for at in 0..LENGTH {
            let mut wrong = frame.clone();
            wrong[at] ^= 0x10;
            assert_eq!(decode(&wrong), None, "{at}");
        }
        assert_eq!(decode(&frame[..11]), None);
    }
}
