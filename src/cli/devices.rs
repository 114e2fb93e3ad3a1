//! `hapticd devices [TEXT]`: which models are known?

use clap::Args;
use console::{Alignment, measure_text_width, pad_str};

use super::exit_error::ExitError;
use super::output::print;
use super::settings_args::SettingsArgs;
use super::simulate::model_lookup;
use crate::library::{Definition, Matcher, Model};

/// Options of `devices`.
#[derive(Debug, Args)]
pub struct DevicesArgs {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    /// Only models whose name, protocol or identifier contains this
    text: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &DevicesArgs) -> Result<(), ExitError> {
    let settings = args.settings.load(&[])?;
    let library = crate::server::library(&settings)?;
    let wanted = args.text.as_deref().unwrap_or("").to_lowercase();
    let all = library.definitions().iter();
    let all = all.flat_map(|definition| definition.all_models().map(move |model| (definition, model)));
    let found: Vec<_> = all.filter(|(definition, model)| matches(definition, model, &wanted)).collect();
    if found.is_empty() {
        let text = args.text.as_deref().unwrap_or("");
        let near = model_lookup::near(&library, &wanted).map(|near| format!("; {near}")).unwrap_or_default();
        return Err(ExitError::Runtime(format!(
            "no known model has {text:?} in its name, protocol or identifiers{near}"
        )));
    }
    if args.json {
        found.iter().for_each(|(definition, model)| print(&json(definition, model)));
    } else {
        let rows: Vec<_> = found.iter().map(|(definition, model)| row(definition, model)).collect();
        print(&table(&rows));
    }
    Ok(())
}

fn matches(definition: &Definition, model: &Model, wanted: &str) -> bool {
    let words = [&definition.protocol, &definition.name, &model.name];
    words.into_iter().chain(&model.ids).any(|word| word.to_lowercase().contains(wanted))
}

fn buses(definition: &Definition) -> Vec<&'static str> {
    let mut buses = Vec::new();
    for bus in definition.matchers.iter().map(|matcher| Matcher::bus(matcher).name()) {
        if !buses.contains(&bus) {
            buses.push(bus);
        }
    }
    buses
}

/// The columns. What is longest stands last.
const HEADING: [&str; 5] = ["MODEL", "PROTOCOL", "BUS", "OUTPUTS AND INPUTS", "IDENTIFIERS"];

fn row(definition: &Definition, model: &Model) -> [String; 5] {
    // Written as in the file of known devices, where limits are set.
    let outputs = model.outputs().map(|(feature, output)| {
        let (key, min, max) = (output.kind.key(), output.min, output.max);
        format!("{feature}.{key} {min}..{max}")
    });
    let inputs = model.inputs().map(|(feature, input)| format!("{feature}.{}", input.kind.key()));
    let does: Vec<_> = outputs.chain(inputs).collect();
    let (buses, identifiers) = (buses(definition).join("+"), model.ids.join(", "));
    let cells = [model.name.clone(), definition.protocol.clone(), buses, does.join(", "), identifiers];
    cells.map(|cell| if cell.is_empty() { "-".to_owned() } else { cell })
}

/// Each column as wide as its longest text, the last as it is.
fn table(rows: &[[String; 5]]) -> String {
    let heading = HEADING.map(str::to_owned);
    let all = || std::iter::once(&heading).chain(rows);
    let mut widths = [0_usize; 5];
    for row in all() {
        for (width, text) in widths.iter_mut().zip(row) {
            *width = (*width).max(measure_text_width(text));
        }
    }
    let line = |row: &[String; 5]| {
        let cells: Vec<_> =
            row.iter().zip(widths).map(|(text, width)| pad_str(text, width, Alignment::Left, None)).collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    all().map(line).collect()
}

fn json(definition: &Definition, model: &Model) -> String {
    let outputs = model.outputs().map(|(feature, output)| {
        serde_json::json!({
            "feature": feature, "output": output.kind.key(), "min": output.min, "max": output.max,
            "duration_ms": output.duration_ms,
        })
    });
    let inputs = model.inputs().map(|(feature, input)| {
        serde_json::json!({ "feature": feature, "input": input.kind.key(), "min": input.min, "max": input.max })
    });
    let object = serde_json::json!({
        "name": model.name, "protocol": definition.protocol, "identifiers": model.ids, "buses": buses(definition),
        "outputs": outputs.collect::<Vec<_>>(), "inputs": inputs.collect::<Vec<_>>(),
    });
    format!("{object}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_long_text_breaks_a_column() {
        let row = |texts: [&str; 5]| texts.map(str::to_owned);
        let long = "a-name-that-is-a-great-deal-longer-than-any-column-that-somebody-would-have-drawn-for-it";
        let text = table(&[row(["Ä", "p", "btle", "0.vibrate 0..9", "x, y"]), row([long, long, "b", long, "-"])]);
        let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
        for word in HEADING {
            let begins = text.find(word).unwrap();
            for line in &lines[1..] {
                assert!(line[begins] != ' ' && (begins == 0 || line[begins - 2..begins] == [' ', ' ']), "{text}");
            }
        }
    }
}
