//! The handshake of Ankni's older toys.

use crate::library::template::Checksum;

/// Bytes of every packet.
pub(super) const LENGTH: usize = 20;
/// Where older toys have their address.
pub(super) const ADDRESS: &str = "generic0";

/// The second packet of the handshake: a byte of the address's checksum, over and over.
pub(super) fn proof(address: &[u8]) -> Vec<u8> {
    let crc = Checksum::Crc16Xmodem.over(&[&[1], address].concat());
    let [.., check, _] = crc.to_be_bytes();
    [[1, 2].as_slice(), &[check; 16]].concat()
}
