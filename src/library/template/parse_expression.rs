//! Parses expressions.

use super::ast::{Binary, Expr, LAST_FEATURE, Math, Unary, functions, is_function, kinds};
use super::checksum::Checksum;
use super::cursor::Cursor;
use super::error::{ParseError, ParseErrorKind};
use super::expression::Expression;
use super::names::Names;
use crate::types::OutputKind;

/// The largest number up to which a float holds every integer.
const MAX_NUMBER: u64 = 1 << 53;

impl Expression {
    /// Parses an expression written without braces.
    ///
    /// # Errors
    /// What is wrong and at which column.
    pub fn parse(source: &str, names: &Names) -> Result<Self, ParseError> {
        Self::whole(Cursor::new(source, names)?, source)
    }

    /// Parses an expression that others may use by a name. It may speak of `k` and of buffers that are known only where
    /// it is used; that they are is looked at there.
    ///
    /// # Errors
    /// What is wrong and at which column.
    pub fn parse_named(source: &str, names: &Names) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(source, names)?;
        cursor.in_each = true;
        cursor.open = true;
        Self::whole(cursor, source)
    }

    fn whole(mut cursor: Cursor<'_>, source: &str) -> Result<Self, ParseError> {
        let expr = cursor.expression()?;
        cursor.blanks();
        if cursor.peek().is_some() {
            return Err(cursor.unexpected("an operator or the end of the line"));
        }
        Ok(Self::new(expr, source.trim().to_owned()))
    }
}

impl Cursor<'_> {
    /// One whole expression; the caller looks at what follows it.
    pub(super) fn expression(&mut self) -> Result<Expr, ParseError> {
        self.start_expression();
        self.choice()
    }

    /// An expression in braces, as in conditions, and its source.
    pub(super) fn braced(&mut self) -> Result<(Expr, String), ParseError> {
        self.need('{', "'{'")?;
        let start = self.at();
        let expression = self.expression()?;
        self.blanks();
        let source = self.text(start, self.at());
        self.need('}', "an operator or '}'")?;
        Ok((expression, source))
    }

    fn choice(&mut self) -> Result<Expr, ParseError> {
        self.nested(|cursor| {
            let condition = cursor.binary(1)?;
            cursor.blanks();
            if !cursor.eat('?') {
                return Ok(condition);
            }
            let then = cursor.choice()?;
            cursor.blanks();
            cursor.need(':', "an operator or ':'")?;
            let otherwise = cursor.choice()?;
            Ok(Expr::Choice(Box::new([condition, then, otherwise])))
        })
    }

    fn binary(&mut self, weakest: u8) -> Result<Expr, ParseError> {
        let mut left = self.unary()?;
        loop {
            self.blanks();
            let operator = self.peek().and_then(|first| Binary::lex(first, self.peek_after(1)));
            let Some((operator, length, binding)) = operator.filter(|(_, _, binding)| *binding >= weakest) else {
                return Ok(left);
            };
            self.count_operator()?;
            self.skip(length);
            let right = self.binary(binding + 1)?;
            left = Expr::Binary(operator, Box::new([left, right]));
        }
    }

    fn unary(&mut self) -> Result<Expr, ParseError> {
        self.blanks();
        let operator = match self.peek() {
            Some('-') => Unary::Negate,
            Some('!') => Unary::Not,
            Some('~') => Unary::Invert,
            _ => return self.primary(),
        };
        self.skip(1);
        let operand = self.nested(Self::unary)?;
        Ok(Expr::Unary(operator, Box::new(operand)))
    }

    fn primary(&mut self) -> Result<Expr, ParseError> {
        match self.peek() {
            Some('(') => {
                self.skip(1);
                let inner = self.choice()?;
                self.blanks();
                self.need(')', "an operator or ')'")?;
                Ok(inner)
            }
            Some(first) if first.is_ascii_digit() => self.number(),
            Some(first) if first.is_alphabetic() || first == '_' => self.name(),
            _ => Err(self.unexpected("a number, name, call, sign or '('")),
        }
    }

    fn number(&mut self) -> Result<Expr, ParseError> {
        let start = self.at();
        let digits = self.word();
        let fraction = self.peek() == Some('.') && self.peek_after(1).is_some_and(|next| next.is_ascii_digit());
        let well_formed = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = if let Some(hex) = digits.strip_prefix("0x") {
            if hex.is_empty() || fraction || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(self.malformed(start));
            }
            u64::from_str_radix(hex, 16).ok().map(|value| value as f64)
        } else {
            if fraction {
                self.skip(1);
                if !well_formed(&self.word()) {
                    return Err(self.malformed(start));
                }
            }
            if !well_formed(&digits) {
                return Err(self.malformed(start));
            }
            self.text(start, self.at()).parse().ok()
        };
        match value {
            Some(value) if value <= MAX_NUMBER as f64 => Ok(Expr::Number(value)),
            _ => Err(self.out_of_range(start, "number", format!("0 to {MAX_NUMBER}"))),
        }
    }

    fn malformed(&self, start: usize) -> ParseError {
        let found = format!("{:?}", self.text(start, self.at()));
        let expected = "a decimal number such as 20 or 0.5, or a hexadecimal one such as 0x1F";
        self.error(start, ParseErrorKind::Unexpected { expected, found })
    }

    fn name(&mut self) -> Result<Expr, ParseError> {
        let start = self.at();
        let name = self.word();
        let end = self.at();
        self.blanks();
        match self.peek() {
            Some('(') => {
                if !is_function(&name) {
                    return Err(self.unknown(start, "function", name, functions()));
                }
                self.skip(1);
                self.call(start, &name)
            }
            Some('[') if self.has_buffer(&name) => {
                self.skip(1);
                let index = self.choice()?;
                self.blanks();
                self.need(']', "an operator or ']'")?;
                Ok(Expr::Byte(name, Box::new(index)))
            }
            Some('[') => Err(self.unknown_buffer(start, name)),
            _ if is_function(&name) => Err(self.unexpected("'(' after the name of a function")),
            _ => {
                self.rewind(end);
                self.identifier(start, name)
            }
        }
    }

    fn identifier(&self, start: usize, name: String) -> Result<Expr, ParseError> {
        if let Some(builtin) = Expr::builtin(&name) {
            if builtin == Expr::LoopPosition && !self.in_each {
                return Err(self.error(start, ParseErrorKind::OutsideEach));
            }
            return Ok(builtin);
        }
        if self.names.params.contains(&name) {
            return Ok(Expr::Parameter(name));
        }
        if let Some(named) = self.names.lets.get(&name) {
            return self.named(start, named);
        }
        if !self.open && self.has_buffer(&name) {
            return Err(self.error(start, ParseErrorKind::BufferAsNumber { name }));
        }
        let mut allowed = format!("v, d, i, k, n, prev, f0 to f{LAST_FEATURE}, {}", kinds());
        for parameter in self.names.params.iter().chain(self.names.lets.keys()) {
            allowed.push_str(&format!(", {parameter}"));
        }
        for buffer in self.names.buffers.iter().chain(&self.heard) {
            allowed.push_str(&format!(", {buffer}[INDEX]"));
        }
        Err(self.unknown(start, "identifier", name, allowed))
    }

    /// A named expression stands for itself, as if it were written here in parentheses.
    fn named(&self, start: usize, named: &Expression) -> Result<Expr, ParseError> {
        let mut wrong = None;
        named.expr.visit(&mut |node| match node {
            Expr::LoopPosition if !self.in_each => wrong = Some(self.error(start, ParseErrorKind::OutsideEach)),
            Expr::Byte(buffer, _) | Expr::Length(buffer) if !self.has_buffer(buffer) => {
                wrong = Some(self.unknown_buffer(start, buffer.clone()));
            }
            _ => {}
        });
        wrong.map_or_else(|| Ok(named.expr.clone()), Err)
    }

    pub(super) fn unknown_buffer(&self, start: usize, name: String) -> ParseError {
        let buffers = self.names.buffers.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        self.unknown(start, "buffer", name, if buffers.is_empty() { "none here".to_owned() } else { buffers })
    }

    /// The arguments and the closing parenthesis of a call.
    fn call(&mut self, start: usize, name: &str) -> Result<Expr, ParseError> {
        if matches!(name, "len" | "count" | "has" | "is") {
            return self.call_of_name(start, name);
        }
        let arguments = self.arguments()?;
        let count = arguments.len();
        let wrong_count = |allowed| ParseErrorKind::Arguments { function: name.to_owned(), allowed, found: count };
        if let Some(math) = Math::from_name(name) {
            let (low, high, allowed) = math.arguments();
            if count < low || count > high {
                return Err(self.error(start, wrong_count(allowed)));
            }
            return Ok(Expr::Math(math, arguments));
        }
        if !self.in_packet {
            return Err(self.error(start, ParseErrorKind::OutsidePacket { function: name.to_owned() }));
        }
        match Checksum::from_name(name) {
            Some(_) if count > 2 => Err(self.error(start, wrong_count("0 to 2 arguments"))),
            Some(checksum) => Ok(Expr::Checksum(checksum, arguments)),
            None if count > 0 => Err(self.error(start, wrong_count("no arguments"))),
            None => {
                self.sequence = true;
                Ok(Expr::Sequence)
            }
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, ParseError> {
        let mut arguments = Vec::new();
        self.blanks();
        if self.eat(')') {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.choice()?);
            self.blanks();
            if !self.eat(',') {
                self.need(')', "an operator, ',' or ')'")?;
                return Ok(arguments);
            }
        }
    }

    /// Functions whose argument is the name of something that is not a number.
    fn call_of_name(&mut self, start: usize, function: &str) -> Result<Expr, ParseError> {
        let mut arguments = Vec::new();
        self.blanks();
        if !self.eat(')') {
            loop {
                self.blanks();
                let at = self.at();
                let argument = self.word();
                if argument.is_empty() {
                    return Err(self.unexpected("a name"));
                }
                arguments.push((at, argument));
                self.blanks();
                if !self.eat(',') {
                    self.need(')', "',' or ')'")?;
                    break;
                }
            }
        }
        let found = arguments.len();
        let Ok([(at, name)]) = <[_; 1]>::try_from(arguments) else {
            let problem = ParseErrorKind::Arguments { function: function.to_owned(), allowed: "1 argument", found };
            return Err(self.error(start, problem));
        };
        match function {
            "len" if self.has_buffer(&name) => Ok(Expr::Length(name)),
            "len" => Err(self.unknown_buffer(at, name)),
            "count" | "is" => match OutputKind::from_key(&name) {
                Some(kind) if function == "is" => Ok(Expr::Is(kind)),
                Some(kind) => Ok(Expr::Count(kind)),
                None => Err(self.unknown(at, "output kind", name, kinds())),
            },
            _ => {
                let after = self.at();
                self.rewind(at);
                let endpoint = self.endpoint()?;
                self.rewind(after);
                Ok(Expr::Has(endpoint))
            }
        }
    }
}
