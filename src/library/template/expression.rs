//! An expression on its own.

use super::ast::Expr;
use super::error::{EvalError, EvalErrorKind};
use super::eval::Context;
use super::scope::Scope;

/// An expression that is not part of a packet: a condition or the value of an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    source: String,
    pub(crate) expr: Expr,
}

impl Expression {
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
        let value = Context { scope, iteration: None, packet: &[] }.compute(&self.expr);
        let finite =
            value.and_then(|value| if value.is_finite() { Ok(value) } else { Err(EvalErrorKind::NotFinite { value }) });
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
