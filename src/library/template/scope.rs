//! What templates see of the world.

use crate::types::{Endpoint, OutputKind};

/// What a line can ask for while it is rendered.
pub trait Scope {
    /// The value that was commanded.
    fn value(&self) -> f64;
    /// The duration that was commanded, in milliseconds.
    fn duration(&self) -> f64;
    /// The index of the feature that was commanded.
    fn index(&self) -> f64;
    /// The kind of output that was commanded, if one was.
    fn kind(&self) -> Option<OutputKind> {
        None
    }
    /// The kind of output that the latest value of this feature is of; its first kind as long as none was set.
    fn kind_of(&self, _feature: u32) -> Option<OutputKind> {
        None
    }
    /// The position this feature was last sent to; 0 at the start.
    fn previous(&self) -> f64;
    /// The latest value of the feature with this index; 0 when there is none.
    fn feature(&self, index: u32) -> f64;
    /// Features having an output (of that kind), with their latest values, in index order.
    fn outputs(&self, kind: Option<OutputKind>) -> Vec<(u32, f64)>;
    /// The value of a parameter.
    fn param(&self, name: &str) -> Option<f64>;
    /// The bytes of a buffer; `None` when nothing filled it yet.
    fn buffer(&self, name: &str) -> Option<&[u8]>;
    /// Whether the hardware exposes an endpoint.
    fn has(&self, endpoint: Endpoint) -> bool;
    /// Takes the next number of the packet counter, which wraps after 255.
    fn next_sequence(&self) -> u8;
}
