//! Encodes packet templates: the bytes for the values at hand.

use super::error::EvalError;
use super::eval::{Context, LoopIteration};
use super::packet::{Content, Item, PacketTemplate, PlacedSegment, Segment};
use super::scope::Scope;
use crate::types::OutputKind;

/// The longest attribute Bluetooth LE transfers; nothing sends more at once.
const MAX_BYTES: usize = 512;
/// Well above what fits a packet. Nested repetitions around a loop without iterations would run for ages otherwise.
const MAX_ITEMS: usize = 4096;

/// Features with an output (of that kind) and their latest values, in index order.
pub(crate) type Features<'a> = &'a dyn Fn(Option<OutputKind>) -> Vec<(u32, f64)>;

impl PacketTemplate {
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
    pub fn encode(&self, scope: &dyn Scope) -> Result<Vec<u8>, EvalError> {
        let mut packet = Vec::new();
        for (segment, iteration) in self.segments(&|kind| scope.outputs(kind))? {
            match segment {
                Segment::Bytes(bytes) => packet.extend_from_slice(bytes),
                Segment::Buffer(name) => packet.extend_from_slice(scope.buffer(name).unwrap_or_default()),
                Segment::Number { expr, source, format } => {
                    let value = Context { scope, iteration, packet: &packet }.compute(expr);
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

    /// The segments of the packet in order, with repetitions and loops unrolled.
    pub(crate) fn segments(&self, features: Features<'_>) -> Result<Vec<PlacedSegment<'_>>, EvalError> {
        let mut unrolled = Unrolled { features, segments: Vec::new(), items: 0 };
        if unrolled.unroll(&self.items, None) {
            Ok(unrolled.segments)
        } else {
            Err(EvalError::TooManyItems { line: self.source.clone(), limit: MAX_ITEMS })
        }
    }
}

struct Unrolled<'l, 'f> {
    features: Features<'f>,
    segments: Vec<PlacedSegment<'l>>,
    items: usize,
}

impl<'l> Unrolled<'l, '_> {
    /// False when there are too many.
    fn unroll(&mut self, items: &'l [Item], iteration: Option<LoopIteration>) -> bool {
        items.iter().all(|item| (0..item.repeat).all(|_| self.content(&item.content, iteration)))
    }

    fn content(&mut self, content: &'l Content, iteration: Option<LoopIteration>) -> bool {
        self.items += 1;
        if self.items > MAX_ITEMS {
            return false;
        }
        match content {
            Content::Segment(segment) => {
                self.segments.push((segment, iteration));
                true
            }
            Content::Group(items) => self.unroll(items, iteration),
            Content::Each(kind, items) => {
                (self.features)(*kind).into_iter().zip(1..).all(|((index, value), position)| {
                    let kind = *kind;
                    let iteration = LoopIteration { index, value, position, kind };
                    self.unroll(items, Some(iteration))
                })
            }
        }
    }
}
