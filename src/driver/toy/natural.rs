//! The answers that a definition's own examples show.

use crate::driver::{example::Exchange, example::conversations};
use crate::library::{Definition, Model, definition::Example, template::Expression, template::Step};
use crate::link::{Notification, Operation};

use super::answers::{Answers, Buffers};
use super::decoding::{Moment, Situation};

/// The answers of the example that shows most of them: of this model, or else of another.
pub(super) fn natural(
    steps: &[Step],
    connecting: bool,
    situation: &Situation<'_>,
    definition: &Definition,
    model: &Model,
) -> Answers {
    let own = |name: Option<&str>| definition.model(name).name == model.name;
    let (own, others): (Vec<_>, Vec<_>) = definition.examples.iter().partition(|example| own(example.model.as_deref()));
    let shown = |answers: &Answers| answers.iter().flatten().count();
    let best = |examples: Vec<&Example>| {
        let mut best = Answers::new();
        for example in examples {
            let conversations = conversations(example);
            let (first, commands) = conversations.split_at(1.min(conversations.len()));
            for exchanges in if connecting { first } else { commands } {
                let found = follow(steps, exchanges, situation);
                if shown(&found) > shown(&best) {
                    best = found;
                }
            }
        }
        best
    };
    let found = best(own);
    if shown(&found) > 0 { found } else { best(others) }
}

/// Goes through the steps beside a conversation.
fn follow(steps: &[Step], exchanges: &[Exchange], situation: &Situation<'_>) -> Answers {
    let mut known = situation.buffers().clone();
    let mut rest = exchanges.iter();
    let mut heard: Vec<&Notification> = Vec::new();
    let mut answers = Answers::new();
    for step in steps.iter().map(Step::unconditional) {
        let now = situation.with(&known);
        let mut answer = None;
        match step {
            Step::Wait { endpoint, name, when, .. } | Step::Maybe { endpoint, name, when, .. } => {
                let counts = |notification: &Notification| {
                    let mut buffers = known.clone();
                    buffers.insert(name.as_deref().unwrap_or("b").to_owned(), notification.data.clone());
                    let then = situation.with(&buffers);
                    let holds = |when: &Expression| when.holds(&Moment::idle(&then, 0));
                    notification.endpoint == *endpoint && when.as_ref().is_none_or(|when| holds(when) == Ok(true))
                };
                if let Some(at) = heard.iter().position(|notification| counts(notification)) {
                    answer = heard.drain(..=at).next_back().map(|notification| notification.data.clone());
                }
            }
            _ => {
                // A step that is left out, or that the example leaves out, has no exchange.
                let found = rest.clone().position(|exchange| is_of(step, exchange, &now));
                if let Some(exchange) = found.and_then(|at| rest.nth(at)) {
                    if matches!(step, Step::Write(_) | Step::Subscribe(_)) {
                        heard.clear();
                    }
                    heard.extend(&exchange.said);
                    answer = exchange.value.clone().filter(|_| matches!(step, Step::Read { .. }));
                }
            }
        }
        remember(&mut known, step, answer.as_deref());
        answers.push(answer);
    }
    answers
}

/// Keeps the answer of a step under the name that the step gives it.
pub(super) fn remember(known: &mut Buffers, step: &Step, answer: Option<&[u8]>) {
    if let Step::Wait { name: Some(name), .. }
    | Step::Maybe { name: Some(name), .. }
    | Step::Read { name: Some(name), .. } = step
    {
        known.insert(name.clone(), answer.unwrap_or_default().to_vec());
    }
}

/// Whether this is the exchange of a step.
fn is_of(step: &Step, exchange: &Exchange, now: &Situation<'_>) -> bool {
    match (step, &exchange.done) {
        (Step::Write(line), Operation::Write(packet)) => now.is_step(line, packet.endpoint, &packet.data),
        (Step::Subscribe(of), Operation::Subscribe(at))
        | (Step::Unsubscribe(of), Operation::Unsubscribe(at))
        | (Step::Read { endpoint: of, .. }, Operation::Read(at)) => of == at,
        _ => false,
    }
}
