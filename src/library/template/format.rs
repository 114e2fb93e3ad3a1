//! How a computed value is written into a packet, and read back out of one.

use super::error::EvalErrorKind;

/// Beyond this, a float no longer holds every integer, so text could show digits nobody computed.
const EXACT: i64 = (1 << 53) - 1;

/// One way to write an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    U8,
    I8,
    U16Be,
    U16Le,
    U32Be,
    U32Le,
    /// Decimal text of at least so many digits.
    Decimal(usize),
    /// Hexadecimal text of exactly so many digits.
    Hex(usize),
}

impl Format {
    /// Every format name, for messages.
    pub(crate) const ALLOWED: &str = "u8, i8, u16be, u16le, u32be, u32le, dec, dec2 to dec9, hex2 to hex8, bytes";

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "u8" => Self::U8,
            "i8" => Self::I8,
            "u16be" => Self::U16Be,
            "u16le" => Self::U16Le,
            "u32be" => Self::U32Be,
            "u32le" => Self::U32Le,
            "dec" => Self::Decimal(1),
            _ => {
                if let Some(width) = name.strip_prefix("dec") {
                    Self::Decimal(digit(width, 2, 9)?)
                } else {
                    Self::Hex(digit(name.strip_prefix("hex")?, 2, 8)?)
                }
            }
        })
    }

    fn name(self) -> String {
        match self {
            Self::U8 => "u8".to_owned(),
            Self::I8 => "i8".to_owned(),
            Self::U16Be => "u16be".to_owned(),
            Self::U16Le => "u16le".to_owned(),
            Self::U32Be => "u32be".to_owned(),
            Self::U32Le => "u32le".to_owned(),
            Self::Decimal(1) => "dec".to_owned(),
            Self::Decimal(width) => format!("dec{width}"),
            Self::Hex(width) => format!("hex{width}"),
        }
    }

    fn range(self) -> (i64, i64) {
        match self {
            Self::U8 => (0, 0xFF),
            Self::I8 => (-0x80, 0x7F),
            Self::U16Be | Self::U16Le => (0, 0xFFFF),
            Self::U32Be | Self::U32Le => (0, 0xFFFF_FFFF),
            Self::Decimal(_) => (-EXACT, EXACT),
            Self::Hex(width) => (0, (1 << (4 * width)) - 1),
        }
    }

    /// Truncates toward zero and appends, or says why the value cannot be written so.
    pub(crate) fn write(self, value: f64, packet: &mut Vec<u8>) -> Result<(), EvalErrorKind> {
        if !value.is_finite() {
            return Err(EvalErrorKind::NotFinite { value });
        }
        let (low, high) = self.range();
        // The cast saturates, and no range reaches the ends of i64, so whatever does not fit i64 is refused below.
        let integer = value.trunc() as i64;
        if integer < low || integer > high {
            let format = self.name();
            return Err(EvalErrorKind::Format { value, format, low, high });
        }
        self.append(integer, packet);
        Ok(())
    }

    fn append(self, value: i64, packet: &mut Vec<u8>) {
        let [.., fourth, third, second, first] = value.to_be_bytes();
        match self {
            Self::U8 | Self::I8 => packet.push(first),
            Self::U16Be => packet.extend([second, first]),
            Self::U16Le => packet.extend([first, second]),
            Self::U32Be => packet.extend([fourth, third, second, first]),
            Self::U32Le => packet.extend([first, second, third, fourth]),
            // The sign is no digit: the padding applies to what follows it.
            Self::Decimal(width) => {
                let sign = if value < 0 { "-" } else { "" };
                packet.extend(format!("{sign}{:0width$}", value.unsigned_abs()).bytes());
            }
            Self::Hex(width) => packet.extend(format!("{value:0width$x}").bytes()),
        }
    }

    /// Reads what [`Self::write`] can have written at the start of `bytes`: the integer and how many bytes it took.
    /// Decimal text takes every digit there is.
    pub(crate) fn read(self, bytes: &[u8]) -> Option<(i64, usize)> {
        let value = match (self, bytes) {
            (Self::U8, [byte, ..]) => i64::from(*byte),
            (Self::I8, [byte, ..]) => i64::from(byte.cast_signed()),
            (Self::U16Be, [a, b, ..]) => i64::from(u16::from_be_bytes([*a, *b])),
            (Self::U16Le, [a, b, ..]) => i64::from(u16::from_le_bytes([*a, *b])),
            (Self::U32Be, [a, b, c, d, ..]) => i64::from(u32::from_be_bytes([*a, *b, *c, *d])),
            (Self::U32Le, [a, b, c, d, ..]) => i64::from(u32::from_le_bytes([*a, *b, *c, *d])),
            (Self::Decimal(_), _) => {
                let sign = usize::from(bytes.first() == Some(&b'-'));
                let digits = bytes.iter().skip(sign).take_while(|byte| byte.is_ascii_digit()).count();
                text(bytes.get(..sign + digits)?)?.parse().ok()?
            }
            (Self::Hex(width), _) => i64::from_str_radix(text(bytes.get(..width)?)?, 16).ok()?,
            _ => return None,
        };
        // Writing it again refuses what no line writes: a missing or surplus zero, "-0", upper-case hex.
        let mut again = Vec::new();
        self.append(value, &mut again);
        let (low, high) = self.range();
        (low <= value && value <= high && bytes.starts_with(&again)).then_some((value, again.len()))
    }
}

fn digit(text: &str, low: usize, high: usize) -> Option<usize> {
    let [byte @ b'0'..=b'9'] = text.as_bytes() else {
        return None;
    };
    let width = usize::from(byte - b'0');
    (low..=high).contains(&width).then_some(width)
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(format: &str, value: f64) -> Result<Vec<u8>, EvalErrorKind> {
        let mut packet = Vec::new();
        Format::from_name(format).unwrap().write(value, &mut packet)?;
        Ok(packet)
    }

    #[test]
    fn every_format_writes_and_reads_back() {
        let cases: [(&str, f64, &[u8]); 18] = [
            ("u8", 255.9, &[255]),
            ("i8", -1.0, &[255]),
            ("i8", 127.0, &[127]),
            ("u16be", 258.0, &[1, 2]),
            ("u16le", 258.0, &[2, 1]),
            ("u32be", 16_909_060.0, &[1, 2, 3, 4]),
            ("u32le", 16_909_060.0, &[4, 3, 2, 1]),
            ("u32le", 4_294_967_295.0, &[255; 4]),
            ("dec", 0.0, b"0"),
            ("dec", -0.5, b"0"),
            ("dec", -42.0, b"-42"),
            ("dec3", 7.0, b"007"),
            ("dec3", 1234.0, b"1234"),
            ("dec3", -7.0, b"-007"),
            ("dec9", 7.0, b"000000007"),
            ("hex2", 171.0, b"ab"),
            ("hex3", 10.0, b"00a"),
            ("hex8", 4_294_967_295.0, b"ffffffff"),
        ];
        for (name, value, bytes) in cases {
            assert_eq!(write(name, value).as_deref(), Ok(bytes), "{name} {value}");
            let expected = (value.trunc() as i64, bytes.len());
            let mut longer = bytes.to_vec();
            longer.extend(b"x");
            assert_eq!(Format::from_name(name).unwrap().read(&longer), Some(expected), "{name}");
        }
    }

    #[test]
    fn values_that_do_not_fit_are_refused() {
        for (name, value) in [
            ("u8", 256.0),
            ("u8", -1.0),
            ("i8", 128.0),
            ("i8", -129.0),
            ("u16be", 65_536.0),
            ("u32le", 4_294_967_296.0),
            ("dec", 1e16),
            ("dec", -1e300),
            ("hex2", 256.0),
            ("hex8", -1.0),
        ] {
            assert!(matches!(write(name, value), Err(EvalErrorKind::Format { .. })), "{name} {value}");
        }
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(matches!(write("dec", value), Err(EvalErrorKind::NotFinite { .. })));
        }
        assert_eq!(
            write("u8", 300.5).unwrap_err().to_string(),
            "value 300.5 is out of range of u8, allowed is 0 to 255"
        );
    }

    #[test]
    fn truncation_is_toward_zero() {
        assert_eq!(write("u8", -0.9), Ok(vec![0]));
        assert_eq!(write("i8", -1.9), Ok(vec![255]));
    }

    #[test]
    fn names_that_are_no_format() {
        for name in ["", "u7", "dec1", "dec10", "dec0", "hex", "hex1", "hex9", "decx", "DEC", "bytes", "u16"] {
            assert_eq!(Format::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn text_no_line_writes_is_not_read() {
        let read = |name: &str, bytes: &[u8]| Format::from_name(name).unwrap().read(bytes);
        for (name, bytes) in [
            ("dec", &b"007"[..]),
            ("dec", b"-0"),
            ("dec", b"-"),
            ("dec", b""),
            ("dec", b"99999999999999999999999"),
            ("dec3", b"07"),
            ("dec3", b"0007"),
            ("hex2", b"AB"),
            ("hex2", b"a"),
            ("hex2", b"+a"),
            ("u16le", b"a"),
            ("u8", b""),
        ] {
            assert_eq!(read(name, bytes), None, "{name} {bytes:?}");
        }
    }
}
