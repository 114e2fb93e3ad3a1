//! One block of AES-128: what the protocols of some makers wrap their short messages in.

use aes::Aes128;
use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

/// Bytes of a block and of a key.
const BLOCK: usize = 16;

/// A message of at most 15 bytes with its PKCS#7 padding, encrypted; the rest of a longer one is cut off.
pub(super) fn encrypt(key: &[u8; BLOCK], message: &[u8]) -> Vec<u8> {
    let length = message.len().min(BLOCK - 1);
    let padding = u8::try_from(BLOCK - length).unwrap_or(1);
    let mut block: Block<Aes128> = [padding; BLOCK].into();
    for (place, byte) in block.iter_mut().zip(message.iter().take(length)) {
        *place = *byte;
    }
    Aes128::new(&(*key).into()).encrypt_block(&mut block);
    block.to_vec()
}

/// The message of one block; `None` if it is none, or its padding is wrong.
pub(super) fn decrypt(key: &[u8; BLOCK], data: &[u8]) -> Option<Vec<u8>> {
    let mut block: Block<Aes128> = <[u8; BLOCK]>::try_from(data).ok()?.into();
    Aes128::new(&(*key).into()).decrypt_block(&mut block);
    let padding = usize::from(*block.last()?);
    let (message, rest) = block.split_at_checked(BLOCK.checked_sub(padding)?)?;
    (!rest.is_empty() && rest.iter().all(|byte| usize::from(*byte) == padding)).then(|| message.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_published() {
        // facts: protocols/fluffer.md
        let key = b"jdk#Flu%y6fer32f";
        let block = encrypt(key, &[0x80, 2, 0]);
        assert_eq!(hex::encode(&block), "87b7bec1c840057e8606f75ec04319f0");
        assert_eq!(decrypt(key, &block), Some(vec![0x80, 2, 0]));
        assert_eq!(decrypt(key, &[0; 16]), None);
        assert_eq!(decrypt(key, &block[..15]), None);
        assert_eq!(decrypt(key, &encrypt(key, b"")), Some(Vec::new()));
    }
}
