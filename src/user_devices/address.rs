//! How addresses of hardware compare.

/// Whether these are one address. Buses write Bluetooth addresses in different ways, and what the user allowed for a
/// device holds on whichever it is found. People who edit the file leave blanks.
#[must_use]
pub fn same_address(one: &str, other: &str) -> bool {
    fn digits(address: &str) -> impl Iterator<Item = u8> {
        let digits = address.bytes().filter(|letter| !matches!(letter, b':' | b'-' | b'_'));
        digits.map(|digit| digit.to_ascii_uppercase())
    }
    // A reload of `devices.toml` asks this for every pair (`benches/reload.rs`), so it looks at the ends first, where the
    // addresses of one maker differ, and compares without a copy.
    let ends = one.bytes().rev().zip(other.bytes().rev()).take(2);
    let mut ends = ends.take_while(|(one, other)| one.is_ascii_alphanumeric() && other.is_ascii_alphanumeric());
    if ends.any(|(one, other)| !one.eq_ignore_ascii_case(&other)) {
        return false;
    }
    let (one, other) = (one.trim(), other.trim());
    let is_bluetooth = || digits(one).count() == 12 && digits(one).all(|digit| digit.is_ascii_hexdigit());
    one == other || digits(one).eq(digits(other)) && is_bluetooth()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bluetooth_addresses_are_the_same_however_they_are_written_and_others_only_to_the_letter() {
        let same = [
            ("C0:FF:EE:00:00:1A", "c0ffee00001a"),
            ("C0-FF-EE-00-00-1A", " c0_ff_ee_00_00_1a\t"),
            ("C0:FF:EE:00:00:1-A", "C0FFEE00001A"),
            ("/dev/ttyUSB0 ", "/dev/ttyUSB0"),
            ("", " "),
        ];
        let other = [
            ("C0:FF:EE:00:00:1A", "C0:FF:EE:00:00:1B"),
            ("C0:FF:EE:00:00:1A", "C0:FF:EE:00:00:2A"),
            ("C0:FF:EE:00:00:1A", "C1:FF:EE:00:00:1A"),
            ("C0:FF:EE:00:00:1A", "C0:FF:EE:00:00:1A:1A"),
            ("/dev/ttyUSB0", "/dev/ttyusb0"),
            ("a-1", "a1"),
            ("a", ""),
        ];
        for ((one, other), expected) in same.map(|pair| (pair, true)).into_iter().chain(other.map(|pair| (pair, false)))
        {
            assert_eq!(same_address(one, other), expected, "{one:?} {other:?}");
            assert_eq!(same_address(other, one), expected, "{other:?} {one:?}");
        }
    }
}
