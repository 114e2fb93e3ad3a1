//! Checks that a definition works before anything is driven by it: every value of every output has bytes, and every
//! example comes out as written.

use std::sync::Arc;
use std::time::Duration;

use crate::library::{Definition, Library, Matcher, Model, OutputSpec, Problem};
use crate::link::{Deadlines, LinkInfo, pair};
use crate::message::Output;

use super::{Batch, Change, Levels};

/// Values tried of a range: all of a small one, evenly spread and both ends of a large one.
const TRIED: i32 = 2000;

/// Everything that is wrong with a library: what could not be read, what has no bytes, what its examples contradict.
pub async fn library(library: &Library) -> Vec<Problem> {
    let mut problems = library.problems().to_vec();
    for definition in library.definitions() {
        let file = format!("device-config/{}.toml", definition.protocol);
        let mut found = values(definition);
        found.extend(super::example::run_all(definition).await);
        if definition.examples.is_empty() {
            found.push(Problem::whole("there is no [[example]]; a definition shows its bytes"));
        }
        problems.extend(found.into_iter().map(|problem| problem.in_file(&file)));
    }
    problems
}

/// Encodes every value of every output of every model, beside other outputs at rest and at their greatest.
#[must_use]
pub fn values(definition: &Arc<Definition>) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    for model in definition.all_models() {
        if let Err(reason) = model_values(definition, model) {
            problems.push(Problem::whole(format!("{:?}: {reason}", model.name)));
        }
    }
    problems
}

fn model_values(definition: &Arc<Definition>, model: &Model) -> Result<(), String> {
    let info = LinkInfo {
        endpoints: definition.matchers.iter().flat_map(Matcher::endpoints).collect(),
        gap: Duration::ZERO,
        deadlines: Deadlines::default(),
        scripted: true,
    };
    let (link, _end) = pair(info);
    let mut driver = super::of(definition).open(definition, &Arc::new(model.clone()), &link);
    let mut full = Levels::new(model);
    for (feature, output) in model.outputs() {
        full.set(feature, output.kind, output.max);
    }
    for beside in [Levels::new(model), full] {
        for (feature, output) in model.outputs() {
            for (value, duration_ms) in tried(output) {
                let mut levels = beside.clone();
                levels.set(feature, output.kind, value);
                let output = Output { kind: output.kind, value, duration_ms };
                let changes = [Change { feature, output, previous: 0 }];
                let batch = Batch { changes: &changes, levels: &levels, stop: false };
                driver.encode(&batch).map_err(|error| {
                    format!("{} {value} on feature {feature} has no bytes: {error}", output.kind.key())
                })?;
            }
        }
    }
    Ok(())
}

fn tried(output: OutputSpec) -> impl Iterator<Item = (i32, u32)> {
    let step = ((output.max - output.min) / TRIED).max(1);
    let (shortest, longest) = output.duration_ms.unwrap_or((0, 0));
    let ends = [(output.min, longest), (output.max, shortest), (output.max, longest), (output.max, 1000)];
    let step = usize::try_from(step).unwrap_or(1);
    (output.min..=output.max).step_by(step).map(move |value| (value, shortest)).chain(ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every built-in definition: it reads, every value has bytes, every example comes out as written.
    #[tokio::test]
    async fn built_in_definitions() {
        let built_in = Library::load(&[], &super::super::names());
        let problems: Vec<_> = library(&built_in).await.iter().map(ToString::to_string).collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        assert!(built_in.definitions().len() >= 12);
    }
}
