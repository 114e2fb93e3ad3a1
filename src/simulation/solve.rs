//! Finds the values that satisfy every constraint a packet puts on them.

use std::collections::{BTreeMap, BTreeSet};

use super::constraint::{Assignment, Constraint, Domain, Target, Unknown};

/// Candidates tried for one unknown, or combinations for several that hang together; beyond, a check is left out.
const MAX_TRIES: u64 = 200_000;

/// The values an unknown may still have, in order.
enum Candidates {
    Range(i64, i64),
    List(Vec<i64>),
}

impl Candidates {
    fn count(&self) -> u64 {
        match self {
            Self::Range(low, high) if low > high => 0,
            Self::Range(low, high) => high.abs_diff(*low).saturating_add(1),
            Self::List(values) => values.len() as u64,
        }
    }

    fn iter(&self) -> Box<dyn Iterator<Item = i64> + '_> {
        match self {
            Self::Range(low, high) => Box::new(*low..=*high),
            Self::List(values) => Box::new(values.iter().copied()),
        }
    }

    fn narrow(&mut self, value: i64) {
        let allowed = match self {
            Self::Range(low, high) => *low <= value && value <= *high,
            Self::List(values) => values.contains(&value),
        };
        *self = Self::List(if allowed { vec![value] } else { Vec::new() });
    }
}

/// The smallest values that satisfy the constraints; `None` when there are none. Every constraint has an unknown.
pub(super) fn solve(constraints: &[Constraint<'_>], domain: &dyn Domain) -> Option<BTreeMap<Unknown, i64>> {
    let mut candidates = BTreeMap::new();
    for unknown in constraints.iter().flat_map(|constraint| &constraint.unknowns) {
        let (low, high) = domain.range(*unknown)?;
        candidates.entry(*unknown).or_insert(Candidates::Range(low, high));
    }
    let mut assignment = Assignment::new(domain);
    let mut told = BTreeSet::new();

    // Plain values first: they leave one candidate, and trying it is all that is left for every other constraint.
    for constraint in constraints {
        if let (Some(unknown), Target::Number(value)) = (constraint.plain(), constraint.wanted) {
            candidates.get_mut(&unknown)?.narrow(value);
            told.insert(unknown);
        }
    }
    for constraint in constraints.iter().filter(|constraint| constraint.unknowns.len() == 1) {
        let unknown = *constraint.unknowns.first()?;
        let remaining = candidates.get_mut(&unknown)?;
        if remaining.count() > MAX_TRIES {
            continue;
        }
        let fits = |value: &i64| {
            assignment.values.insert(unknown, *value);
            constraint.holds(&assignment)
        };
        *remaining = Candidates::List(remaining.iter().filter(fits).collect());
        assignment.values.remove(&unknown);
        if matches!(constraint.wanted, Target::Number(_)) {
            told.insert(unknown);
        }
    }

    let mut solution: BTreeMap<Unknown, i64> = BTreeMap::new();
    for (unknown, remaining) in &candidates {
        solution.insert(*unknown, remaining.iter().next()?);
    }
    for group in groups(constraints) {
        let unknowns: BTreeSet<Unknown> = group.iter().flat_map(|constraint| constraint.unknowns.clone()).collect();
        let mut search = Search::new(&group, &unknowns, &candidates, domain);
        match search.descend(0) {
            Outcome::Impossible => return None,
            Outcome::GaveUp => {}
            Outcome::Found => {
                solution.extend(search.assignment.values);
                let items = group.iter().filter(|constraint| matches!(constraint.wanted, Target::Number(_)));
                told.extend(items.flat_map(|constraint| &constraint.unknowns));
            }
        }
    }
    solution.retain(|unknown, _| told.contains(unknown));
    Some(solution)
}

/// Constraints on several unknowns, put together where they share one. Groups are solved apart from each other, so
/// that combinations multiply only where they must.
fn groups<'c, 'l>(constraints: &'c [Constraint<'l>]) -> Vec<Vec<&'c Constraint<'l>>> {
    let mut groups: Vec<Vec<&Constraint<'_>>> = Vec::new();
    for constraint in constraints.iter().filter(|constraint| constraint.unknowns.len() > 1) {
        let mut merged = vec![constraint];
        let mut apart = Vec::new();
        for group in groups {
            if group.iter().any(|other| !other.unknowns.is_disjoint(&constraint.unknowns)) {
                merged.extend(group);
            } else {
                apart.push(group);
            }
        }
        apart.push(merged);
        groups = apart;
    }
    groups
}

enum Outcome {
    Found,
    Impossible,
    GaveUp,
}

/// One unknown of a search, and what can be checked once it and all before it have a value.
struct Level<'s, 'c, 'l> {
    unknown: Unknown,
    candidates: &'s Candidates,
    checks: Vec<&'c Constraint<'l>>,
}

struct Search<'s, 'c, 'l> {
    levels: Vec<Level<'s, 'c, 'l>>,
    assignment: Assignment<'s>,
    tries: u64,
}

impl<'s, 'c, 'l> Search<'s, 'c, 'l> {
    fn new(
        group: &[&'c Constraint<'l>],
        unknowns: &BTreeSet<Unknown>,
        candidates: &'s BTreeMap<Unknown, Candidates>,
        domain: &'s dyn Domain,
    ) -> Self {
        // Unknowns with one candidate come first, where they cost one try each instead of one per combination. With
        // no choice among them, the rest is still walked from the smallest values up.
        let mut levels: Vec<Level<'_, '_, '_>> = unknowns
            .iter()
            .filter_map(|unknown| {
                let candidates = candidates.get(unknown)?;
                Some(Level { unknown: *unknown, candidates, checks: Vec::new() })
            })
            .collect();
        levels.sort_by_key(|level| level.candidates.count() > 1);
        for constraint in group {
            let last = levels.iter_mut().rev().find(|level| constraint.unknowns.contains(&level.unknown));
            if let Some(level) = last {
                level.checks.push(constraint);
            }
        }
        // Above the combinations there are at most as many tries again that lead to them, as every level branches.
        let tries = 2 * MAX_TRIES + levels.len() as u64;
        Self { levels, assignment: Assignment::new(domain), tries }
    }

    fn descend(&mut self, depth: usize) -> Outcome {
        let Some(level) = self.levels.get(depth) else {
            return Outcome::Found;
        };
        let (unknown, candidates) = (level.unknown, level.candidates);
        for value in candidates.iter() {
            if self.tries == 0 {
                return Outcome::GaveUp;
            }
            self.tries -= 1;
            self.assignment.values.insert(unknown, value);
            let fits = |level: &Level<'_, '_, '_>| level.checks.iter().all(|check| check.holds(&self.assignment));
            if self.levels.get(depth).is_some_and(fits) {
                match self.descend(depth + 1) {
                    Outcome::Impossible => {}
                    end => return end,
                }
            }
        }
        Outcome::Impossible
    }
}
