//! The names that a definition gives to things.

use std::collections::{BTreeMap, BTreeSet};

use super::expression::Expression;

/// What expressions may mention besides the built-in names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Names {
    /// Parameters of the model. A built-in name wins over a parameter, see [`is_free_name`](super::is_free_name).
    pub params: BTreeSet<String>,
    /// Buffers that earlier steps fill.
    pub buffers: BTreeSet<String>,
    /// Expressions with a name, see [`Expression::parse_named`].
    pub lets: BTreeMap<String, Expression>,
}
