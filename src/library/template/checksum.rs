//! Checksums over the bytes of a packet.

/// A way to sum up bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checksum {
    Sum,
    Xor,
    Crc16Modbus,
    Crc16Xmodem,
}

impl Checksum {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "sum" => Self::Sum,
            "xor" => Self::Xor,
            "crc16_modbus" => Self::Crc16Modbus,
            "crc16_xmodem" => Self::Crc16Xmodem,
            _ => return None,
        })
    }

    /// Packets are short, so even the plain sum stays far below 32 bits.
    pub(crate) fn over(self, bytes: &[u8]) -> u32 {
        match self {
            Self::Sum => bytes.iter().map(|byte| u32::from(*byte)).sum(),
            Self::Xor => u32::from(bytes.iter().fold(0, |all, byte| all ^ byte)),
            Self::Crc16Modbus => u32::from(bytes.iter().fold(0xFFFF, |crc, byte| {
                (0..8).fold(crc ^ u16::from(*byte), |crc: u16, _| (crc >> 1) ^ if crc & 1 == 1 { 0xA001 } else { 0 })
            })),
            Self::Crc16Xmodem => u32::from(bytes.iter().fold(0, |crc, byte| {
                (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc: u16, _| {
                    (crc << 1) ^ if crc & 0x8000 != 0 { 0x1021 } else { 0 }
                })
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_check_values() {
        let digits = b"123456789";
        assert_eq!(Checksum::Crc16Modbus.over(digits), 0x4B37);
        assert_eq!(Checksum::Crc16Xmodem.over(digits), 0x31C3);
        assert_eq!(Checksum::Sum.over(digits), 477);
        assert_eq!(Checksum::Xor.over(digits), 0x31);
    }

    #[test]
    fn nothing_gives_the_initial_value() {
        assert_eq!(Checksum::Crc16Modbus.over(&[]), 0xFFFF);
        assert_eq!(Checksum::Crc16Xmodem.over(&[]), 0);
        assert_eq!(Checksum::Sum.over(&[]), 0);
        assert_eq!(Checksum::Xor.over(&[]), 0);
        assert_eq!(Checksum::Sum.over(&[0xFF; 512]), 130_560, "the sum is not cut to a byte");
    }
}
