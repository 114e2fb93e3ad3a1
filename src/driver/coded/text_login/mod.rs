//! VibCrafter and Vibio: encrypted text, and a login by question and answer (facts: protocols/vibcrafter.md, vibio.md).

mod simulated;

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::driver::{
    coded::aes_block, coded::without_inputs::WithoutInputs, contract::Batch, contract::Boxed, contract::Driver,
    contract::DriverError, contract::Inputs, contract::Protocol, simulated::SimulatedDevice, template,
};
use crate::library::{Definition, Hardware, Model};
use crate::link::{Link, Packet};
use crate::types::Endpoint;

use simulated::SimulatedToy;

/// Time for each answer. The reference server waits without end.
const ANSWER: Duration = Duration::from_secs(3);
/// So many questions are answered at most.
const QUESTIONS: usize = 8;

/// One of the two.
#[derive(Debug)]
pub struct TextLogin {
    name: &'static str,
    key: &'static [u8; 16],
    /// The first word of the login, which is used for nothing else. The toy takes any word of this length.
    word: &'static str,
    /// Whether this may stand before the question.
    mark: fn(char) -> bool,
    /// Whether a question may have this in it.
    question: fn(char) -> bool,
}

/// The protocol of VibCrafter.
pub const VIBCRAFTER: TextLogin = TextLogin {
    name: "vibcrafter",
    key: b"jdk#Cra%f5Vib28r",
    word: "haptic",
    mark: |letter| letter.is_ascii_alphanumeric(),
    question: |letter| letter.is_ascii_alphanumeric(),
};

/// The protocol of Vibio.
pub const VIBIO: TextLogin = TextLogin {
    name: "vibio",
    key: b"jdk#vib%y5fir21a",
    word: "hapticd0",
    mark: |letter| letter.is_ascii_hexdigit(),
    question: |letter| letter != ';',
};

impl TextLogin {
    fn packet(&self, text: &str) -> Packet {
        Packet { endpoint: Endpoint::TX, data: aes_block::encrypt(self.key, text.as_bytes()), ack: false }
    }

    /// The answer to a question of the toy; `None` for anything else.
    fn answer(&self, text: &str) -> Option<String> {
        let (mark, question) = text.strip_suffix(';')?.split_once(':')?;
        let right = mark.chars().count() == 4
            && mark.chars().all(self.mark)
            && !question.is_empty()
            && question.chars().all(self.question);
        let hash = Sha256::digest(question.as_bytes());
        right.then(|| format!("Auth:{};", hex::encode(hash.iter().take(2).copied().collect::<Vec<u8>>())))
    }

    async fn log_in(&self, link: &Link) -> Result<(), DriverError> {
        let mut heard = link.listen();
        link.subscribe(Endpoint::RX).await?;
        link.write(self.packet(&format!("Auth:{};", self.word))).await?;
        for _ in 0..QUESTIONS {
            let said = heard.next_on(Endpoint::RX, ANSWER).await?;
            let text = aes_block::decrypt(self.key, &said).and_then(|text| String::from_utf8(text).ok());
            match text.as_deref() {
                Some("OK;") => return Ok(()),
                text => {
                    let answer = text.and_then(|text| self.answer(text)).ok_or_else(|| {
                        DriverError::Unexpected(format!("{} is no question of the login", hex::encode(said)))
                    })?;
                    link.write(self.packet(&answer)).await?;
                }
            }
        }
        Err(DriverError::Unexpected(format!("the login is not over after {QUESTIONS} questions")))
    }
}

impl Protocol for TextLogin {
    fn name(&self) -> &'static str {
        self.name
    }

    fn identify<'a>(
        &'a self,
        definition: &'a Definition,
        hardware: &'a Hardware,
        link: &'a Link,
    ) -> Boxed<'a, Result<Option<String>, DriverError>> {
        template::identify(definition, hardware, link)
    }

    fn open(&self, _: &Arc<Definition>, _: &Arc<Model>, _: &Link) -> Box<dyn Driver> {
        let Self { name, key, word, mark, question } = *self;
        Box::new(Toy { login: Self { name, key, word, mark, question } })
    }

    fn simulate(&self, model: &Model) -> Option<Box<dyn SimulatedDevice>> {
        Some(Box::new(SimulatedToy::new(model, self.key)))
    }
}

struct Toy {
    login: TextLogin,
}

impl Driver for Toy {
    fn connect<'a>(&'a mut self, link: &'a Link) -> Boxed<'a, Result<(), DriverError>> {
        Box::pin(self.login.log_in(link))
    }

    fn encode(&mut self, batch: &Batch<'_>, _: Instant) -> Result<Vec<Packet>, DriverError> {
        if batch.changes.is_empty() {
            return Ok(Vec::new());
        }
        let levels = batch.levels.outputs(None);
        let level = |at: usize| levels.get(at).map_or(0, |(_, value)| *value);
        Ok(vec![self.login.packet(&format!("MtInt:{:02}{:02};", level(0), level(1)))])
    }

    fn inputs(&self) -> Arc<dyn Inputs> {
        Arc::new(WithoutInputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions() {
        // facts: protocols/vibio.md
        assert_eq!(VIBIO.answer("0a1F:ab-cd!;").as_deref(), Some("Auth:9d3c;"));
        for wrong in ["0a1G:abcd;", "0a1:abcd;", "0a1F:;", "0a1F:abcd", "0a1F:ab;cd;", "OK", ""] {
            assert_eq!(VIBIO.answer(wrong), None, "{wrong}");
        }
        assert!(VIBCRAFTER.answer("zzzz:abcd;").is_some());
        assert_eq!(VIBCRAFTER.answer("0a1F:ab-cd!;"), None);
    }
}
