//! The options of the command, and what it finds.

use clap::Args;
use console::{Alignment, measure_text_width, pad_str};

use super::markdown;
use super::row::{buses, row};
use crate::cli::exit_error::ExitError;
use crate::cli::output::print;
use crate::cli::settings_args::SettingsArgs;
use crate::cli::simulate::model_lookup;
use crate::library::{Definition, Model};

/// Options of `devices`.
#[derive(Debug, Args)]
pub struct DevicesArgs {
    #[command(flatten)]
    pub(in crate::cli) settings: SettingsArgs,
    /// Only models whose name, protocol, identifier or bus contains this
    text: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Tables in Markdown, one for each protocol (docs/devices.md is made by this)
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

pub(in crate::cli) fn run(args: &DevicesArgs) -> Result<(), ExitError> {
    let settings = args.settings.load(&[])?;
    let library = crate::server::library(&settings)?;
    let wanted = args.text.as_deref().unwrap_or("").to_lowercase();
    let all = library.definitions().iter();
    let all = all.flat_map(|definition| definition.all_models().map(move |model| (definition.as_ref(), model)));
    let found: Vec<_> = all.filter(|(definition, model)| matches(definition, model, &wanted)).collect();
    if found.is_empty() {
        let text = args.text.as_deref().unwrap_or("");
        let near = model_lookup::near(&library, &wanted).map(|near| format!("; {near}")).unwrap_or_default();
        return Err(ExitError::Runtime(format!(
            "no known model has {text:?} in its name, protocol, identifiers or bus{near}"
        )));
    }
    if args.markdown {
        print(&markdown::page(&found));
    } else if args.json {
        found.iter().for_each(|(definition, model)| print(&json(definition, model)));
    } else {
        let rows: Vec<_> = found.iter().map(|(definition, model)| row(definition, model)).collect();
        print(&table(&rows));
    }
    Ok(())
}

fn matches(definition: &Definition, model: &Model, wanted: &str) -> bool {
    let words = [&definition.protocol, &definition.name, &model.name];
    let named = words.into_iter().chain(&model.ids).any(|word| word.to_lowercase().contains(wanted));
    named || buses(definition).iter().any(|bus| bus.contains(wanted))
}

/// The columns. What is longest stands last.
const HEADING: [&str; 5] = ["MODEL", "PROTOCOL", "BUS", "OUTPUTS AND INPUTS", "IDENTIFIERS"];

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
