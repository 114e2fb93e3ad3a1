//! Who drives devices.

/// A party that drives devices: who set a value, and whose end stops it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperatorId(pub u64);
