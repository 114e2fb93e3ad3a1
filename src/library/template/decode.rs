//! The way back: which values a line was rendered with, read from the packet. A simulated toy shows this.
//!
//! The packet is cut into the pieces of the line. Each computed piece becomes a constraint, "this expression has
//! that value"; [`super::solve`] finds values for which all of them hold.

use std::collections::{BTreeMap, BTreeSet};

use super::Scope;
use super::eval::{Context, Turn};
use super::format::Format;
use super::line::{Line, Piece};
use super::solve::solve;
use super::syntax::Expr;
use crate::types::{Endpoint, OutputKind};

/// Something a packet tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unknown {
    /// The value `v`, outside of loops.
    Value,
    /// The duration `d`.
    Duration,
    /// The latest value of the feature with this index: `f0`.., a kind such as `vibrate`, or `v` in a loop.
    Feature(u32),
}

/// What is known before a packet is read.
pub trait Domain {
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

/// With which values `packet` can have come from `line`; `None` when it cannot.
///
/// Of several possible values of an unknown, the smallest is given. Values which depend on what no packet tells
/// (`prev`, `seq()`, checksums) are not checked, only their width; an unknown that no checked item of the packet
/// depends on is not in the result. Decimal text takes all digits there are.
#[must_use]
pub fn decode(line: &Line, packet: &[u8], domain: &dyn Domain) -> Option<BTreeMap<Unknown, i64>> {
    let features = |kind| domain.outputs(kind).into_iter().map(|index| (index, 0.0)).collect();
    let known = Trial::new(domain);
    let mut constraints: Vec<Constraint<'_>> = Vec::new();
    let mut rest = packet;
    for (piece, turn) in line.pieces(&features).ok()? {
        match piece {
            Piece::Bytes(bytes) => rest = rest.strip_prefix(bytes.as_slice())?,
            Piece::Buffer(name) => rest = rest.strip_prefix(domain.buffer(name).unwrap_or_default())?,
            Piece::Number { expr, format, .. } => {
                let (constraint, after) = number(expr, *format, turn, rest, &known)?;
                rest = after;
                // Repetition says nothing new.
                if let Some(constraint) = constraint
                    && !constraints.iter().any(|other| other.same(&constraint))
                {
                    constraints.push(constraint);
                }
            }
        }
    }
    if !rest.is_empty() {
        return None;
    }
    if let Some(condition) = &line.condition {
        let wanted = Wanted::True;
        match unknowns(&condition.expr, None, domain) {
            None => {}
            Some(unknowns) => {
                let constraint = Constraint { expr: &condition.expr, turn: None, unknowns, wanted };
                if constraint.unknowns.is_empty() {
                    constraint.holds(&known).then_some(())?;
                } else {
                    constraints.push(constraint);
                }
            }
        }
    }
    solve(&constraints, domain)
}

/// Takes one number off the packet. What does not depend on an unknown is checked at once.
fn number<'l, 'p>(
    expr: &'l Expr,
    format: Format,
    turn: Option<Turn>,
    rest: &'p [u8],
    known: &Trial<'_>,
) -> Option<(Option<Constraint<'l>>, &'p [u8])> {
    let found = unknowns(expr, turn, known.domain);
    if found.as_ref().is_some_and(BTreeSet::is_empty) {
        let mut text = Vec::new();
        let value = Context { scope: known, turn, packet: &[] }.compute(expr).ok()?;
        format.write(value, &mut text).ok()?;
        return Some((None, rest.strip_prefix(text.as_slice())?));
    }
    let (value, length) = format.read(rest)?;
    let wanted = Wanted::Number(value);
    let constraint = found.map(|unknowns| Constraint { expr, turn, unknowns, wanted });
    Some((constraint, rest.get(length..)?))
}

/// What an expression depends on; `None` when on something that no packet tells.
fn unknowns(expr: &Expr, turn: Option<Turn>, domain: &dyn Domain) -> Option<BTreeSet<Unknown>> {
    let mut found = BTreeSet::new();
    let mut told = true;
    expr.visit(&mut |node| {
        let unknown = match node {
            Expr::Value => Some(turn.map_or(Unknown::Value, |turn| Unknown::Feature(turn.index))),
            Expr::Duration => Some(Unknown::Duration),
            Expr::Feature(index) => Some(Unknown::Feature(*index)),
            Expr::Kind(kind) => domain.outputs(Some(*kind)).first().copied().map(Unknown::Feature),
            // With several kinds on one feature, which of them was set last is not told.
            Expr::Is(_) => {
                told &= match turn {
                    Some(turn) => turn.kind.is_some() || kinds_of(domain, turn.index).count() == 1,
                    None => domain.kind().is_some(),
                };
                None
            }
            Expr::Previous | Expr::Sequence | Expr::Checksum(..) => {
                told = false;
                None
            }
            _ => None,
        };
        found.extend(unknown.filter(|unknown| domain.range(*unknown).is_some()));
    });
    told.then_some(found)
}

fn kinds_of(domain: &dyn Domain, index: u32) -> impl Iterator<Item = OutputKind> + '_ {
    OutputKind::ALL.into_iter().filter(move |kind| domain.outputs(Some(*kind)).contains(&index))
}

/// What an expression has to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// This after truncation.
    Number(i64),
    /// Anything but 0.
    True,
}

/// An expression, what it depends on and what it has to come to.
#[derive(Debug)]
pub(super) struct Constraint<'l> {
    pub(super) expr: &'l Expr,
    pub(super) turn: Option<Turn>,
    pub(super) unknowns: BTreeSet<Unknown>,
    pub(super) wanted: Wanted,
}

impl Constraint<'_> {
    pub(super) fn holds(&self, trial: &Trial<'_>) -> bool {
        // The loop was unrolled before any value was known.
        let turn = self.turn.map(|turn| Turn { value: trial.get(Unknown::Feature(turn.index)), ..turn });
        let value = Context { scope: trial, turn, packet: &[] }.compute(self.expr);
        match (value, self.wanted) {
            (Ok(value), Wanted::Number(wanted)) => value.trunc() == wanted as f64,
            (Ok(value), Wanted::True) => value.is_finite() && value != 0.0,
            (Err(_), _) => false,
        }
    }

    /// The one unknown that the expression simply is.
    pub(super) fn plain(&self) -> Option<Unknown> {
        let plain = matches!(self.expr, Expr::Value | Expr::Duration | Expr::Feature(_) | Expr::Kind(_));
        self.unknowns.first().copied().filter(|_| plain)
    }

    fn same(&self, other: &Self) -> bool {
        let alike = self.wanted == other.wanted && self.turn == other.turn;
        alike && (std::ptr::eq(self.expr, other.expr) || self.expr == other.expr)
    }
}

/// Values to try.
pub(super) struct Trial<'d> {
    domain: &'d dyn Domain,
    pub(super) values: BTreeMap<Unknown, i64>,
}

impl<'d> Trial<'d> {
    pub(super) fn new(domain: &'d dyn Domain) -> Self {
        Self { domain, values: BTreeMap::new() }
    }

    fn get(&self, unknown: Unknown) -> f64 {
        self.values.get(&unknown).map_or(0.0, |value| *value as f64)
    }
}

impl Scope for Trial<'_> {
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
