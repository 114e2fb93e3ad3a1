//! Steps: what is done, in order, to connect to hardware or to read an input.

use std::time::Duration;

use super::Names;
use super::error::{ParseError, Problem};
use super::expression::Expression;
use super::line::Line;
use super::parser::Parser;
use super::syntax::is_free_name;
use crate::message::Endpoint;

/// Longest sleep and longest wait.
const MAX_TIME: Duration = Duration::from_secs(60);

/// One step of a connect sequence or of an input read.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send a packet, if its condition holds.
    Write(Line),
    /// Have the hardware send notifications.
    Subscribe(Endpoint),
    /// Have the hardware stop sending notifications.
    Unsubscribe(Endpoint),
    /// Let time pass.
    Sleep(Duration),
    /// Wait for a notification, which must come.
    Wait {
        /// Where it comes from.
        endpoint: Endpoint,
        /// Within which time.
        limit: Duration,
        /// The buffer that keeps it.
        name: Option<String>,
    },
    /// Wait for a notification, and go on without one when none comes.
    Maybe {
        /// Where it comes from.
        endpoint: Endpoint,
        /// Within which time.
        limit: Duration,
        /// The buffer that keeps it.
        name: Option<String>,
    },
    /// Read a value.
    Read {
        /// Where from.
        endpoint: Endpoint,
        /// The buffer that keeps it.
        name: Option<String>,
    },
    /// Fail the sequence when the value is 0.
    Expect(Expression),
}

impl Step {
    /// Parses a step and adds the buffer that it defines to `names`, for the steps and lines after it.
    ///
    /// # Errors
    /// What is wrong and at which column; `names` stay as they are then.
    pub fn parse(source: &str, names: &mut Names) -> Result<Self, ParseError> {
        let step = Self::parse_with(source, names)?;
        if let Self::Wait { name, .. } | Self::Maybe { name, .. } | Self::Read { name, .. } = &step {
            names.buffers.extend(name.clone());
        }
        Ok(step)
    }

    fn parse_with(source: &str, names: &Names) -> Result<Self, ParseError> {
        let mut parser = Parser::new(source, names)?;
        parser.blanks();
        let keyword = parser.word();
        parser.blanks();
        let step = match keyword.as_str() {
            "subscribe" => Self::Subscribe(parser.endpoint()?),
            "unsubscribe" => Self::Unsubscribe(parser.endpoint()?),
            "sleep" => Self::Sleep(parser.time()?),
            "wait" | "maybe" => {
                let endpoint = parser.endpoint()?;
                parser.blanks();
                let limit = parser.time()?;
                let name = parser.defined_buffer()?;
                if keyword == "wait" {
                    Self::Wait { endpoint, limit, name }
                } else {
                    Self::Maybe { endpoint, limit, name }
                }
            }
            "read" => Self::Read { endpoint: parser.endpoint()?, name: parser.defined_buffer()? },
            "expect" => {
                let (expr, source) = parser.braced()?;
                Self::Expect(Expression::new(expr, source))
            }
            _ => return Line::parse(source, names).map(Self::Write),
        };
        parser.need_end()?;
        Ok(step)
    }
}

impl Parser<'_> {
    fn time(&mut self) -> Result<Duration, ParseError> {
        let start = self.at();
        let text = self.word();
        let time = match text.strip_suffix("ms") {
            Some(number) => digits(number).map(Duration::from_millis),
            None => text.strip_suffix('s').and_then(digits).map(Duration::from_secs),
        };
        match time {
            Some(time) if !time.is_zero() && time <= MAX_TIME => Ok(time),
            Some(_) => Err(self.out_of_range(start, "time", "1ms to 60s")),
            None if text.is_empty() => Err(self.unexpected("a time such as 100ms or 3s")),
            None => {
                let (expected, found) = ("a time such as 100ms or 3s", format!("{text:?}"));
                Err(self.error(start, Problem::Unexpected { expected, found }))
            }
        }
    }

    /// `as NAME`, if it is there.
    fn defined_buffer(&mut self) -> Result<Option<String>, ParseError> {
        self.blanks();
        let start = self.at();
        if self.word() != "as" {
            self.rewind(start);
            return Ok(None);
        }
        self.blanks();
        let at = self.at();
        let name = self.word();
        if !is_free_name(&name) || self.names.params.contains(&name) {
            return Err(self.error(at, Problem::BufferName { name }));
        }
        Ok(Some(name))
    }
}

/// A number so large that it does not fit is still a number, only out of range.
fn digits(text: &str) -> Option<u64> {
    let well_formed = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    well_formed.then(|| text.parse().unwrap_or(u64::MAX))
}
