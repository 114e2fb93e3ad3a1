//! Every model as Markdown: `docs/devices.md`.

use super::row::row;
use crate::library::{Definition, Model};

/// A table for each protocol, in the order of their names.
pub(super) fn page(found: &[(&Definition, &Model)]) -> String {
    let mut text = "# Known devices\n\n\
        `hapticd devices --markdown` has written this. Outputs are written as in `devices.toml`: the feature, its output, and the steps \
        that the hardware has.\n"
        .to_owned();
    let mut found = found.to_vec();
    found.sort_by(|(one, _), (other, _)| one.protocol.cmp(&other.protocol));
    let mut protocol = "";
    for (definition, model) in found {
        if definition.protocol != protocol {
            protocol = &definition.protocol;
            text += &format!("\n## {} (`{protocol}`)\n\n", cell(&definition.name));
            text += "| model | bus | outputs and inputs | identifiers |\n|---|---|---|---|\n";
        }
        let [name, _, buses, does, identifiers] = row(definition, model).map(|text| cell(&text));
        text += &format!("| {name} | {buses} | {does} | {identifiers} |\n");
    }
    text
}

/// Text that ends no cell and means nothing else in Markdown.
fn cell(text: &str) -> String {
    let mut cell = String::new();
    for character in text.chars() {
        if matches!(character, '|' | '*' | '_' | '`' | '<' | '[' | '\\') {
            cell.push('\\');
        }
        cell.push(character);
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Library;

    #[test]
    fn the_list_in_the_manual_is_the_newest() {
        let library = Library::load(&[], &crate::driver::names());
        let found: Vec<_> = library
            .definitions()
            .iter()
            .flat_map(|definition| definition.all_models().map(move |model| (&**definition, model)))
            .collect();
        let newest = page(&found);
        let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/devices.md");
        let is_newest = std::fs::read_to_string(manual).is_ok_and(|manual| manual == newest);
        assert!(is_newest, "docs/devices.md is stale: hapticd devices --markdown > docs/devices.md");
    }

    #[test]
    fn no_name_breaks_a_table() {
        assert_eq!(cell("a|b *c* `d` <e>"), "a\\|b \\*c\\* \\`d\\` \\<e>");
    }
}
