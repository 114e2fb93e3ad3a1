//! Addresses that stay the same, for hardware on buses that number it anew each time it is plugged in.

use std::collections::BTreeMap;

/// What is there, and the address that each has got.
///
/// The address is what the hardware says of itself (its base: a serial number, or else what sort it is). A second one of
/// the same base at the same time is `BASE#2`, a third `BASE#3`. Each keeps its address for as long as it is there.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    /// By place and base, so that other hardware in the same place is other hardware.
    given: BTreeMap<(String, String), String>,
}

impl Addresses {
    /// Gives addresses to all that is there now: pairs of a place, such as a path, and a base. The result is in the same
    /// order.
    pub(super) fn give(&mut self, there: &[(String, String)]) -> Vec<String> {
        self.given.retain(|known, _| there.contains(known));
        there.iter().map(|one| self.address(one)).collect()
    }

    fn address(&mut self, one: &(String, String)) -> String {
        if let Some(known) = self.given.get(one) {
            return known.clone();
        }
        let base = &one.1;
        let free = |address: &String| !self.given.values().any(|given| given == address);
        let more = (2_u32..).map(|number| format!("{base}#{number}"));
        let address = std::iter::once(base.clone()).chain(more).find(free).unwrap_or_else(|| base.clone());
        self.given.insert(one.clone(), address.clone());
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(place, base)| ((*place).to_owned(), (*base).to_owned())).collect()
    }

    #[test]
    fn twins_are_told_apart_and_keep_their_addresses() {
        let mut addresses = Addresses::default();
        assert_eq!(addresses.give(&there(&[("raw0", "x"), ("raw1", "x"), ("raw2", "y")])), ["x", "x#2", "y"]);
        // The second keeps its address when the first is unplugged, and the first gets its own back.
        assert_eq!(addresses.give(&there(&[("raw1", "x")])), ["x#2"]);
        assert_eq!(addresses.give(&there(&[("raw0", "x"), ("raw1", "x")])), ["x", "x#2"]);
        // Other hardware in the same place.
        assert_eq!(addresses.give(&there(&[("raw0", "y"), ("raw1", "x")])), ["y", "x#2"]);
        // Plugged into another socket, it is the same.
        assert_eq!(addresses.give(&there(&[("raw7", "x")])), ["x"]);
    }
}
