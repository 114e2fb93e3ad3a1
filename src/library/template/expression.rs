//! An expression on its own.

use super::error::{EvalError, Fault, ParseError};
use super::eval::Context;
use super::parser::Parser;
use super::syntax::Expr;
use super::{Names, Scope};

/// An expression that is not part of a packet: a condition or the value of an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    source: String,
    pub(super) expr: Expr,
}

impl Expression {
    /// Parses an expression written without braces.
    ///
    /// # Errors
    /// What is wrong and at which column.
    pub fn parse(source: &str, names: &Names) -> Result<Self, ParseError> {
        Self::whole(Parser::new(source, names)?, source)
    }

    /// Parses an expression that others may use by a name. It may speak of `k` and of buffers that are known only where
    /// it is used; that they are is looked at there.
    ///
    /// # Errors
    /// What is wrong and at which column.
    pub fn parse_named(source: &str, names: &Names) -> Result<Self, ParseError> {
        let mut parser = Parser::new(source, names)?;
        parser.in_each = true;
        parser.open = true;
        Self::whole(parser, source)
    }

    fn whole(mut parser: Parser<'_>, source: &str) -> Result<Self, ParseError> {
        let expr = parser.expression()?;
        parser.blanks();
        if parser.peek().is_some() {
            return Err(parser.unexpected("an operator or the end of the line"));
        }
        Ok(Self::new(expr, source.trim().to_owned()))
    }

    pub(super) fn new(expr: Expr, source: String) -> Self {
        Self { source, expr }
    }

    /// The expression as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its value, which is finite.
    ///
    /// # Errors
    /// When it has no finite value.
    pub fn value(&self, scope: &dyn Scope) -> Result<f64, EvalError> {
        let value = Context { scope, turn: None, packet: &[] }.compute(&self.expr);
        let finite =
            value.and_then(|value| if value.is_finite() { Ok(value) } else { Err(Fault::NotFinite { value }) });
        finite.map_err(|fault| EvalError::Expression { expression: self.source.clone(), fault })
    }

    /// Whether its value is another than 0.
    ///
    /// # Errors
    /// When it has no finite value.
    pub fn holds(&self, scope: &dyn Scope) -> Result<bool, EvalError> {
        Ok(self.value(scope)? != 0.0)
    }
}
