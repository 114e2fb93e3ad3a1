//! Steps: what is done, in order, to connect to hardware or to read an input.

use std::time::Duration;

use super::ast::is_free_name;
use super::cursor::Cursor;
use super::error::{ParseError, ParseErrorKind};
use super::expression::Expression;
use super::names::Names;
use super::packet::PacketTemplate;
use crate::types::Endpoint;

/// Longest sleep and longest wait.
const MAX_TIME: Duration = Duration::from_secs(60);

/// One step of a connect sequence or of an input read.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Do it only if the value is not 0.
    If(Expression, Box<Step>),
    /// Send a packet, if its condition holds.
    Write(PacketTemplate),
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
        /// Which notifications count.
        when: Option<Expression>,
    },
    /// Wait for a notification, and go on without one when none comes.
    Maybe {
        /// Where it comes from.
        endpoint: Endpoint,
        /// Within which time.
        limit: Duration,
        /// The buffer that keeps it.
        name: Option<String>,
        /// Which notifications count.
        when: Option<Expression>,
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
        names.buffers.extend(step.buffer().cloned());
        Ok(step)
    }

    /// What is done, whatever the condition.
    #[must_use]
    pub fn unconditional(&self) -> &Self {
        match self {
            Self::If(_, step) => step.unconditional(),
            step => step,
        }
    }

    /// The endpoint that the step is about.
    #[must_use]
    pub fn endpoint(&self) -> Option<Endpoint> {
        match self.unconditional() {
            Self::Write(line) => Some(line.endpoint()),
            Self::Subscribe(endpoint)
            | Self::Unsubscribe(endpoint)
            | Self::Wait { endpoint, .. }
            | Self::Maybe { endpoint, .. }
            | Self::Read { endpoint, .. } => Some(*endpoint),
            Self::If(..) | Self::Sleep(_) | Self::Expect(_) => None,
        }
    }

    fn buffer(&self) -> Option<&String> {
        match self.unconditional() {
            Self::Wait { name, .. } | Self::Maybe { name, .. } | Self::Read { name, .. } => name.as_ref(),
            _ => None,
        }
    }

    fn parse_with(source: &str, names: &Names) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(source, names)?;
        cursor.blanks();
        let mut keyword = cursor.word();
        cursor.blanks();
        let mut condition = None;
        if keyword == "if" {
            let (expr, source) = cursor.braced()?;
            condition = Some(Expression::new(expr, source));
            cursor.blanks();
            keyword = cursor.word();
            cursor.blanks();
        }
        let step = match keyword.as_str() {
            "subscribe" => Self::Subscribe(cursor.endpoint()?),
            "unsubscribe" => Self::Unsubscribe(cursor.endpoint()?),
            "sleep" => Self::Sleep(cursor.time()?),
            "wait" | "maybe" => {
                let endpoint = cursor.endpoint()?;
                cursor.blanks();
                let limit = cursor.time()?;
                let name = cursor.defined_buffer()?;
                let when = cursor.heard_condition(name.as_deref())?;
                if keyword == "wait" {
                    Self::Wait { endpoint, limit, name, when }
                } else {
                    Self::Maybe { endpoint, limit, name, when }
                }
            }
            "read" => Self::Read { endpoint: cursor.endpoint()?, name: cursor.defined_buffer()? },
            "expect" => {
                let (expr, source) = cursor.braced()?;
                Self::Expect(Expression::new(expr, source))
            }
            _ => return PacketTemplate::parse(source, names).map(Self::Write),
        };
        cursor.need_end()?;
        Ok(match condition {
            Some(condition) => Self::If(condition, Box::new(step)),
            None => step,
        })
    }
}

impl Cursor<'_> {
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
                Err(self.error(start, ParseErrorKind::Unexpected { expected, found }))
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
        let taken = self.names.params.contains(&name) || self.names.lets.contains_key(&name);
        if !is_free_name(&name) || taken {
            return Err(self.error(at, ParseErrorKind::BufferName { name }));
        }
        Ok(Some(name))
    }

    /// `when {EXPR}`, if it is there; the notification has the name that it will be kept under, else `b`.
    fn heard_condition(&mut self, name: Option<&str>) -> Result<Option<Expression>, ParseError> {
        self.blanks();
        let start = self.at();
        if self.word() != "when" {
            self.rewind(start);
            return Ok(None);
        }
        self.blanks();
        self.heard = Some(name.unwrap_or("b").to_owned());
        let (expr, source) = self.braced()?;
        self.heard = None;
        Ok(Some(Expression::new(expr, source)))
    }
}

/// A number so large that it does not fit is still a number, only out of range.
fn digits(text: &str) -> Option<u64> {
    let well_formed = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    well_formed.then(|| text.parse().unwrap_or(u64::MAX))
}
