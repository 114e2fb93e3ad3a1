//! The responses that a definition's own examples show.

use crate::conformance::{Exchange, conversations};
use crate::library::{Definition, Model, definition::Example, template::Expression, template::Step};
use crate::link::{Notification, Operation};

use super::context::{DeviceContext, EvalContext};
use super::script::{Responses, remember};

/// The responses of the example that shows most of them: of this model, or else of another.
pub(super) fn shown_in_examples(
    steps: &[Step],
    connecting: bool,
    context: &DeviceContext<'_>,
    definition: &Definition,
    model: &Model,
) -> Responses {
    let own = |name: Option<&str>| definition.model(name).name == model.name;
    let (own, others): (Vec<_>, Vec<_>) = definition.examples.iter().partition(|example| own(example.model.as_deref()));
    let shown = |responses: &Responses| responses.iter().flatten().count();
    let best = |examples: Vec<&Example>| {
        let mut best = Responses::new();
        for example in examples {
            let conversations = conversations(example);
            let (first, commands) = conversations.split_at(1.min(conversations.len()));
            for exchanges in if connecting { first } else { commands } {
                let found = follow(steps, exchanges, context);
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
fn follow(steps: &[Step], exchanges: &[Exchange], context: &DeviceContext<'_>) -> Responses {
    let mut known = context.buffers.clone();
    let mut rest = exchanges.iter();
    let mut heard: Vec<&Notification> = Vec::new();
    let mut responses = Responses::new();
    for step in steps.iter().map(Step::unconditional) {
        let now = context.with(&known);
        let mut response = None;
        match step {
            Step::Wait { endpoint, name, when, .. } | Step::Maybe { endpoint, name, when, .. } => {
                let counts = |notification: &Notification| {
                    let mut buffers = known.clone();
                    buffers.insert(name.as_deref().unwrap_or("b").to_owned(), notification.data.clone());
                    let then = context.with(&buffers);
                    let holds = |when: &Expression| when.holds(&EvalContext::idle(&then, 0));
                    notification.endpoint == *endpoint && when.as_ref().is_none_or(|when| holds(when) == Ok(true))
                };
                if let Some(at) = heard.iter().position(|notification| counts(notification)) {
                    response = heard.drain(..=at).next_back().map(|notification| notification.data.clone());
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
                    response = exchange.value.clone().filter(|_| matches!(step, Step::Read { .. }));
                }
            }
        }
        remember(&mut known, step, response.as_deref());
        responses.push(response);
    }
    responses
}

/// Whether this is the exchange of a step.
fn is_of(step: &Step, exchange: &Exchange, now: &DeviceContext<'_>) -> bool {
    match (step, &exchange.done) {
        (Step::Write(line), Operation::Write(packet)) => now.is_step(line, packet.endpoint, &packet.data),
        (Step::Subscribe(of), Operation::Subscribe(at))
        | (Step::Unsubscribe(of), Operation::Unsubscribe(at))
        | (Step::Read { endpoint: of, .. }, Operation::Read(at)) => of == at,
        _ => false,
    }
}
