//! The place in a source and what every part of the grammar asks of it.
//!
//! The grammar itself is in [`super::parse_expression`] (expressions), [`super::packet`] and [`super::step`].

use super::ast::is_free_name;
use super::error::{ParseError, ParseErrorKind};
use super::names::Names;
use crate::types::Endpoint;

/// Keeps a mistaken definition from costing memory and time.
const MAX_CHARS: usize = 2000;
/// The grammar is parsed and evaluated by recursion, so this keeps the stack safe.
const MAX_DEPTH: usize = 32;
/// A chain such as `1 + 1 + 1` is a deep tree without any nesting in the source.
const MAX_OPERATORS: usize = 256;

/// A source and how far it is parsed.
pub(super) struct Cursor<'a> {
    chars: Vec<char>,
    at: usize,
    pub(super) names: &'a Names,
    depth: usize,
    operators: usize,
    /// Whether the expression at hand goes into a packet.
    pub(super) in_packet: bool,
    /// Whether the expression at hand is in a loop over features.
    pub(super) in_each: bool,
    /// Whether the buffers of the expression at hand are known only where it is used.
    pub(super) open: bool,
    /// A buffer beside those of the names: the notification that a condition is about.
    pub(super) heard: Option<String>,
    /// Whether `seq()` was met.
    pub(super) sequence: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(source: &str, names: &'a Names) -> Result<Self, ParseError> {
        // Counting stops early: the source may be of any size.
        let length = source.chars().take(MAX_CHARS + 1).count();
        if length == 0 || length > MAX_CHARS {
            let length = source.chars().count();
            let problem = ParseErrorKind::Length { length, limit: MAX_CHARS };
            return Err(ParseError { column: 1, problem });
        }
        let chars = source.chars().collect();
        let (at, depth, operators) = (0, 0, 0);
        Ok(Self {
            chars,
            at,
            names,
            depth,
            operators,
            in_packet: false,
            in_each: false,
            open: false,
            heard: None,
            sequence: false,
        })
    }

    pub(super) fn has_buffer(&self, name: &str) -> bool {
        let open = || self.open && is_free_name(name) && !self.names.params.contains(name);
        self.names.buffers.contains(name) || self.heard.as_deref() == Some(name) || open()
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rewind(&mut self, at: usize) {
        self.at = at;
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.peek_after(0)
    }

    pub(super) fn peek_after(&self, offset: usize) -> Option<char> {
        self.chars.get(self.at + offset).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    pub(super) fn skip(&mut self, count: usize) {
        self.at = self.chars.len().min(self.at + count);
    }

    /// Whether there were any.
    pub(super) fn blanks(&mut self) -> bool {
        let start = self.at;
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.at += 1;
        }
        self.at > start
    }

    pub(super) fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    pub(super) fn need(&mut self, wanted: char, expected: &'static str) -> Result<(), ParseError> {
        if self.eat(wanted) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    pub(super) fn need_end(&mut self) -> Result<(), ParseError> {
        self.blanks();
        if self.peek().is_some() { Err(self.unexpected("the end of the line")) } else { Ok(()) }
    }

    /// Letters, digits and underscores, as many as there are; maybe none.
    pub(super) fn word(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(|next| next.is_alphanumeric() || next == '_') {
            self.at += 1;
        }
        self.text(start, self.at)
    }

    /// The source between two places, without the blanks around it.
    pub(super) fn text(&self, start: usize, end: usize) -> String {
        let text: String = self.chars.get(start..end).unwrap_or_default().iter().collect();
        text.trim().to_owned()
    }

    pub(super) fn error(&self, at: usize, problem: ParseErrorKind) -> ParseError {
        ParseError { column: at + 1, problem }
    }

    pub(super) fn unexpected(&self, expected: &'static str) -> ParseError {
        let found = self.peek().map_or_else(|| "the end of the line".to_owned(), |next| format!("{next:?}"));
        self.error(self.at, ParseErrorKind::Unexpected { expected, found })
    }

    pub(super) fn unknown(
        &self,
        at: usize,
        sort: &'static str,
        name: String,
        allowed: impl Into<String>,
    ) -> ParseError {
        self.error(at, ParseErrorKind::Unknown { sort, name, allowed: allowed.into() })
    }

    pub(super) fn out_of_range(&self, at: usize, sort: &'static str, allowed: impl Into<String>) -> ParseError {
        let value = self.text(at, self.at);
        self.error(at, ParseErrorKind::OutOfRange { sort, value, allowed: allowed.into() })
    }

    /// Runs one more level of the grammar. An error ends the whole parse, so only success has to restore the depth.
    pub(super) fn nested<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(self.at, ParseErrorKind::Nesting { limit: MAX_DEPTH }));
        }
        self.depth += 1;
        let parsed = parse(self)?;
        self.depth -= 1;
        Ok(parsed)
    }

    pub(super) fn start_expression(&mut self) {
        self.operators = 0;
    }

    pub(super) fn count_operator(&mut self) -> Result<(), ParseError> {
        if self.operators == MAX_OPERATORS {
            return Err(self.error(self.at, ParseErrorKind::Operators { limit: MAX_OPERATORS }));
        }
        self.operators += 1;
        Ok(())
    }

    pub(super) fn endpoint(&mut self) -> Result<Endpoint, ParseError> {
        let start = self.at;
        let name = self.word();
        if name.is_empty() {
            return Err(self.unexpected("an endpoint"));
        }
        let allowed = "the endpoint names of the protocol, such as tx, txmode, rx, rxblebattery, generic0 to generic31";
        Endpoint::parse(&name).ok_or_else(|| self.unknown(start, "endpoint", name, allowed))
    }
}
