//! Words for people that several rooms need: counted things, and the name that somebody may have meant.

/// A number of things: `1 client`, `2 clients`. `noun` is the singular of a word whose plural ends in `s`.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Words with commas between, or `none` where there are none.
pub fn listed(words: impl Iterator<Item = impl Into<String>>, none: &str) -> String {
    let words: Vec<String> = words.map(Into::into).collect();
    if words.is_empty() { none.to_owned() } else { words.join(", ") }
}

/// How many slips lie between two texts: a letter too many, too few, wrong, or two that changed places.
#[must_use]
pub fn slips(written: &str, known: &str) -> usize {
    strsim::osa_distance(written, known)
}

/// How many slips a word of this length may have and still be taken for another: one in three letters, 1 to 3.
#[must_use]
pub fn slips_allowed(word: &str) -> usize {
    (word.chars().count() / 3).clamp(1, 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!(counted(0, "client"), "0 clients");
        assert_eq!(counted(1, "client"), "1 client");
        assert_eq!(counted(2, "client"), "2 clients");
    }

    #[test]
    fn letters_that_changed_places_are_one_slip() {
        assert_eq!(slips("lsuh", "lush"), 1);
        assert_eq!(slips("lsh", "lush"), 1);
        assert_eq!(slips("kitten", "sitting"), 3);
        assert_eq!((slips_allowed("x"), slips_allowed("listen"), slips_allowed("websocket_ping_ms")), (1, 2, 3));
    }
}
