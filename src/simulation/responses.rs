//! What a simulated device answers when it is asked: bytes that make sense when they are read by the definition.
//!
//! The responses that the definition's own examples show are tried first; where no example shows one it is zeros.
//! What of them the definition would not accept is changed until it does, see [`super::search`].

use std::time::Duration;

use crate::library::{
    Definition, Model, definition::IdentifyForm, definition::InputRule, template::Expression, template::Step,
};
use crate::types::{Endpoint, InputKind};

use super::context::{Buffers, DeviceContext};
use super::examples::shown_in_examples;
use super::script::{Responses, Script};
use super::search::{Found, InputTarget, Search};
use crate::driver::simulated::CHARGE;

/// Length of a response of which nothing is known: a Bluetooth notification of the usual size.
const LENGTH: usize = 20;

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

/// The responses of a connect sequence.
pub(super) fn connecting(definition: &Definition, model: &Model) -> Script {
    script(&definition.connect, true, Vec::new(), &Buffers::new(), definition, model)
}

/// The responses of every input.
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
                InputTarget { feature, expression: value, wanted: wanted.trunc() }
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

fn script(
    steps: &[Step],
    connecting: bool,
    values: Vec<InputTarget<'_>>,
    known: &Buffers,
    definition: &Definition,
    model: &Model,
) -> Script {
    let context = DeviceContext::new(definition, model, known);
    let search = Search { steps, values, context: &context, known };
    let shown = shown_in_examples(steps, connecting, &context, definition, model);
    let Found { responses, buffers, unmet } = search.best(&[complete(steps, shown), complete(steps, Vec::new())]);
    Script { steps: steps.iter().map(|step| step.unconditional().clone()).collect(), responses, buffers, unmet }
}

/// Zeros where a step has an response and none is known.
fn complete(steps: &[Step], shown: Responses) -> Responses {
    let mut shown = shown.into_iter();
    let responses = steps.iter().map(|step| {
        let shown = shown.next().flatten();
        let responses = matches!(step.unconditional(), Step::Wait { .. } | Step::Maybe { .. } | Step::Read { .. });
        responses.then(|| shown.unwrap_or_else(|| vec![0; LENGTH]))
    });
    responses.collect()
}
