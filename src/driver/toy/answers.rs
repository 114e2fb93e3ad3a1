//! What a toy answers when it is asked: bytes that make sense to whoever reads them by the definition.

use std::collections::BTreeMap;
use std::fmt;

use crate::library::{
    Definition, Model, definition::IdentifyForm, definition::InputRule, template::Expression, template::Step,
};
use crate::types::InputKind;

use super::CHARGE;
use super::decoding::{Moment, Situation};

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
    pub(super) steps: Vec<Step>,
    pub(super) buffers: Buffers,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Script({} steps)", self.steps.len())
    }
}

/// The answers of a connect sequence: zeros, except where the steps expect something else.
pub(super) fn connecting(definition: &Definition, model: &Model) -> Script {
    script(&definition.connect, None, &Buffers::new(), definition, model)
}

/// The answers of every input that is asked for by steps.
pub(super) fn measuring(definition: &Definition, model: &Model, connected: &Buffers) -> Vec<Script> {
    let asked = definition.inputs.iter().filter_map(|(kind, rule)| match rule {
        InputRule::Read { steps, value } => Some((*kind, steps, value)),
        InputRule::Stream { .. } => None,
    });
    asked
        .filter_map(|(kind, steps, value)| {
            let (_, input) = model.inputs().find(|(_, input)| input.kind == kind)?;
            let wanted = match kind {
                InputKind::Battery => f64::from(CHARGE),
                _ => f64::from(input.min) + (f64::from(input.max) - f64::from(input.min)) / 2.0,
            };
            Some(script(steps, Some((value, wanted.trunc())), connected, definition, model))
        })
        .collect()
}

fn script(
    steps: &[Step],
    value: Option<(&Expression, f64)>,
    known: &Buffers,
    definition: &Definition,
    model: &Model,
) -> Script {
    // A toy is ready for every step, whatever it is done for.
    let steps: Vec<Step> = steps.iter().map(|step| step.unconditional().clone()).collect();
    let mut buffers = known.clone();
    let mut own = Vec::new();
    for step in &steps {
        if let Step::Wait { name: Some(name), .. }
        | Step::Maybe { name: Some(name), .. }
        | Step::Read { name: Some(name), .. } = step
        {
            buffers.insert(name.clone(), vec![0; LENGTH]);
            own.push(name.clone());
        }
    }
    let mut wishes: Vec<Wish<'_>> = Vec::new();
    let expected = steps.iter().filter_map(|step| match step {
        Step::Expect(condition) => Some((condition, None)),
        _ => None,
    });
    for wish in expected.chain(value.map(|(value, wanted)| (value, Some(wanted)))) {
        wishes.push(wish);
        let granted = |buffers: &Buffers| {
            let situation = Situation::new(definition, model, buffers);
            let moment = Moment::idle(&situation);
            wishes.iter().all(|(expression, wanted)| {
                let value = expression.value(&moment).ok();
                match wanted {
                    Some(wanted) => value.map(f64::trunc) == Some(*wanted),
                    None => value.is_some_and(|value| value != 0.0),
                }
            })
        };
        if !granted(&buffers)
            && let Some(better) = own.iter().rev().find_map(|name| vary(&buffers, name, &granted))
        {
            buffers = better;
        }
    }
    Script { steps, buffers }
}

/// An expression and what it must come to; `None` is anything but 0.
type Wish<'a> = (&'a Expression, Option<f64>);

/// Changes the length or one byte of a buffer until it is right. Answers that want more than that stay zeros: the
/// server then says what it missed, and the definition's own examples show what the hardware would have said.
fn vary(buffers: &Buffers, name: &str, granted: &dyn Fn(&Buffers) -> bool) -> Option<Buffers> {
    let now = buffers.get(name)?;
    let lengths = (1..=2 * LENGTH).map(|length| {
        let mut bytes = now.clone();
        bytes.resize(length, 0);
        bytes
    });
    let bytes = (0..now.len()).flat_map(|at| {
        (1..=u8::MAX).map(move |byte| {
            let mut bytes = now.clone();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes
        })
    });
    bytes.chain(lengths).find_map(|bytes| {
        let mut changed = buffers.clone();
        changed.insert(name.to_owned(), bytes);
        granted(&changed).then_some(changed)
    })
}
