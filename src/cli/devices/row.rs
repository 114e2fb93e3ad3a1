//! What is said of a model: where it is found, what it can do.

use crate::library::{Definition, Matcher, Model};

/// The buses on which a protocol is found.
pub(super) fn buses(definition: &Definition) -> Vec<&'static str> {
    let mut buses = Vec::new();
    for bus in definition.matchers.iter().map(|matcher| Matcher::bus(matcher).name()) {
        if !buses.contains(&bus) {
            buses.push(bus);
        }
    }
    buses
}

/// A model in columns: name, protocol, bus, outputs and inputs, identifiers.
pub(super) fn row(definition: &Definition, model: &Model) -> [String; 5] {
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
