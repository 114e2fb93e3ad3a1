//! Computes expressions.

use super::ast::{Binary, Expr, Math, Unary};
use super::error::EvalErrorKind;
use super::scope::Scope;
use crate::types::OutputKind;

/// One iteration of a loop over features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LoopIteration {
    /// Index of the feature.
    pub(crate) index: u32,
    /// Its latest value.
    pub(crate) value: f64,
    /// Which iteration this is, from 1.
    pub(crate) position: u32,
    /// The kind of output that the loop is about, if it is about one.
    pub(crate) kind: Option<OutputKind>,
}

/// What an expression is computed from.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) scope: &'a dyn Scope,
    pub(crate) iteration: Option<LoopIteration>,
    /// The packet so far.
    pub(crate) packet: &'a [u8],
}

impl Context<'_> {
    /// A value that is there for its truth; what is neither true nor false must not pass for either.
    pub(crate) fn truth(&self, expression: &Expr) -> Result<bool, EvalErrorKind> {
        truth(self.compute(expression)?)
    }

    /// Recursion goes through here and one of the methods for inner nodes. They are apart from [`Self::leaf`] to
    /// keep their stack frames small, as a tree may be some hundred nodes deep.
    pub(crate) fn compute(&self, expression: &Expr) -> Result<f64, EvalErrorKind> {
        match expression {
            Expr::Binary(operator, operands) => self.binary(*operator, operands),
            Expr::Choice(parts) => self.choice(parts),
            Expr::Unary(operator, operand) => self.compute(operand).and_then(|value| unary(*operator, value)),
            Expr::Byte(name, index) => self.compute(index).and_then(|index| self.byte(name, index)),
            Expr::Math(math, arguments) => self.math(*math, arguments),
            Expr::Checksum(checksum, bounds) => self.slice(bounds).map(|bytes| f64::from(checksum.over(bytes))),
            _ => self.leaf(expression),
        }
    }

    fn leaf(&self, expression: &Expr) -> Result<f64, EvalErrorKind> {
        Ok(match expression {
            Expr::Number(number) => *number,
            Expr::Value => self.iteration.map_or_else(|| self.scope.value(), |iteration| iteration.value),
            Expr::Duration => self.scope.duration(),
            Expr::Index => self.iteration.map_or_else(|| self.scope.index(), |iteration| f64::from(iteration.index)),
            Expr::LoopPosition => self.iteration.map_or(0.0, |iteration| f64::from(iteration.position)),
            Expr::Outputs => self.scope.outputs(None).len() as f64,
            Expr::Previous => self.scope.previous(),
            Expr::Feature(index) => self.scope.feature(*index),
            Expr::Kind(kind) => self.scope.outputs(Some(*kind)).first().map_or(0.0, |(_, value)| *value),
            Expr::Parameter(name) => {
                let value = self.scope.param(name);
                return value.ok_or_else(|| EvalErrorKind::Parameter { name: name.clone() });
            }
            Expr::Length(name) => self.scope.buffer(name).map_or(0.0, |bytes| bytes.len() as f64),
            Expr::Count(kind) => self.scope.outputs(Some(*kind)).len() as f64,
            Expr::Has(endpoint) => f64::from(self.scope.has(*endpoint)),
            Expr::Is(kind) => f64::from(self.kind() == Some(*kind)),
            Expr::Sequence => f64::from(self.scope.next_sequence()),
            // Inner nodes do not come here.
            _ => f64::NAN,
        })
    }

    /// The kind of output that `v` is a value of.
    fn kind(&self) -> Option<OutputKind> {
        match self.iteration {
            Some(iteration) => iteration.kind.or_else(|| self.scope.kind_of(iteration.index)),
            None => self.scope.kind(),
        }
    }

    fn choice(&self, parts: &[Expr; 3]) -> Result<f64, EvalErrorKind> {
        let [condition, then, otherwise] = parts;
        let chosen = if self.truth(condition)? { then } else { otherwise };
        self.compute(chosen)
    }

    fn binary(&self, operator: Binary, operands: &[Expr; 2]) -> Result<f64, EvalErrorKind> {
        let [left, right] = operands;
        let a = self.compute(left)?;
        match operator {
            Binary::Or if truth(a)? => Ok(1.0),
            Binary::And if !truth(a)? => Ok(0.0),
            Binary::Or | Binary::And => self.truth(right).map(f64::from),
            _ => self.compute(right).and_then(|b| binary(operator, a, b)),
        }
    }

    /// A buffer that no step has filled yet reads like an empty one: a `maybe` may go on without its notification.
    fn byte(&self, name: &str, index: f64) -> Result<f64, EvalErrorKind> {
        if index.is_nan() || index.trunc() < 0.0 {
            return Err(EvalErrorKind::Index { buffer: name.to_owned(), index });
        }
        // Saturates, which is past the end of any buffer.
        let byte = self.scope.buffer(name).and_then(|bytes| bytes.get(index as usize));
        Ok(byte.map_or(0.0, |byte| f64::from(*byte)))
    }

    fn slice(&self, bounds: &[Expr]) -> Result<&[u8], EvalErrorKind> {
        let length = self.packet.len();
        let bound = |expression: Option<&Expr>, default: f64| {
            expression.map_or(Ok(default), |expression| self.compute(expression).map(f64::trunc))
        };
        let from = bound(bounds.first(), 0.0)?;
        let to = bound(bounds.get(1), length as f64)?;
        // The cast would turn a negative bound into 0.
        let bytes = if from >= 0.0 && to >= 0.0 { self.packet.get(from as usize..to as usize) } else { None };
        bytes.ok_or(EvalErrorKind::Slice { from, to, length })
    }

    fn math(&self, math: Math, arguments: &[Expr]) -> Result<f64, EvalErrorKind> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.compute(argument)?);
        }
        // The float functions for these two ignore what is not a number, which would hide a mistake.
        let pick = |better: fn(f64, f64) -> f64| {
            values.iter().copied().reduce(|a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { better(a, b) })
        };
        let first = values.first().copied().unwrap_or(f64::NAN);
        Ok(match math {
            Math::Abs => first.abs(),
            Math::Min => pick(f64::min).unwrap_or(f64::NAN),
            Math::Max => pick(f64::max).unwrap_or(f64::NAN),
            Math::Floor => first.floor(),
            Math::Ceil => first.ceil(),
            Math::Trunc => first.trunc(),
            Math::Round => first.round(),
            Math::Pow => first.powf(values.get(1).copied().unwrap_or(f64::NAN)),
        })
    }
}

fn unary(operator: Unary, value: f64) -> Result<f64, EvalErrorKind> {
    Ok(match operator {
        Unary::Negate => -value,
        Unary::Not => f64::from(!truth(value)?),
        Unary::Invert => !integer(value)? as f64,
    })
}

/// The operators that always need both operands, and the other two as they are once both are known.
fn binary(operator: Binary, a: f64, b: f64) -> Result<f64, EvalErrorKind> {
    Ok(match operator {
        Binary::Or => f64::from(truth(a)? || truth(b)?),
        Binary::And => f64::from(truth(a)? && truth(b)?),
        Binary::BitOr => (integer(a)? | integer(b)?) as f64,
        Binary::BitXor => (integer(a)? ^ integer(b)?) as f64,
        Binary::BitAnd => (integer(a)? & integer(b)?) as f64,
        Binary::ShiftLeft => shift_left(integer(a)?, integer(b)?)? as f64,
        Binary::ShiftRight => (integer(a)? >> amount(integer(b)?)?) as f64,
        Binary::Equal => f64::from(a == b),
        Binary::Unequal => f64::from(a != b),
        Binary::Less => f64::from(a < b),
        Binary::LessOrEqual => f64::from(a <= b),
        Binary::Greater => f64::from(a > b),
        Binary::GreaterOrEqual => f64::from(a >= b),
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        Binary::Remainder => a % b,
    })
}

fn truth(value: f64) -> Result<bool, EvalErrorKind> {
    if value.is_nan() { Err(EvalErrorKind::NotFinite { value }) } else { Ok(value != 0.0) }
}

/// The upper end of i64 is not a float, so the bound is the power of two above it.
fn integer(value: f64) -> Result<i64, EvalErrorKind> {
    let bound = 2f64.powi(63);
    if (-bound..bound).contains(&value) { Ok(value as i64) } else { Err(EvalErrorKind::Integer { value }) }
}

fn amount(amount: i64) -> Result<u32, EvalErrorKind> {
    u32::try_from(amount).ok().filter(|bits| *bits < 64).ok_or(EvalErrorKind::Shift { amount })
}

fn shift_left(value: i64, by: i64) -> Result<i64, EvalErrorKind> {
    let shifted = i128::from(value) << amount(by)?;
    i64::try_from(shifted).map_err(|_| EvalErrorKind::ShiftOverflow { value, amount: by })
}
