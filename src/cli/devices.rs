//! `hapticd devices [TEXT]`: which models are known?

use clap::Args;

use super::{Failure, SettingsArgs, print};
use crate::library::{Definition, Matcher, Model};

/// Options of `devices`.
#[derive(Debug, Args)]
pub struct DevicesArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Only models whose name, protocol or identifier contains this
    text: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &DevicesArgs) -> Result<(), Failure> {
    let settings = args.settings.load(&[])?;
    let library = super::library(&settings)?;
    let wanted = args.text.as_deref().unwrap_or("").to_lowercase();
    let mut found = 0_usize;
    for definition in library.definitions() {
        for model in definition.all_models().filter(|model| matches(definition, model, &wanted)) {
            found += 1;
            print(&if args.json { json(definition, model) } else { line(definition, model) });
        }
    }
    if found == 0 {
        let text = args.text.as_deref().unwrap_or("");
        return Err(Failure::Done(format!("no known model has {text:?} in its name, protocol or identifiers")));
    }
    Ok(())
}

fn matches(definition: &Definition, model: &Model, wanted: &str) -> bool {
    let words = [&definition.protocol, &definition.name, &model.name];
    words.into_iter().chain(&model.ids).any(|word| word.to_lowercase().contains(wanted))
}

fn buses(definition: &Definition) -> Vec<&'static str> {
    let mut buses: Vec<_> = definition.matchers.iter().map(|matcher| Matcher::bus(matcher).name()).collect();
    buses.dedup();
    buses
}

fn line(definition: &Definition, model: &Model) -> String {
    let outputs = model.outputs().map(|(_, output)| format!("{} {}..{}", output.kind.key(), output.min, output.max));
    let inputs = model.inputs().map(|(_, input)| input.kind.key().to_owned());
    let does: Vec<_> = outputs.chain(inputs).collect();
    let (name, protocol) = (&model.name, &definition.protocol);
    format!("{name:<36} {protocol:<14} {:<8} {}\n", buses(definition).join("+"), does.join(", "))
}

fn json(definition: &Definition, model: &Model) -> String {
    let outputs = model.outputs().map(|(feature, output)| {
        serde_json::json!({
            "feature": feature, "output": output.kind.name(), "min": output.min, "max": output.max,
            "duration_ms": output.duration_ms,
        })
    });
    let inputs = model.inputs().map(|(feature, input)| {
        serde_json::json!({ "feature": feature, "input": input.kind.name(), "min": input.min, "max": input.max })
    });
    let object = serde_json::json!({
        "name": model.name, "protocol": definition.protocol, "identifiers": model.ids, "buses": buses(definition),
        "outputs": outputs.collect::<Vec<_>>(), "inputs": inputs.collect::<Vec<_>>(),
    });
    format!("{object}\n")
}
