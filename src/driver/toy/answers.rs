//! What a toy answers when it is asked: bytes that make sense to whoever reads them by the definition.
//!
//! The answers that the definition's own examples show are the natural ones; where no example shows one it is zeros.
//! What of them the definition would not accept is changed until it does, see [`super::search`].

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::library::{
    Definition, Model, definition::IdentifyForm, definition::InputRule, template::Expression, template::Step,
};
use crate::link::Notification;
use crate::types::{Endpoint, InputKind};

use super::CHARGE;
use super::decoding::Situation;
use super::natural::natural;
use super::search::{Found, Search};

/// Length of an answer of which nothing is known: a Bluetooth notification of the usual size.
const LENGTH: usize = 20;

/// Bytes by their name in the steps.
pub(super) type Buffers = BTreeMap<String, Vec<u8>>;

/// The bytes that read as this identifier; `None` when there are none.
#[must_use]
pub fn identifier_bytes(form: &IdentifyForm, identifier: &str) -> Option<Vec<u8>> {
    match form {
        IdentifyForm::Text => Some(identifier.as_bytes().to_vec()),
        IdentifyForm::Hex => hex::decode(identifier).ok(),
        IdentifyForm::U32Be => Some(identifier.parse::<u32>().ok()?.to_be_bytes().to_vec()),
        IdentifyForm::Part(split, part) => {
            let before = part.checked_sub(1)?;
            // A separator within the identifier would cut it.
            (!identifier.contains(split.as_str())).then(|| format!("{}{identifier}", split.repeat(before)).into_bytes())
        }
    }
}

/// Steps that the hardware answers, and the answers.
pub(super) struct Script {
    /// The steps, whatever they are done for: a toy is ready for all of them.
    pub(super) steps: Vec<Step>,
    /// The answer to each step that has one.
    answers: Answers,
    /// The bytes that are known after the last step.
    pub(super) buffers: Buffers,
    /// Conditions that no answer satisfies.
    pub(super) unmet: Vec<String>,
}

/// One for each step; `None` for steps without an answer.
pub(super) type Answers = Vec<Option<Vec<u8>>>;

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Script({} steps)", self.steps.len())
    }
}

impl Script {
    /// What the hardware says between the step at `at` and the next one that has it wait.
    pub(super) fn said_after(&self, at: usize) -> Vec<Notification> {
        let after = self.steps.iter().zip(&self.answers).skip(at + 1);
        after
            .take_while(|(step, _)| !matches!(step, Step::Write(_) | Step::Subscribe(_)))
            .filter_map(|(step, answer)| match step {
                Step::Wait { endpoint, .. } | Step::Maybe { endpoint, .. } => {
                    Some(Notification { endpoint: *endpoint, data: answer.clone()? })
                }
                _ => None,
            })
            .collect()
    }

    /// The value that the first step which reads this endpoint gets.
    pub(super) fn value_of(&self, wanted: Endpoint) -> Option<Vec<u8>> {
        self.steps.iter().zip(&self.answers).find_map(|(step, answer)| match step {
            Step::Read { endpoint, .. } if *endpoint == wanted => answer.clone(),
            _ => None,
        })
    }
}

/// The answers of a connect sequence.
pub(super) fn connecting(definition: &Definition, model: &Model) -> Script {
    script(&definition.connect, true, Vec::new(), &Buffers::new(), definition, model)
}

/// The answers of every input.
pub(super) fn measuring(definition: &Definition, model: &Model, connected: &Buffers) -> Vec<Script> {
    let rules = definition.inputs.iter().filter_map(|(kind, rule)| {
        let (steps, value) = match rule {
            InputRule::Read { steps, value } => (steps.clone(), value),
            InputRule::Stream { endpoint, when, value } => (listening(*endpoint, when.as_ref()), value),
        };
        let inputs = model.inputs().filter(|(_, input)| input.kind == *kind);
        let values: Vec<_> = inputs
            .map(|(feature, input)| {
                let wanted = match kind {
                    InputKind::Battery => f64::from(CHARGE),
                    _ => f64::from(input.min) + (f64::from(input.max) - f64::from(input.min)) / 2.0,
                };
                Value { feature, expression: value, wanted: wanted.trunc() }
            })
            .collect();
        (!values.is_empty()).then(|| script(&steps, false, values, connected, definition, model))
    });
    rules.collect()
}

/// A stream as steps: the hardware answers a subscribe with one notification that counts.
fn listening(endpoint: Endpoint, when: Option<&Expression>) -> Vec<Step> {
    let (limit, name, when) = (Duration::from_secs(1), Some("b".to_owned()), when.cloned());
    vec![Step::Subscribe(endpoint), Step::Wait { endpoint, limit, name, when }]
}

/// What of a script's answers is the value of an input, and what it is to come to.
pub(super) struct Value<'a> {
    pub(super) feature: u32,
    pub(super) expression: &'a Expression,
    pub(super) wanted: f64,
}

fn script(
    steps: &[Step],
    connecting: bool,
    values: Vec<Value<'_>>,
    known: &Buffers,
    definition: &Definition,
    model: &Model,
) -> Script {
    let situation = Situation::new(definition, model, known);
    let search = Search { steps, values, situation: &situation, known };
    let shown = natural(steps, connecting, &situation, definition, model);
    let Found { answers, buffers, unmet } = search.best(&[complete(steps, shown), complete(steps, Vec::new())]);
    Script { steps: steps.iter().map(|step| step.unconditional().clone()).collect(), answers, buffers, unmet }
}

/// Zeros where a step has an answer and none is known.
fn complete(steps: &[Step], shown: Answers) -> Answers {
    let mut shown = shown.into_iter();
    let answers = steps.iter().map(|step| {
        let shown = shown.next().flatten();
        let answers = matches!(step.unconditional(), Step::Wait { .. } | Step::Maybe { .. } | Step::Read { .. });
        answers.then(|| shown.unwrap_or_else(|| vec![0; LENGTH]))
    });
    answers.collect()
}
