//! Looks for responses that a definition accepts: each `when` and `expect` holds, and inputs have the values that they
//! should have.
//!
//! Condition after condition is added. How far all of them are from holding is one distance, and one response after the
//! other, of each one byte after the other, is set to what brings it down most, until it is 0 or nothing helps. Where
//! conditions pull a byte in two directions, or several bytes make a number, it matters which counts more and where one
//! begins, so that both ways round are tried.

use crate::library::{template::Expression, template::Step};

use super::context::{Buffers, DeviceContext, EvalContext};
use super::distance::{distance_to, distances};
use super::script::{Responses, remember};

/// Longest response that is tried.
const LONGEST: usize = 40;
/// Rounds over all bytes; each but the last has to help.
const ROUNDS: usize = 12;

/// What of a script's responses is the value of an input, and what it is to come to.
pub(super) struct InputTarget<'a> {
    pub(super) feature: u32,
    pub(super) expression: &'a Expression,
    pub(super) wanted: f64,
}

/// The steps to which responses are looked for.
pub(super) struct Search<'a> {
    pub(super) steps: &'a [Step],
    /// What the responses are to come to.
    pub(super) values: Vec<InputTarget<'a>>,
    pub(super) context: &'a DeviceContext<'a>,
    /// The bytes that are known before.
    pub(super) known: &'a Buffers,
}

/// What a search comes to.
pub(super) struct Found {
    pub(super) responses: Responses,
    /// The bytes that are known after the last step.
    pub(super) buffers: Buffers,
    /// Conditions for which no response was found.
    pub(super) unmet: Vec<String>,
}

/// How the responses are varied.
#[derive(Clone, Copy)]
struct Strategy {
    /// How many of the conditions count.
    first: usize,
    /// Of conditions that contradict each other so far, the later ones count more.
    later: bool,
    /// The last byte is changed first.
    backward: bool,
}

impl Search<'_> {
    /// The best responses that are found from these, the first ones being the dearest.
    pub(super) fn best(&self, starts: &[Responses]) -> Found {
        let all = Strategy { first: usize::MAX, later: false, backward: false };
        let mut best: Option<(f64, Responses)> = None;
        for (start, later) in starts.iter().flat_map(|start| [(start, false), (start, true)]) {
            let responses = self.step_by_step(start.clone(), later);
            let distance = self.distance(&responses, all);
            if best.as_ref().is_none_or(|(least, _)| distance < *least) {
                best = Some((distance, responses));
            }
            if best.as_ref().is_some_and(|(least, _)| *least == 0.0) {
                break;
            }
        }
        let responses = best.map(|(_, responses)| responses).unwrap_or_default();
        let mut unmet = Vec::new();
        let buffers = self.walk(&responses, &mut |condition, far| {
            if far.iter().any(|distance| *distance > 0.0) {
                unmet.push(condition.source().to_owned());
            }
        });
        Found { responses, buffers, unmet }
    }

    /// Whether the server leaves a step out.
    fn left_out(&self, step: &Step, known: &Buffers) -> bool {
        let now = self.context.with(known);
        matches!(step, Step::If(condition, _) if condition.holds(&EvalContext::idle(&now, 0)) == Ok(false))
    }

    /// Adds one condition after the other.
    fn step_by_step(&self, mut responses: Responses, later: bool) -> Responses {
        for first in 1..=self.distances(&responses).len() {
            let mut least = self.distance(&responses, Strategy { first, later, backward: false });
            for backward in [false, true] {
                let strategy = Strategy { first, later, backward };
                let mut tried = responses.clone();
                self.improve(&mut tried, strategy);
                let distance = self.distance(&tried, strategy);
                if distance < least {
                    (least, responses) = (distance, tried);
                }
                if least == 0.0 {
                    break;
                }
            }
        }
        responses
    }

    fn improve(&self, responses: &mut Responses, strategy: Strategy) {
        let mut least = self.distance(responses, strategy);
        for _ in 0..ROUNDS {
            let before = least;
            // The later of two responses is mostly the one that carries what is asked for.
            for at in (0..responses.len()).rev() {
                let Some(length) = responses.get(at).and_then(|response| response.as_ref()).map(Vec::len) else {
                    continue;
                };
                for turn in 0..length {
                    let place = if strategy.backward { length - 1 - turn } else { turn };
                    self.change(
                        responses,
                        at,
                        strategy,
                        &mut least,
                        (0..=u8::MAX).map(|byte| move |bytes: &mut Vec<u8>| put(bytes, place, byte)),
                    );
                }
                let lengths = (1..=LONGEST).map(|length| move |bytes: &mut Vec<u8>| bytes.resize(length, 0));
                self.change(responses, at, strategy, &mut least, lengths);
            }
            if least == 0.0 || (least >= before && !self.nudge(responses, strategy, &mut least)) {
                return;
            }
        }
    }

    /// Moves one byte to its neighbour and sets another one to what helps most then: a number of several bytes may be
    /// just above or below the one that is looked for. Returns whether that helped.
    fn nudge(&self, responses: &mut Responses, strategy: Strategy, least: &mut f64) -> bool {
        let places = self.telling(responses, strategy);
        for (at, place) in &places {
            for neighbour in [u8::wrapping_sub, u8::wrapping_add] {
                let mut nudged = responses.clone();
                set(&mut nudged, *at, *place, |byte| neighbour(byte, 1));
                for (other_at, other) in places.iter().filter(|other| **other != (*at, *place)) {
                    let bytes = (0..=u8::MAX).map(|byte| move |bytes: &mut Vec<u8>| put(bytes, *other, byte));
                    let before = *least;
                    self.change(&mut nudged, *other_at, strategy, least, bytes);
                    if *least < before {
                        *responses = nudged;
                        return true;
                    }
                }
            }
        }
        false
    }

    /// The bytes that the conditions depend on: response and place.
    fn telling(&self, responses: &Responses, strategy: Strategy) -> Vec<(usize, usize)> {
        let now = self.distance(responses, strategy);
        let all = responses.iter().enumerate().flat_map(|(at, response)| {
            let length = response.as_ref().map_or(0, Vec::len);
            (0..length).map(move |place| (at, place))
        });
        let tells = |&(at, place): &(usize, usize)| {
            [0, 1, 0x55, 0xAA, u8::MAX].into_iter().any(|byte| {
                let mut changed = responses.clone();
                set(&mut changed, at, place, |_| byte);
                self.distance(&changed, strategy) != now
            })
        };
        all.filter(tells).collect()
    }

    /// Does the one of several changes to an response that helps most, if one helps.
    fn change<C: Fn(&mut Vec<u8>)>(
        &self,
        responses: &mut Responses,
        at: usize,
        strategy: Strategy,
        least: &mut f64,
        changes: impl Iterator<Item = C>,
    ) {
        if *least == 0.0 {
            return;
        }
        let Some(before) = responses.get(at).cloned().flatten() else { return };
        let mut best = before.clone();
        for change in changes {
            let mut changed = before.clone();
            change(&mut changed);
            let Some(place) = responses.get_mut(at) else { return };
            *place = Some(changed.clone());
            let distance = self.distance(responses, strategy);
            if distance < *least {
                (*least, best) = (distance, changed);
            }
        }
        if let Some(place) = responses.get_mut(at) {
            *place = Some(best);
        }
    }

    /// How far these responses are from being accepted.
    fn distance(&self, responses: &Responses, strategy: Strategy) -> f64 {
        let mut distances = self.distances(responses);
        distances.truncate(strategy.first);
        let last = distances.len().max(1) as f64;
        let weighed = distances.iter().enumerate().map(|(at, distance)| {
            let place = at as f64 / last;
            distance * (1.0 + if strategy.later { place } else { 1.0 - place })
        });
        weighed.sum()
    }

    /// How far each condition is from holding.
    fn distances(&self, responses: &Responses) -> Vec<f64> {
        let mut distances = Vec::new();
        let known = self.walk(responses, &mut |_, far| distances.extend(far));
        let end = self.context.with(&known);
        for InputTarget { feature, expression, wanted } in &self.values {
            distances.push(distance_to(expression, *wanted, &EvalContext::idle(&end, *feature)));
        }
        distances
    }

    /// Goes through the steps, tells the visitor how far each condition is from holding, and returns the bytes that are
    /// known in the end.
    fn walk(&self, responses: &Responses, visitor: &mut dyn FnMut(&Expression, Vec<f64>)) -> Buffers {
        let mut known = self.known.clone();
        for (step, response) in self.steps.iter().zip(responses) {
            let left_out = self.left_out(step, &known);
            let step = step.unconditional();
            let mut with = None;
            let asked = match step {
                Step::Wait { name, when: Some(when), .. } | Step::Maybe { name, when: Some(when), .. } => {
                    let mut buffers = known.clone();
                    buffers.insert(name.as_deref().unwrap_or("b").to_owned(), response.clone().unwrap_or_default());
                    with = Some(buffers);
                    Some(when)
                }
                Step::Expect(condition) => Some(condition),
                _ => None,
            };
            if let Some(asked) = asked {
                let far = self.far(asked, with.as_ref().unwrap_or(&known));
                // A condition that is left out has its place all the same: another response may bring it in.
                visitor(asked, far.into_iter().map(|distance| if left_out { 0.0 } else { distance }).collect());
            }
            if !left_out {
                remember(&mut known, step, response.as_deref());
            }
        }
        known
    }

    fn far(&self, condition: &Expression, known: &Buffers) -> Vec<f64> {
        let context = self.context.with(known);
        distances(condition, &EvalContext::idle(&context, 0))
    }
}

fn put(bytes: &mut [u8], place: usize, byte: u8) {
    if let Some(now) = bytes.get_mut(place) {
        *now = byte;
    }
}

fn set(responses: &mut Responses, at: usize, place: usize, byte: impl Fn(u8) -> u8) {
    let bytes = responses.get_mut(at).and_then(Option::as_mut);
    if let Some(now) = bytes.and_then(|bytes| bytes.get_mut(place)) {
        *now = byte(*now);
    }
}
