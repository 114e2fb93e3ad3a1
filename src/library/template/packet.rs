//! One packet as a template, and its parser.

use std::collections::BTreeSet;

use super::ast::{Expr, kinds};
use super::cursor::Cursor;
use super::error::{ParseError, ParseErrorKind};
use super::eval::LoopIteration;
use super::expression::Expression;
use super::format::Format;
use super::names::Names;
use crate::types::{Endpoint, OutputKind};

/// Most repetitions of one item.
const MAX_TIMES: usize = 64;

/// One packet: where it goes, when, and what is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct PacketTemplate {
    pub(super) source: String,
    pub(crate) condition: Option<Expression>,
    endpoint: Endpoint,
    ack: bool,
    pub(super) items: Vec<Item>,
    sequence: bool,
}

/// A part of a packet and how many times it stands there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub(super) content: Content,
    pub(super) repeat: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Segment(Segment),
    Group(Vec<Item>),
    /// Once per feature with an output (of that kind).
    Each(Option<OutputKind>, Vec<Item>),
}

/// What is left of a packet when its loops are unrolled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Segment {
    Bytes(Vec<u8>),
    Number { expr: Expr, source: String, format: Format },
    Buffer(String),
}

/// A segment and the iteration of the loop it stands in.
pub(crate) type PlacedSegment<'a> = (&'a Segment, Option<LoopIteration>);

impl PacketTemplate {
    /// Parses a line.
    ///
    /// # Errors
    /// What is wrong and at which column.
    pub fn parse(source: &str, names: &Names) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(source, names)?;
        cursor.blanks();
        let start = cursor.at();
        let condition = if cursor.word() == "if" {
            cursor.blanks();
            let (expr, source) = cursor.braced()?;
            cursor.blanks();
            Some(Expression::new(expr, source))
        } else {
            cursor.rewind(start);
            None
        };
        let endpoint = cursor.endpoint()?;
        cursor.blanks();
        let word = cursor.at();
        let ack = match cursor.word().as_str() {
            "ack" => true,
            "" => false,
            _ => {
                cursor.rewind(word);
                return Err(cursor.unexpected("ack or ':'"));
            }
        };
        cursor.blanks();
        cursor.need(':', if ack { "':'" } else { "ack or ':'" })?;
        cursor.in_packet = true;
        let items = cursor.items()?;
        if cursor.peek().is_some() {
            return Err(cursor.unexpected("an item"));
        }
        let sequence = cursor.sequence;
        Ok(Self { source: source.trim().to_owned(), condition, endpoint, ack, items, sequence })
    }

    /// Where the packet goes.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// Whether the hardware has to confirm the packet (write with response).
    #[must_use]
    pub fn ack(&self) -> bool {
        self.ack
    }

    /// The line as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The endpoints that the line asks for with `has`.
    #[must_use]
    pub fn asks_for(&self) -> BTreeSet<Endpoint> {
        let mut found = BTreeSet::new();
        let mut look = |node: &Expr| {
            if let Expr::Has(endpoint) = node {
                found.insert(*endpoint);
            }
        };
        if let Some(condition) = &self.condition {
            condition.expr.visit(&mut look);
        }
        visit(&self.items, &mut look);
        found
    }

    /// Whether rendering takes numbers from the running packet counter, so that no two packets are equal.
    #[must_use]
    pub fn uses_sequence(&self) -> bool {
        self.sequence
    }
}

/// Shows the visitor every expression of these items.
fn visit(items: &[Item], visitor: &mut dyn FnMut(&Expr)) {
    for item in items {
        match &item.content {
            Content::Segment(Segment::Number { expr, .. }) => expr.visit(visitor),
            Content::Segment(_) => {}
            Content::Group(items) | Content::Each(_, items) => visit(items, visitor),
        }
    }
}

impl Cursor<'_> {
    /// Items up to the end of the line or of the group they are in, at least one.
    fn items(&mut self) -> Result<Vec<Item>, ParseError> {
        let mut items = Vec::new();
        let mut apart = true;
        loop {
            apart |= self.blanks();
            if matches!(self.peek(), None | Some(')')) {
                break;
            }
            if !apart {
                return Err(self.unexpected("a blank between items or *N"));
            }
            items.push(self.item()?);
            apart = false;
        }
        if items.is_empty() { Err(self.unexpected("an item, a packet or group may not be empty")) } else { Ok(items) }
    }

    fn item(&mut self) -> Result<Item, ParseError> {
        let content = match self.peek() {
            Some('"') => Content::Segment(Segment::Bytes(self.string()?)),
            Some('{') => Content::Segment(self.computed()?),
            Some('(') => Content::Group(self.group()?),
            _ => self.byte_or_loop()?,
        };
        let repeat = if self.eat('*') { self.times()? } else { 1 };
        Ok(Item { content, repeat })
    }

    fn times(&mut self) -> Result<usize, ParseError> {
        let start = self.at();
        let text = self.word();
        if text.is_empty() {
            return Err(self.unexpected("a number of repetitions"));
        }
        let times = text.parse().ok().filter(|times| (1..=MAX_TIMES).contains(times));
        times.ok_or_else(|| self.out_of_range(start, "number of repetitions", format!("1 to {MAX_TIMES}")))
    }

    fn group(&mut self) -> Result<Vec<Item>, ParseError> {
        self.need('(', "'('")?;
        let items = self.nested(Self::items)?;
        self.need(')', "an item or ')'")?;
        Ok(items)
    }

    fn byte_or_loop(&mut self) -> Result<Content, ParseError> {
        let start = self.at();
        let word = self.word();
        if word == "each" {
            self.blanks();
            let at = self.at();
            let name = self.word();
            let kind = OutputKind::from_key(&name);
            if kind.is_none() && !name.is_empty() {
                return Err(self.unknown(at, "output kind", name, kinds()));
            }
            self.blanks();
            let outer = std::mem::replace(&mut self.in_each, true);
            let items = self.group()?;
            self.in_each = outer;
            return Ok(Content::Each(kind, items));
        }
        // Parsing alone would let a sign pass.
        let hexadecimal = word.len() == 2 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        match u8::from_str_radix(&word, 16) {
            Ok(byte) if hexadecimal => Ok(Content::Segment(Segment::Bytes(vec![byte]))),
            _ => {
                let expected = "a byte of two hexadecimal digits, \"text\", {EXPR}, ( ... ) or each( ... )";
                if word.is_empty() {
                    return Err(self.unexpected(expected));
                }
                let found = format!("{word:?}");
                Err(self.error(start, ParseErrorKind::Unexpected { expected, found }))
            }
        }
    }

    fn string(&mut self) -> Result<Vec<u8>, ParseError> {
        let start = self.at();
        self.need('"', "'\"'")?;
        let mut text = String::new();
        loop {
            let at = self.at();
            let next = match self.next() {
                None => return Err(self.unexpected("'\"'")),
                Some('"') => break,
                Some('\\') => match self.next() {
                    Some('n') => '\n',
                    Some('r') => '\r',
                    Some('t') => '\t',
                    Some('0') => '\0',
                    Some(same @ ('\\' | '"')) => same,
                    _ => {
                        let (sort, name) = ("escape", self.text(at, self.at()));
                        return Err(self.unknown(at, sort, name, r#"\n, \r, \t, \\, \", \0"#));
                    }
                },
                Some(other) => other,
            };
            text.push(next);
        }
        if text.is_empty() {
            let (expected, found) = ("text of at least one character", "\"\"".to_owned());
            return Err(self.error(start, ParseErrorKind::Unexpected { expected, found }));
        }
        Ok(text.into_bytes())
    }

    fn computed(&mut self) -> Result<Segment, ParseError> {
        let open = self.at();
        if let Some(buffer) = self.buffer()? {
            return Ok(Segment::Buffer(buffer));
        }
        self.rewind(open);
        self.need('{', "'{'")?;
        let start = self.at();
        let expr = self.expression()?;
        self.blanks();
        let source = self.text(start, self.at());
        let format = if self.eat(':') {
            self.blanks();
            let at = self.at();
            let name = self.word();
            let Some(format) = Format::from_name(&name) else {
                if name == "bytes" {
                    return Err(self.unknown_buffer(start, source));
                }
                return Err(self.unknown(at, "format", name, Format::ALLOWED));
            };
            self.blanks();
            self.need('}', "'}'")?;
            format
        } else {
            self.need('}', "an operator, ':' or '}'")?;
            Format::U8
        };
        Ok(Segment::Number { expr, source, format })
    }

    /// `{NAME:bytes}`, looked for first, because a buffer by itself is no expression; `None` when it is not that.
    fn buffer(&mut self) -> Result<Option<String>, ParseError> {
        self.skip(1);
        self.blanks();
        let start = self.at();
        let name = self.word();
        self.blanks();
        if name.is_empty() || !self.eat(':') {
            return Ok(None);
        }
        self.blanks();
        let format = self.word();
        self.blanks();
        if format != "bytes" || !self.eat('}') {
            return Ok(None);
        }
        if self.has_buffer(&name) { Ok(Some(name)) } else { Err(self.unknown_buffer(start, name)) }
    }
}
