//! What can be wrong with a template: where it is written ([`ParseError`]) and when it is used ([`EvalError`]).

use thiserror::Error;

/// A template that does not follow the language.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("column {column}: {problem}")]
pub struct ParseError {
    /// Where in the source, in characters from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: ParseErrorKind,
}

/// What is wrong at one place of a template.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Something else belongs here.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What the language has at this place.
        expected: &'static str,
        /// What the source has.
        found: String,
    },
    /// A name that nothing of its sort has.
    #[error("unknown {sort} {name:?}, allowed are {allowed}")]
    Unknown {
        /// What it should be the name of.
        sort: &'static str,
        /// The name as written.
        name: String,
        /// The names that exist.
        allowed: String,
    },
    /// A number outside of what its place allows.
    #[error("{sort} {value} is out of range, allowed is {allowed}")]
    OutOfRange {
        /// What the number is for.
        sort: &'static str,
        /// The number as written.
        value: String,
        /// The range.
        allowed: String,
    },
    /// A call with too few or too many arguments.
    #[error("function {function} takes {allowed}, found {found}")]
    Arguments {
        /// The function.
        function: String,
        /// How many it takes.
        allowed: &'static str,
        /// How many it was given.
        found: usize,
    },
    /// A buffer in the place of a number.
    #[error("buffer {name:?} is not a number, write {name}[INDEX] or len({name})")]
    BufferAsNumber {
        /// The buffer.
        name: String,
    },
    /// A name for a new buffer that is not free or not well-formed.
    #[error(
        "buffer name {name:?} is not allowed, it must match [a-z_][a-z0-9_]* and not be a parameter, identifier, \
         function or output kind"
    )]
    BufferName {
        /// The name as written.
        name: String,
    },
    /// `k` where no loop gives it a meaning.
    #[error("identifier \"k\" has a meaning only inside each( ... )")]
    OutsideEach,
    /// A function about a packet where there is none.
    #[error("function {function} has a meaning only inside a packet, not in a condition or an input value")]
    OutsidePacket {
        /// The function.
        function: String,
    },
    /// Parentheses, groups, calls, choices and signs inside one another.
    #[error("nesting is deeper than the {limit} levels allowed")]
    Nesting {
        /// Most levels.
        limit: usize,
    },
    /// Too many operators in one expression.
    #[error("expression has more than the {limit} operators allowed")]
    Operators {
        /// Most operators.
        limit: usize,
    },
    /// A source longer than any sensible line.
    #[error("template has {length} characters, allowed are 1 to {limit}")]
    Length {
        /// Characters in the source.
        length: usize,
        /// Most characters.
        limit: usize,
    },
}

/// A template that is well-formed, but gives nothing that can be sent with the values at hand.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum EvalError {
    /// An expression without a usable value.
    #[error("expression `{expression}`: {fault}")]
    Expression {
        /// The expression as written.
        expression: String,
        /// Why it has no usable value.
        fault: EvalErrorKind,
    },
    /// More bytes than any hardware takes at once.
    #[error("packet of `{line}` is longer than the {limit} bytes allowed")]
    TooLong {
        /// The line as written.
        line: String,
        /// Most bytes.
        limit: usize,
    },
    /// Loops and repetitions that multiply beyond reason.
    #[error("packet of `{line}` has more than the {limit} items allowed")]
    TooManyItems {
        /// The line as written.
        line: String,
        /// Most items, repetitions counted.
        limit: usize,
    },
    /// Nothing to send: every loop had no iteration and every buffer was empty.
    #[error("packet of `{line}` has no bytes")]
    Empty {
        /// The line as written.
        line: String,
    },
}

/// Why an expression has no usable value.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum EvalErrorKind {
    /// Infinite or not a number.
    #[error("value {value} is not a finite number")]
    NotFinite {
        /// The value.
        value: f64,
    },
    /// Does not fit the format it is to be written in.
    #[error("value {value} is out of range of {format}, allowed is {low} to {high}")]
    Format {
        /// The value before truncation.
        value: f64,
        /// The format.
        format: String,
        /// Lowest value that fits.
        low: i64,
        /// Highest value that fits.
        high: i64,
    },
    /// An operand of a bit operator that is no 64-bit integer.
    #[error("value {value} is out of range of bit operators, allowed is {} to {}", i64::MIN, i64::MAX)]
    Integer {
        /// The operand.
        value: f64,
    },
    /// A shift by too many or by a negative number of bits.
    #[error("shift amount {amount} is out of range, allowed is 0 to 63")]
    Shift {
        /// The amount.
        amount: i64,
    },
    /// Bits shifted out at the upper end.
    #[error("value {value} << {amount} does not fit 64 bits")]
    ShiftOverflow {
        /// The value shifted.
        value: i64,
        /// The amount.
        amount: i64,
    },
    /// An index before the start of a buffer.
    #[error("index {index} of buffer {buffer:?} is out of range, allowed is 0 or more")]
    Index {
        /// The buffer.
        buffer: String,
        /// The index.
        index: f64,
    },
    /// A checksum over bytes that are not there yet.
    #[error("checksum from {from} to {to} is out of range, allowed is 0 to {length} in order")]
    Slice {
        /// First byte.
        from: f64,
        /// Byte after the last.
        to: f64,
        /// Bytes rendered so far.
        length: usize,
    },
    /// A parameter that was promised at parse time.
    #[error("parameter {name:?} has no value")]
    Parameter {
        /// The parameter.
        name: String,
    },
}
