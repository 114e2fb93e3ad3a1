//! The JSON Schema of definitions, `schema/definition.json`, with which an editor completes and checks them. It is made from
//! the shape of the files ([`super::file_schema`]).

use schemars::JsonSchema;
use serde_json::Value;

use super::file_schema::{Extension, File};

/// A file of `device-config/`.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "only its schema is of use")]
enum Definition {
    File(Box<File>),
    Extension(Extension),
}

fn text() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(Definition)).unwrap() + "\n"
}

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str::<Value>(&text()).unwrap()).unwrap()
}

#[test]
fn the_copy_in_the_repository_is_the_newest() {
    let copy = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/definition.json");
    if std::fs::read_to_string(copy).is_ok_and(|copy| copy == text()) {
        return;
    }
    let newest = concat!(env!("CARGO_MANIFEST_DIR"), "/target/definition.json");
    std::fs::write(newest, text()).unwrap();
    panic!("schema/definition.json is stale: cp {newest} {copy}");
}

#[test]
fn every_definition_fits_it_and_names_it() {
    let validator = validator();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/device-config")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(&path).unwrap();
            let value: Value = toml::from_str(&text).unwrap();
            let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", path.display());
            assert!(text.starts_with("#:schema ../schema/definition.json\n"), "{}", path.display());
        }
    }
}

#[test]
fn it_finds_what_is_wrong() {
    let validator = validator();
    let good = "name = 'A'\n[default]\nname = 'A'\nfeatures = [{ vibrate = [0, 9] }]\n";
    let is_valid = |text: &str| validator.is_valid(&toml::from_str(text).unwrap());
    assert!(is_valid(good));
    assert!(is_valid("extends = 'lovense'\n[[model]]\nname = 'B'\nids = ['b']"));
    for (right, wrong) in [
        ("name = 'A'\n[default]", "[default]"),
        ("name = 'A'\n[default]", "name = 'A'\ngap = 5\n[default]"),
        ("name = 'A'\n[default]", "name = 'A'\ngap_ms = 'x'\n[default]"),
        ("{ vibrate = [0, 9] }", "{ vibrate = 9 }"),
        ("{ vibrate = [0, 9] }", "{ hw_position = [0, 9] }"),
        ("{ vibrate = [0, 9] }", "{ vibrates = [0, 9] }"),
    ] {
        assert!(good.contains(right), "{right}");
        assert!(!is_valid(&good.replace(right, wrong)), "{wrong}");
    }
}
