//! Lists of features with a name, models in rows, and services with open digits.

use super::{DEFAULT, MATCH, WRITE, accepted, refused};

const SETS: &str = "[features]\ntwo = [{ vibrate = [0, 9] }, { vibrate = [0, 5] }]";

#[test]
fn models_share_features_and_stand_in_rows() {
    let default = "[default]\nname = \"T\"\nset = { p = 1 }\nfeatures = \"two\"";
    let models = "[[model]]\nids = [\"one\"]\nname = \"One\"\nfeatures = [{ vibrate = [0, 3] }]\n\
                  [[models]]\nfeatures = \"two\"\nset = { p = 2 }\nrows = [[\"A b\", \"a\", \"b\"], [\"C\", \"c*\"]]\n\
                  [[models]]\nrows = [[\"D\", \"d\"], [\"T\"]]";
    let library = accepted(&[MATCH, SETS, default, WRITE, models]);
    let definition = &library.definitions()[0];
    let shown = |id| {
        let model = definition.model(Some(id));
        let ranges: Vec<_> = model.outputs().map(|(index, output)| (index, output.max)).collect();
        (model.name.as_str(), ranges, model.set["p"])
    };
    let two = vec![(0, 9), (1, 5)];
    assert_eq!(shown("one"), ("One", vec![(0, 3)], 1.0));
    assert_eq!(shown("a"), ("A b", two.clone(), 2.0));
    assert_eq!(shown("b"), ("A b", two.clone(), 2.0));
    assert_eq!(shown("cx"), ("C", two.clone(), 2.0));
    assert_eq!(shown("d"), ("D", two.clone(), 1.0));
    // The name alone does, as it is what the hardware advertises.
    assert_eq!(shown("T"), ("T", two.clone(), 1.0));
    assert_eq!(shown("else"), ("T", two, 1.0));
    assert_eq!(definition.models.len(), 5);
}

#[test]
fn rows_that_mean_nothing_are_refused_at_their_line() {
    let rows = |rows: &str| format!("[[models]]\nrows = [\n{rows}\n]");
    let parts = |models: &str, wanted: &str| refused(&[MATCH, DEFAULT, WRITE, models], wanted);
    let lonely = "the row [\"Other\"] has no identifier; a row is [\"Name for people\", \"identifier\", ...], and a name \
                  alone does only where a [[match]] lists it and nothing else identifies the model";
    parts(&rows("[\"A\", \"a\"],\n[\"Other\"],"), &format!("t.toml:13: {lonely}"));
    let nameless = "t.toml:12: a row without a name; a row is [\"Name for people\", \"identifier\", ...]";
    parts(&rows("[],"), nameless);
    parts(&rows("[\" \", \"a\"],"), nameless);
    let twice = "t.toml:13: the identifier \"a\" means both \"A\" and \"B\"";
    parts(&rows("[\"A\", \"a\"],\n[\"B\", \"a\"],"), twice);
    parts(
        "[[models]]\nrows = []",
        "t.toml:11: `rows` is empty; each row is a model: [\"Name for people\", \"identifier\", ...]",
    );
    // Where something else identifies the model, the name is no identifier.
    let identify = "[[identify]]\nfrom = \"manufacturer\"";
    let named = lonely.replace("Other", "T");
    refused(&[MATCH, identify, DEFAULT, WRITE, &rows("[\"T\"],")], &format!("t.toml:14: {named}"));
}

#[test]
fn lists_of_features_are_used_and_exist() {
    let unknown = "[[model]]\nids = [\"a\"]\nname = \"A\"\nfeatures = \"three\"";
    let used = "[default]\nname = \"T\"\nfeatures = \"two\"";
    refused(
        &[MATCH, SETS, used, WRITE, unknown],
        "t.toml:12: \"A\" has the features \"three\", but [features] has: two",
    );
    refused(&[MATCH, DEFAULT, WRITE, unknown], "t.toml:10: \"A\" has the features \"three\", but [features] has: none");
    refused(&[MATCH, SETS, DEFAULT, WRITE], "t.toml:6: no model has the features \"two\"");
    // What is wrong with a list is said once, however many models have it.
    let wrong = "[features]\ntwo = [{ vibrate = [0, 9] }, { rotate = [0, 5] }]";
    let rows = "[[models]]\nfeatures = \"two\"\nrows = [[\"A\", \"a\"], [\"B\", \"b\"]]";
    refused(
        &[MATCH, wrong, used, WRITE, rows],
        "t.toml:6: feature 1 of \"two\" in [features] has rotate, but [write] has no rotate",
    );
}

#[test]
fn services_may_have_open_digits() {
    let services = |tx: &str| {
        format!(
            "[[match]]\nbtle.names = [\"T\"]\nservices.\"????0001-0023-4bd4-bbd5-a6920e4c5653\" = {{ tx = \"{tx}\" }}"
        )
    };
    let fits = services("????0002-0023-4bd4-bbd5-a6920e4c5653");
    accepted(&[&fits, DEFAULT, WRITE]);
    let wider = services("?????002-0023-4bd4-bbd5-a6920e4c5653");
    refused(
        &[&wider, DEFAULT, WRITE],
        "t.toml:2: tx = \"?????002-0023-4bd4-bbd5-a6920e4c5653\" has a ? where its service \
         \"????0001-0023-4bd4-bbd5-a6920e4c5653\" has a digit; allowed: ? only where the service has one, which gives the \
         digit",
    );
}
