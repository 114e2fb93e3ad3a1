//! The template language of the device definitions: how packets are put together from values, and read back.
//!
//! What lives here is the language itself: parsing, evaluating, and encoding, all pure. What may not live
//! here is anything that does something: no IO, no time, no actors, no knowledge of definition files or of links.
//! The caller that runs a [`PacketTemplate`] or a [`Step`] hands in a [`Scope`] and sends, waits or sleeps itself.
//!
//! # Reference
//!
//! ```text
//! LINE   [if {EXPR}] ENDPOINT [ack]: ITEM ITEM ...     one packet; ack = write with response
//!
//! STEP   [if {EXPR}] LINE or one of those below
//!        subscribe ENDPOINT | unsubscribe ENDPOINT
//!        sleep TIME                                    TIME = 100ms | 3s, from 1ms to 60s
//!        wait ENDPOINT TIME [as NAME] [when {EXPR}]    a notification must come within TIME
//!        maybe ENDPOINT TIME [as NAME] [when {EXPR}]   like wait, but going on without one is fine
//!        read ENDPOINT [as NAME]
//!        expect {EXPR}                                 fails the sequence when 0
//!        "when {EXPR}" passes over notifications for which it is 0; there the notification is NAME, else b
//!        "as NAME" keeps the bytes in a buffer for what follows; [a-z_][a-z0-9_]*, no built-in name or parameter
//!
//! ITEM   F1                                            a byte, exactly two hex digits
//!        "text"                                        UTF-8; escapes \n \r \t \\ \" \0
//!        {EXPR} {EXPR:FORMAT}                          a value, truncated toward zero; it must fit its format
//!        ( ITEM ... )                                  a group
//!        each( ITEM ... ) each KIND( ITEM ... )        the group once per feature with an output (of that kind)
//!        ITEM*N                                        as if written N times, 1 to 64: evaluated each time
//!        Items are separated by blanks (spaces or tabs).
//!
//! FORMAT u8 (default) i8 u16be u16le u32be u32le
//!        dec dec2 .. dec9                              decimal text, padded with zeros to at least so many digits
//!        hex2 .. hex8                                  lower-case hex text of exactly so many digits
//!        bytes                                         EXPR is the name of a buffer, its bytes are inserted
//!
//! EXPR   12 0.5 0x1F   NAME   BUFFER[EXPR]   CALL   ( EXPR )
//!        operators, loosest first, as in C:
//!        ?:   ||   &&   |   ^   &   == !=   < <= > >=   << >>   + -   * / %   unary - ! ~
//!        ?: || && compute only what they need. / is real division. Bit operators, shifts and ~ work on the value
//!        truncated to 64 bits, shift amounts are 0 to 63. Comparisons and logic give 1 or 0.
//!
//! NAME   v             value; in each, latest value of the feature of this turn
//!        d             duration in ms
//!        i             index of the feature; in each, of this turn
//!        k             in each only: which turn this is, from 1
//!        n             number of features with an output
//!        prev          position this feature was last sent to, 0 at the start
//!        f0 .. f31     latest value of the feature with that index, 0 if there is none
//!        KIND          vibrate, rotate, ...: latest value of the first feature with that output, 0 if there is none
//!        anything else a parameter of the model, a named expression, or a buffer in BUFFER[EXPR], len(BUFFER) and {BUFFER:bytes}
//!        A byte past the end of a buffer is 0; a buffer that nothing filled yet is empty.
//!
//! CALL   abs(a) floor(a) ceil(a) trunc(a) round(a)     round: half away from zero
//!        min(a, b, ...) max(a, b, ...) pow(a, b)
//!        len(BUFFER)                                   its bytes
//!        count(KIND)                                   number of features with that output
//!        is(KIND)                                      1 if v is a value of such an output: of what is commanded,
//!                                                      or in each of what the feature was last set by
//!        has(ENDPOINT)                                 1 if the hardware really exposes it
//!        only in packets:
//!        seq()                                         running packet counter 0 .. 255, taken and incremented
//!        sum(FROM, TO) xor(FROM, TO) crc16_modbus(FROM, TO) crc16_xmodem(FROM, TO)
//!                                                      over the bytes so far, from FROM (0) up to before TO (all)
//! ```
//!
//! Limits: 2000 characters, 32 levels of nesting, 256 operators per expression, 4096 items after repetition, packets
//! of 1 to 512 bytes. Numbers are floats. Nothing wraps or saturates silently: a value that does not fit is an error.

mod ast;
mod checksum;
mod cursor;
mod encode;
mod error;
mod eval;
mod expression;
mod format;
mod names;
mod packet;
mod parse_expression;
mod scope;
mod step;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use ast::is_free_name;
pub(crate) use ast::{Binary, Expr, Unary};
pub(crate) use checksum::Checksum;
pub use error::{EvalError, EvalErrorKind, ParseError, ParseErrorKind};
pub(crate) use eval::{Context, LoopIteration};
pub use expression::Expression;
pub(crate) use format::Format;
pub use names::Names;
pub use packet::PacketTemplate;
pub(crate) use packet::Segment;
pub use scope::Scope;
pub use step::Step;
