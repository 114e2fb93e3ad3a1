//! How addresses of hardware compare.

/// Whether these are one address. Buses write Bluetooth addresses in different ways, and what the user allowed for a
/// device holds on whichever it is found. People who edit the file leave blanks.
#[must_use]
pub fn same_address(one: &str, other: &str) -> bool {
    fn bluetooth(address: &str) -> Option<String> {
        let digits: String = address.chars().filter(|letter| !matches!(letter, ':' | '-' | '_')).collect();
        let is = digits.len() == 12 && digits.chars().all(|digit| digit.is_ascii_hexdigit());
        is.then(|| digits.to_ascii_uppercase())
    }
    let (one, other) = (one.trim(), other.trim());
    one == other || bluetooth(one).is_some_and(|one| Some(one) == bluetooth(other))
}
