//! Replies of Lovense hardware: words of text, each ended by `;` (facts: protocols/lovense.md).
//!
//! Answers to other commands come by the same way, several may come in one notification, and a packet of 20 bytes cuts
//! a long one in two. So notifications are taken apart into words, and each reader passes over those that do not mean
//! what it waits for.

use crate::library::Definition;

/// More than any answer has; a word that grows beyond it is nonsense.
const LONGEST: usize = 64;

/// Puts words together out of notifications.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// What came without a `;` so far.
    begun: String,
}

/// One word without its `;`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// With what an earlier notification left unfinished.
    whole: String,
    /// As this notification has it.
    alone: String,
}

impl Words {
    /// The words that a notification completes. Bytes that are no text end what came before them and hide nothing of
    /// what comes after them.
    pub(super) fn take(&mut self, notification: &[u8]) -> Vec<Word> {
        let mut words = Vec::new();
        let mut alone = String::new();
        for byte in notification {
            match byte {
                b';' => {
                    let alone = std::mem::take(&mut alone);
                    words.push(Word { whole: std::mem::take(&mut self.begun) + &alone, alone });
                }
                b'!'..=b'~' => alone.push(char::from(*byte)),
                _ => {
                    self.begun.clear();
                    alone.clear();
                }
            }
        }
        self.begun += &alone;
        if self.begun.len() > LONGEST {
            self.begun.clear();
        }
        words
    }
}

impl Word {
    /// The type that this word tells; see [`type_of`]. What an earlier notification left may be the beginning of it or
    /// something else: a type that has a model is right.
    pub(super) fn device_type(&self, definition: &Definition) -> Option<String> {
        let listed = |code: &str| definition.models.iter().any(|model| model.ids.iter().any(|id| id == code));
        let found: Vec<_> = [&self.whole, &self.alone].into_iter().filter_map(|text| type_of(text, listed)).collect();
        found.iter().find(|code| listed(code)).or(found.first()).cloned()
    }

    /// The charge in percent that this word tells; see [`charge_of`].
    pub(super) fn charge(&self) -> Option<i32> {
        charge_of(&self.whole).or_else(|| charge_of(&self.alone))
    }
}

/// The type in an answer such as `P:02:0082059AD3BD`: letters, the firmware in decimal digits, the address in hex
/// digits. Nothing else is one, but a user's own model may be listed with digits in its type. The third firmware of the
/// Flexer is a model of its own.
fn type_of(answer: &str, listed: impl Fn(&str) -> bool) -> Option<String> {
    let parts: Vec<_> = answer.split(':').collect();
    let [code, firmware, address] = parts.as_slice() else { return None };
    let made_of = |text: &str, of: fn(&u8) -> bool| !text.is_empty() && text.bytes().all(|byte| of(&byte));
    let right = (made_of(code, u8::is_ascii_alphabetic) || made_of(code, u8::is_ascii_alphanumeric) && listed(code))
        && made_of(firmware, u8::is_ascii_digit)
        && made_of(address, u8::is_ascii_hexdigit);
    let new_flexer = *code == "EI" && firmware.parse().unwrap_or(0_u32) >= 3;
    right.then(|| if new_flexer { "EI-FW3".to_owned() } else { (*code).to_owned() })
}

/// The charge in `89`, or in `s89`, which toys say while a motor runs.
fn charge_of(answer: &str) -> Option<i32> {
    let digits = answer.strip_prefix('s').unwrap_or(answer);
    let level: u8 = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    Some(i32::from(level).min(100))
}

/// The capital letters between `LVS-` and a digit in an advertised name.
pub(super) fn type_in_name(name: &str) -> Option<String> {
    let (_, rest) = name.split_once("LVS-")?;
    let letters: String = rest.chars().take_while(char::is_ascii_uppercase).collect();
    let digit = rest.chars().nth(letters.len()).is_some_and(|next| next.is_ascii_digit());
    (digit && !letters.is_empty()).then_some(letters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Library;

    /// The first type that these notifications tell.
    fn told(notifications: &[&[u8]]) -> Option<String> {
        let library = Library::load(&[], &crate::driver::names());
        let definition = library.protocol("lovense").unwrap();
        let mut words = Words::default();
        notifications.iter().find_map(|data| words.take(data).iter().find_map(|word| word.device_type(definition)))
    }

    #[test]
    fn types() {
        for (answer, expected) in [
            ("P:02:0082059AD3BD;", "P"),
            ("ToyS:1:00;", "ToyS"),
            ("EI:03:00;", "EI-FW3"),
            ("EI:2:00;", "EI"),
            ("QQ:9:0f;", "QQ"),
        ] {
            assert_eq!(told(&[answer.as_bytes()]).as_deref(), Some(expected));
        }
        let no_types: [&[u8]; 18] = [
            b"OK;",
            b"89;",
            b"ER;",
            b"ERR;",
            b"s89;",
            b"",
            b";",
            b";;",
            b"\xff",
            b"\xff;",
            b"P;",
            b"P:02;",
            b"P:02:;",
            b"P:x:00;",
            b":02:00;",
            b"7:02:00;",
            b"P:02:00",
            b"P:02:00:00;",
        ];
        for noise in no_types {
            assert_eq!(told(&[noise]), None, "{noise:?}");
            assert_eq!(told(&[noise, b"\r\n", b"P:02:0082059AD3BD;"]).as_deref(), Some("P"), "after {noise:?}");
        }
    }

    #[test]
    fn a_type_with_digits_is_one_if_a_model_is_listed_with_it() {
        let listed = |code: &str| code == "ZZ9";
        assert_eq!(type_of("ZZ9:11:00", listed).as_deref(), Some("ZZ9"));
        assert_eq!(type_of("ZZ8:11:00", listed), None);
        assert_eq!(type_of("ZZ:11:00", listed).as_deref(), Some("ZZ"));
    }

    #[test]
    fn several_answers_in_one_notification_and_one_in_several() {
        assert_eq!(told(&[b"OK;89;P:02:0082059AD3BD;"]).as_deref(), Some("P"));
        assert_eq!(told(&[b"\xff\xfeP:02:0082059AD3BD;"]).as_deref(), Some("P"));
        assert_eq!(told(&[b"\0\r\nOK;\r\nP:02:0082059AD3BD;\r\n"]).as_deref(), Some("P"));
        let whole = b"ToyS:12:0082059AD3BD;";
        for at in 0..whole.len() {
            assert_eq!(told(&[&whole[..at], &whole[at..]]).as_deref(), Some("ToyS"), "{at}");
        }
        // What lacks its `;` is not taken for the beginning of the type.
        assert_eq!(told(&[b"OK", b"P:02:0082059AD3BD;"]).as_deref(), Some("P"));
        assert_eq!(told(&[&[b'x'; 300], b"P:02:0082059AD3BD;"]).as_deref(), Some("P"));
    }

    #[test]
    fn charges() {
        let told = |data: &[&[u8]]| {
            let mut words = Words::default();
            data.iter().find_map(|data| words.take(data).iter().find_map(Word::charge))
        };
        assert_eq!(told(&[b"100;"]), Some(100));
        assert_eq!(told(&[b"s89;"]), Some(89));
        assert_eq!(told(&[b"255;"]), Some(100));
        assert_eq!(told(&[b"8", b"9;"]), Some(89));
        assert_eq!(told(&[b"\xff", b"OK;\xff89;"]), Some(89));
        assert_eq!(told(&[b"OK", b"89;"]), Some(89));
        for other in ["", ";", "s", "s;", "ss1;", "OK;", "-1;", "+1;", "300;", "89", "P:02:0082059AD3BD;"] {
            assert_eq!(told(&[other.as_bytes()]), None, "{other}");
        }
    }

    #[test]
    fn types_in_names() {
        assert_eq!(type_in_name("LVS-Z001").as_deref(), Some("Z"));
        assert_eq!(type_in_name("LVS-ED36").as_deref(), Some("ED"));
        assert_eq!(type_in_name("LVS-DoesntMatter"), None);
        assert_eq!(type_in_name("LVS-é1"), None);
        assert_eq!(type_in_name("other"), None);
    }
}
