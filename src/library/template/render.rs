//! Turns lines into packets.

use super::Scope;
use super::error::EvalError;
use super::eval::{Context, Turn};
use super::line::{Content, Item, Line, Piece, Placed};
use crate::types::OutputKind;

/// The longest attribute Bluetooth LE transfers; nothing sends more at once.
const MAX_BYTES: usize = 512;
/// Well above what fits a packet. Nested repetitions around a loop without turns would run for ages otherwise.
const MAX_ITEMS: usize = 4096;

/// Features with an output (of that kind) and their latest values, in index order.
pub(super) type Features<'a> = &'a dyn Fn(Option<OutputKind>) -> Vec<(u32, f64)>;

impl Line {
    /// Whether the condition of the line holds; a line without one always applies.
    ///
    /// # Errors
    /// When the condition has no value.
    pub fn applies(&self, scope: &dyn Scope) -> Result<bool, EvalError> {
        self.condition.as_ref().map_or(Ok(true), |condition| condition.holds(scope))
    }

    /// The packet, without a look at the condition.
    ///
    /// # Errors
    /// When a value does not fit its place, or the packet is empty or too long.
    pub fn render(&self, scope: &dyn Scope) -> Result<Vec<u8>, EvalError> {
        let mut packet = Vec::new();
        for (piece, turn) in self.pieces(&|kind| scope.outputs(kind))? {
            match piece {
                Piece::Bytes(bytes) => packet.extend_from_slice(bytes),
                Piece::Buffer(name) => packet.extend_from_slice(scope.buffer(name).unwrap_or_default()),
                Piece::Number { expr, source, format } => {
                    let value = Context { scope, turn, packet: &packet }.compute(expr);
                    value
                        .and_then(|value| format.write(value, &mut packet))
                        .map_err(|fault| EvalError::Expression { expression: source.clone(), fault })?;
                }
            }
            if packet.len() > MAX_BYTES {
                return Err(EvalError::TooLong { line: self.source.clone(), limit: MAX_BYTES });
            }
        }
        if packet.is_empty() {
            return Err(EvalError::Empty { line: self.source.clone() });
        }
        Ok(packet)
    }

    /// The pieces of the packet in order, with repetitions and loops unrolled.
    pub(super) fn pieces(&self, features: Features<'_>) -> Result<Vec<Placed<'_>>, EvalError> {
        let mut unrolled = Unrolled { features, pieces: Vec::new(), items: 0 };
        if unrolled.unroll(&self.items, None) {
            Ok(unrolled.pieces)
        } else {
            Err(EvalError::TooManyItems { line: self.source.clone(), limit: MAX_ITEMS })
        }
    }
}

struct Unrolled<'l, 'f> {
    features: Features<'f>,
    pieces: Vec<Placed<'l>>,
    items: usize,
}

impl<'l> Unrolled<'l, '_> {
    /// False when there are too many.
    fn unroll(&mut self, items: &'l [Item], turn: Option<Turn>) -> bool {
        items.iter().all(|item| (0..item.times).all(|_| self.content(&item.content, turn)))
    }

    fn content(&mut self, content: &'l Content, turn: Option<Turn>) -> bool {
        self.items += 1;
        if self.items > MAX_ITEMS {
            return false;
        }
        match content {
            Content::Piece(piece) => {
                self.pieces.push((piece, turn));
                true
            }
            Content::Group(items) => self.unroll(items, turn),
            Content::Each(kind, items) => {
                (self.features)(*kind).into_iter().zip(1..).all(|((index, value), position)| {
                    let kind = *kind;
                    let turn = Turn { index, value, position, kind };
                    self.unroll(items, Some(turn))
                })
            }
        }
    }
}
