//! The reverse of encoding: which values a line was encoded with, read from the packet.
//!
//! The packet is cut into the segments of the line. Each computed segment becomes a constraint, "this expression has
//! that value"; [`super::solve`] finds values for which all of them hold.

use std::collections::{BTreeMap, BTreeSet};

use super::constraint::{Assignment, Constraint, Domain, Target, Unknown, kinds_of};
use super::solve::solve;
use crate::library::{
    template::Context, template::Expr, template::Format, template::LoopIteration, template::PacketTemplate,
    template::Segment,
};

/// With which values `packet` can have come from `line`; `None` when it cannot.
///
/// Of several possible values of an unknown, the smallest is given. Values which depend on what no packet tells
/// (`prev`, `seq()`, checksums) are not checked, only their width; an unknown that no checked item of the packet
/// depends on is not in the result. Decimal text takes all digits there are.
#[must_use]
pub(super) fn decode(line: &PacketTemplate, packet: &[u8], domain: &dyn Domain) -> Option<BTreeMap<Unknown, i64>> {
    let features = |kind| domain.outputs(kind).into_iter().map(|index| (index, 0.0)).collect();
    let known = Assignment::new(domain);
    let mut constraints: Vec<Constraint<'_>> = Vec::new();
    let mut rest = packet;
    for (segment, iteration) in line.segments(&features).ok()? {
        match segment {
            Segment::Bytes(bytes) => rest = rest.strip_prefix(bytes.as_slice())?,
            Segment::Buffer(name) => rest = rest.strip_prefix(domain.buffer(name).unwrap_or_default())?,
            Segment::Number { expr, format, .. } => {
                let (constraint, after) = number(expr, *format, iteration, rest, &known)?;
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
        let wanted = Target::True;
        match unknowns(&condition.expr, None, domain) {
            None => {}
            Some(unknowns) => {
                let constraint = Constraint { expr: &condition.expr, iteration: None, unknowns, wanted };
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
    iteration: Option<LoopIteration>,
    rest: &'p [u8],
    known: &Assignment<'_>,
) -> Option<(Option<Constraint<'l>>, &'p [u8])> {
    let found = unknowns(expr, iteration, known.domain);
    if found.as_ref().is_some_and(BTreeSet::is_empty) {
        let mut text = Vec::new();
        let value = Context { scope: known, iteration, packet: &[] }.compute(expr).ok()?;
        format.write(value, &mut text).ok()?;
        return Some((None, rest.strip_prefix(text.as_slice())?));
    }
    let (value, length) = format.read(rest)?;
    let wanted = Target::Number(value);
    let constraint = found.map(|unknowns| Constraint { expr, iteration, unknowns, wanted });
    Some((constraint, rest.get(length..)?))
}

/// What an expression depends on; `None` when on something that no packet tells.
fn unknowns(expr: &Expr, iteration: Option<LoopIteration>, domain: &dyn Domain) -> Option<BTreeSet<Unknown>> {
    let mut found = BTreeSet::new();
    let mut told = true;
    expr.visit(&mut |node| {
        let unknown = match node {
            Expr::Value => Some(iteration.map_or(Unknown::Value, |iteration| Unknown::Feature(iteration.index))),
            Expr::Duration => Some(Unknown::Duration),
            Expr::Feature(index) => Some(Unknown::Feature(*index)),
            Expr::Kind(kind) => domain.outputs(Some(*kind)).first().copied().map(Unknown::Feature),
            // With several kinds on one feature, which of them was set last is not told.
            Expr::Is(_) => {
                told &= match iteration {
                    Some(iteration) => iteration.kind.is_some() || kinds_of(domain, iteration.index).count() == 1,
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
