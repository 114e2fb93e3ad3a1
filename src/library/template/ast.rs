//! The tree of an expression and the words it is written with.

use super::checksum::Checksum;
use crate::types::{Endpoint, OutputKind};

/// Features that have an identifier of their own, `f0` up to this one.
pub(super) const LAST_FEATURE: u32 = 31;

/// Everything that is called with parentheses.
const FUNCTIONS: [&str; 17] = [
    "abs",
    "min",
    "max",
    "floor",
    "ceil",
    "trunc",
    "round",
    "pow",
    "len",
    "count",
    "has",
    "is",
    "seq",
    "sum",
    "xor",
    "crc16_modbus",
    "crc16_xmodem",
];

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    Number(f64),
    Value,
    Duration,
    Index,
    /// `k`.
    LoopPosition,
    /// `n`.
    Outputs,
    Previous,
    Feature(u32),
    Kind(OutputKind),
    Parameter(String),
    Byte(String, Box<Expr>),
    Length(String),
    Count(OutputKind),
    Has(Endpoint),
    Is(OutputKind),
    Sequence,
    Checksum(Checksum, Vec<Expr>),
    Math(Math, Vec<Expr>),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<[Expr; 2]>),
    /// `?:`.
    Choice(Box<[Expr; 3]>),
}

impl Expr {
    /// The identifiers that are there in every definition; `None` for what a definition or a step names.
    pub(super) fn builtin(name: &str) -> Option<Self> {
        Some(match name {
            "v" => Self::Value,
            "d" => Self::Duration,
            "i" => Self::Index,
            "k" => Self::LoopPosition,
            "n" => Self::Outputs,
            "prev" => Self::Previous,
            _ => match OutputKind::from_key(name) {
                Some(kind) => Self::Kind(kind),
                None => Self::Feature(feature(name)?),
            },
        })
    }

    /// Shows the visitor this node and all below it, also those that laziness may skip.
    pub(crate) fn visit(&self, visitor: &mut dyn FnMut(&Expr)) {
        visitor(self);
        let below: &[Expr] = match self {
            Self::Byte(_, index) => std::slice::from_ref(index),
            Self::Unary(_, operand) => std::slice::from_ref(operand),
            Self::Checksum(_, arguments) | Self::Math(_, arguments) => arguments,
            Self::Binary(_, operands) => operands.as_slice(),
            Self::Choice(parts) => parts.as_slice(),
            _ => &[],
        };
        for expression in below {
            expression.visit(visitor);
        }
    }
}

/// Only the shortest spelling counts, so that `f01` is not a second name of `f1`.
fn feature(name: &str) -> Option<u32> {
    let index: u32 = name.strip_prefix('f')?.parse().ok()?;
    (index <= LAST_FEATURE && name == format!("f{index}")).then_some(index)
}

/// Functions of numbers only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Math {
    Abs,
    Min,
    Max,
    Floor,
    Ceil,
    Trunc,
    Round,
    Pow,
}

impl Math {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "abs" => Self::Abs,
            "min" => Self::Min,
            "max" => Self::Max,
            "floor" => Self::Floor,
            "ceil" => Self::Ceil,
            "trunc" => Self::Trunc,
            "round" => Self::Round,
            "pow" => Self::Pow,
            _ => return None,
        })
    }

    /// Fewest and most arguments, and the same in words.
    pub(super) fn arguments(self) -> (usize, usize, &'static str) {
        match self {
            Self::Min | Self::Max => (2, usize::MAX, "2 arguments or more"),
            Self::Pow => (2, 2, "2 arguments"),
            _ => (1, 1, "1 argument"),
        }
    }
}

/// Operators before their operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Negate,
    Not,
    Invert,
}

/// Operators between their operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Or,
    And,
    BitOr,
    BitXor,
    BitAnd,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    ShiftLeft,
    ShiftRight,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Binary {
    /// The operator that `first` and `second` start, how many characters it has and how tightly it binds (as in C).
    pub(super) fn lex(first: char, second: Option<char>) -> Option<(Self, usize, u8)> {
        Some(match (first, second) {
            ('|', Some('|')) => (Self::Or, 2, 1),
            ('&', Some('&')) => (Self::And, 2, 2),
            ('|', _) => (Self::BitOr, 1, 3),
            ('^', _) => (Self::BitXor, 1, 4),
            ('&', _) => (Self::BitAnd, 1, 5),
            ('=', Some('=')) => (Self::Equal, 2, 6),
            ('!', Some('=')) => (Self::Unequal, 2, 6),
            ('<', Some('<')) => (Self::ShiftLeft, 2, 8),
            ('>', Some('>')) => (Self::ShiftRight, 2, 8),
            ('<', Some('=')) => (Self::LessOrEqual, 2, 7),
            ('>', Some('=')) => (Self::GreaterOrEqual, 2, 7),
            ('<', _) => (Self::Less, 1, 7),
            ('>', _) => (Self::Greater, 1, 7),
            ('+', _) => (Self::Add, 1, 9),
            ('-', _) => (Self::Subtract, 1, 9),
            ('*', _) => (Self::Multiply, 1, 10),
            ('/', _) => (Self::Divide, 1, 10),
            ('%', _) => (Self::Remainder, 1, 10),
            _ => return None,
        })
    }
}

/// Whether a name is a function.
pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.contains(&name)
}

/// The functions, for messages.
pub(super) fn functions() -> String {
    FUNCTIONS.join(", ")
}

/// The keys of the output kinds, for messages.
pub(super) fn kinds() -> String {
    OutputKind::ALL.map(OutputKind::key).join(", ")
}

/// Whether a parameter or a buffer may be called `name`: `[a-z_][a-z0-9_]*` and without another meaning in
/// expressions. Whoever reads definitions asks this about parameters, since a built-in name would win over theirs.
#[must_use]
pub fn is_free_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && Expr::builtin(name).is_none()
        && !is_function(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_meaning_are_not_free() {
        for name in
            ["v", "prev", "f0", "f31", "vibrate", "hw_position", "seq", "crc16_modbus", "", "A", "1a", "a-b", "ä"]
        {
            assert!(!is_free_name(name), "{name}");
        }
        for name in ["id", "_", "f32", "f01", "f", "vv", "key_2"] {
            assert!(is_free_name(name), "{name}");
        }
    }

    #[test]
    fn every_listed_function_is_one() {
        for name in FUNCTIONS {
            let other = ["len", "count", "has", "is", "seq"].contains(&name);
            assert!(other || Math::from_name(name).is_some() || Checksum::from_name(name).is_some(), "{name}");
        }
    }
}
