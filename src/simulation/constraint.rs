//! What a packet tells, as constraints on the values that it was encoded with.

use std::collections::{BTreeMap, BTreeSet};

use crate::library::{template::Context, template::Expr, template::LoopIteration, template::Scope};
use crate::types::{Endpoint, OutputKind};

/// Something a packet tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Unknown {
    /// The value `v`, outside of loops.
    Value,
    /// The duration `d`.
    Duration,
    /// The latest value of the feature with this index: `f0`.., a kind such as `vibrate`, or `v` in a loop.
    Feature(u32),
}

/// What is known before a packet is read.
pub(super) trait Domain {
    /// The inclusive range of an unknown. `None` when there is no such thing (a feature the hardware does not have);
    /// it counts as a constant 0.
    fn range(&self, unknown: Unknown) -> Option<(i64, i64)>;
    /// The index `i` of the feature the packet is for.
    fn index(&self) -> u32;
    /// The kind of output that the packet is for, where that is known.
    fn kind(&self) -> Option<OutputKind> {
        None
    }
    /// Indexes of the features having an output (of that kind), in order.
    fn outputs(&self, kind: Option<OutputKind>) -> Vec<u32>;
    /// The value of a parameter.
    fn param(&self, name: &str) -> Option<f64>;
    /// The bytes of a buffer.
    fn buffer(&self, name: &str) -> Option<&[u8]>;
    /// Whether the hardware exposes an endpoint.
    fn has(&self, endpoint: Endpoint) -> bool;
}

pub(super) fn kinds_of(domain: &dyn Domain, index: u32) -> impl Iterator<Item = OutputKind> + '_ {
    OutputKind::ALL.into_iter().filter(move |kind| domain.outputs(Some(*kind)).contains(&index))
}

/// What an expression has to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// This after truncation.
    Number(i64),
    /// Anything but 0.
    True,
}

/// An expression, what it depends on and what it has to come to.
#[derive(Debug)]
pub(super) struct Constraint<'l> {
    pub(super) expr: &'l Expr,
    pub(super) iteration: Option<LoopIteration>,
    pub(super) unknowns: BTreeSet<Unknown>,
    pub(super) wanted: Target,
}

impl Constraint<'_> {
    pub(super) fn holds(&self, assignment: &Assignment<'_>) -> bool {
        // The loop was unrolled before any value was known.
        let iteration = self
            .iteration
            .map(|iteration| LoopIteration { value: assignment.get(Unknown::Feature(iteration.index)), ..iteration });
        let value = Context { scope: assignment, iteration, packet: &[] }.compute(self.expr);
        match (value, self.wanted) {
            (Ok(value), Target::Number(wanted)) => value.trunc() == wanted as f64,
            (Ok(value), Target::True) => value.is_finite() && value != 0.0,
            (Err(_), _) => false,
        }
    }

    /// The one unknown that the expression simply is.
    pub(super) fn plain(&self) -> Option<Unknown> {
        let plain = matches!(self.expr, Expr::Value | Expr::Duration | Expr::Feature(_) | Expr::Kind(_));
        self.unknowns.first().copied().filter(|_| plain)
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        let alike = self.wanted == other.wanted && self.iteration == other.iteration;
        alike && (std::ptr::eq(self.expr, other.expr) || self.expr == other.expr)
    }
}

/// Values to try.
pub(super) struct Assignment<'d> {
    pub(super) domain: &'d dyn Domain,
    pub(super) values: BTreeMap<Unknown, i64>,
}

impl<'d> Assignment<'d> {
    pub(super) fn new(domain: &'d dyn Domain) -> Self {
        Self { domain, values: BTreeMap::new() }
    }

    fn get(&self, unknown: Unknown) -> f64 {
        self.values.get(&unknown).map_or(0.0, |value| *value as f64)
    }
}

impl Scope for Assignment<'_> {
    fn value(&self) -> f64 {
        self.get(Unknown::Value)
    }

    fn duration(&self) -> f64 {
        self.get(Unknown::Duration)
    }

    fn index(&self) -> f64 {
        f64::from(self.domain.index())
    }

    fn kind(&self) -> Option<OutputKind> {
        self.domain.kind()
    }

    fn kind_of(&self, index: u32) -> Option<OutputKind> {
        kinds_of(self.domain, index).next()
    }

    fn previous(&self) -> f64 {
        0.0
    }

    fn feature(&self, index: u32) -> f64 {
        self.get(Unknown::Feature(index))
    }

    fn outputs(&self, kind: Option<OutputKind>) -> Vec<(u32, f64)> {
        let indexes = self.domain.outputs(kind).into_iter();
        indexes.map(|index| (index, self.get(Unknown::Feature(index)))).collect()
    }

    fn param(&self, name: &str) -> Option<f64> {
        self.domain.param(name)
    }

    fn buffer(&self, name: &str) -> Option<&[u8]> {
        self.domain.buffer(name)
    }

    fn has(&self, endpoint: Endpoint) -> bool {
        self.domain.has(endpoint)
    }

    fn next_sequence(&self) -> u8 {
        0
    }
}
