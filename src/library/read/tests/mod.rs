mod rows;

use crate::library::{DefinitionProblem, Library};

const MATCH: &str = "[[match]]\nbtle = { names = [\"T\"] }\nservices.fff0 = { tx = \"fff1\", rx = \"fff2\" }";
const DEFAULT: &str = "[default]\nname = \"T\"\nfeatures = [{ vibrate = [0, 9] }]";
const WRITE: &str = "[write]\nvibrate = 'tx: {v}'";

/// Parts of a file, one after the other below its name.
fn file(parts: &[&str]) -> String {
    format!("name = \"T\"\n{}\n", parts.join("\n"))
}

fn problems(texts: &[(&str, &str)]) -> Vec<String> {
    let library = Library::from_texts(texts.iter().copied(), &["lovense"]);
    library.problems().iter().map(DefinitionProblem::to_string).collect()
}

#[track_caller]
fn refused(parts: &[&str], wanted: &str) {
    let found = problems(&[("t", &file(parts))]);
    assert_eq!(found, [wanted], "{parts:?}");
}

#[track_caller]
fn accepted(parts: &[&str]) -> Library {
    let text = file(parts);
    let library = Library::from_texts([("t", text.as_str())], &["lovense"]);
    assert_eq!(library.problems(), [], "{text}");
    library
}

#[test]
fn what_no_match_gives_is_refused_at_its_line() {
    let none = "no [[match]] gives an endpoint txmode; there are: rx, tx";
    let (connect, subscribe) =
        ("connect = ['subscribe txmode']", "[input.button]\nsubscribe = 'txmode'\nvalue = 'b[0]'");
    refused(&[connect, MATCH, DEFAULT, WRITE], &format!("t.toml:2: {none}"));
    let lines = "[write]\nvibrate = [\n  'tx: {v}',\n  'txmode: {v}',\n]";
    refused(&[MATCH, DEFAULT, lines], &format!("t.toml:11: {none}"));
    let button = "[default]\nname = \"T\"\nfeatures = [{ vibrate = [0, 9], button = [0, 1] }]";
    refused(&[MATCH, button, WRITE, subscribe], &format!("t.toml:11: {none}"));
    let read = "[input.button]\nread = ['if {n} read txmode as t']\nvalue = 't[0]'";
    refused(&[MATCH, button, WRITE, read], &format!("t.toml:11: {none}"));
    let identify = "[[identify]]\nfrom = \"read txmode\"";
    refused(&[MATCH, identify, DEFAULT, WRITE], &format!("t.toml:5: {none}"));
}

#[test]
fn equal_bad_lines_have_their_own_numbers() {
    let lines = "[write]\nvibrate = [\n  'tx: {w}',\n  'tx: {w}',\n]";
    let found = problems(&[("t", &file(&[MATCH, DEFAULT, lines]))]);
    assert!(found[0].starts_with("t.toml:10: ") && found[1].starts_with("t.toml:11: "), "{found:?}");
}

#[test]
fn nonsense_is_refused() {
    refused(&[DEFAULT, WRITE], "t.toml:1: there is no [[match]], so no hardware would ever be recognised");
    let empty = "[[match]]\nbtle = {}\nservices.fff0 = { tx = \"fff1\" }";
    refused(
        &[empty, DEFAULT, WRITE],
        "t.toml:2: this [[match]] has nothing to recognise hardware by; allowed: names, advertised, manufacturer",
    );
    for name in ["", "*"] {
        let named = MATCH.replace("\"T\"", &format!("{name:?}"));
        let wanted = format!("t.toml:2: the name {name:?} would recognise nothing or everything");
        refused(&[&named, DEFAULT, WRITE], &wanted);
        let model = format!("[[model]]\nids = [{name:?}]\nname = \"M\"");
        let wanted = format!("t.toml:11: the identifier {name:?} would mean nothing or everything");
        refused(&[MATCH, DEFAULT, WRITE, &model], &wanted);
    }
    let example = "[[example]]\nsteps = []";
    refused(&[MATCH, DEFAULT, WRITE, example], "t.toml:10: an [[example]] without steps shows nothing");
    let rotate = format!("{WRITE}\nrotate = 'tx: {{v}}'");
    let wanted = "t.toml:10: [write] has rotate, but no model has an output rotate";
    refused(&[MATCH, DEFAULT, &rotate], wanted);
    let rssi = "[input.rssi]\nsubscribe = 'rx'\nvalue = 'b[0]'";
    let wanted = "t.toml:10: there is an [input.rssi], but no model has an input rssi";
    refused(&[MATCH, DEFAULT, WRITE, rssi], wanted);
    let repeat = "[repeat]\nevery_ms = 9";
    refused(&[MATCH, repeat, DEFAULT, WRITE], "t.toml:5: every_ms = 9; allowed: 10 or more");
    let battery = |range: &str| DEFAULT.replace("[0, 9] }", &format!("[0, 9], battery = {range} }}"));
    let wanted = "t.toml:5: feature 0 has battery, but there is neither an [input.battery] nor an endpoint rxblebattery \
                  in a [[match]]";
    refused(&[MATCH, &battery("[0, 100]"), WRITE], wanted);
    let gauge = MATCH.replace("rx =", "rxblebattery =");
    let wanted = "t.toml:5: feature 0: battery from 100 to 0 is no range";
    refused(&[&gauge, &battery("[100, 0]"), WRITE], wanted);
    accepted(&[&gauge, &battery("[0, 100]"), WRITE]);
    // A coded driver knows where its battery is.
    accepted(&["driver = \"lovense\"", MATCH, &battery("[0, 100]")]);
    let twice = "[[model]]\nids = [\"a\"]\nname = \"A\"\n[[model]]\nids = [\"a\"]\nname = \"B\"";
    let wanted = "t.toml:14: the identifier \"a\" means both \"A\" and \"B\"";
    refused(&[MATCH, DEFAULT, WRITE, twice], wanted);
}

#[test]
fn ranges_may_begin_above_zero_for_levels_only() {
    let range = |output: &str| format!("[default]\nname = \"T\"\nfeatures = [{{ {output} }}]");
    let write = "[write]\nany = 'tx: {v}'";
    let library = accepted(&[MATCH, &range("temperature = [37, 42]"), write]);
    let (_, output) = library.definitions()[0].default.outputs().next().unwrap();
    assert_eq!((output.min, output.max), (37, 42));
    refused(
        &[MATCH, &range("position = [1, 9]"), write],
        "t.toml:5: feature 0: position from 1 to 9; allowed: from 0 to at most 100000",
    );
    refused(
        &[MATCH, &range("vibrate = [10, 9]"), write],
        "t.toml:5: feature 0: vibrate from 10 to 9; allowed: from 0 or a least level to at most 100000",
    );
}

#[test]
fn lines_for_any_kind() {
    let two = "[default]\nname = \"T\"\nfeatures = [{ vibrate = [0, 9] }, { rotate = [0, 9] }]";
    let library = accepted(&[MATCH, two, "[write]\nvibrate = 'tx: {v}'\nany = 'rx: {v}'"]);
    let write = &library.definitions()[0].write;
    let endpoint = |kind| write[&kind][0].endpoint();
    assert_eq!(endpoint(crate::types::OutputKind::Rotate), crate::types::Endpoint::RX);
    assert_eq!(endpoint(crate::types::OutputKind::Vibrate), crate::types::Endpoint::TX);
    refused(
        &[MATCH, DEFAULT, "[write]\nvibrate = 'tx: {v}'\nany = 'rx: {v}'"],
        "t.toml:10: [write] has `any`, but every output of the models has lines of its own",
    );
}

#[test]
fn named_expressions() {
    let connect = "connect = ['read rx as r']";
    let lets = "[let]\nspeed = 'v + r[0] + p'\nturn = '0x80 + k'";
    let default = "[default]\nname = \"T\"\nset = { p = 1 }\nfeatures = [{ vibrate = [0, 9] }]";
    accepted(&[connect, MATCH, lets, default, "[write]\nvibrate = 'tx: {speed * 2} each( {turn} )'"]);
    let refused = |lets: &str, line: &str, wanted: &str| {
        let found = problems(&[("t", &file(&[MATCH, lets, DEFAULT, &format!("[write]\nvibrate = '{line}'")]))]);
        assert!(found.len() == 1 && found[0].starts_with(wanted), "{found:?}");
    };
    let outside = "t.toml:11: column 6: identifier \"k\" has a meaning only inside each";
    refused("[let]\nturn = 'k'", "tx: {turn}", outside);
    refused("[let]\nlevel = 'r[0]'", "tx: {level}", "t.toml:11: column 6: unknown buffer \"r\"");
    refused("[let]\na = '1'\nb = 'a'", "tx: {b}", "t.toml:7: column 1: unknown identifier \"a\"");
    refused("[let]\na = 'seq()'", "tx: {v}", "t.toml:6: column 1: function seq has a meaning only inside a packet");
    refused("[let]\nmin = '1'", "tx: {v}", "t.toml:6: an expression cannot be called \"min\"");
}

#[test]
fn identifiers_may_be_beginnings() {
    let model = |ids: &str| format!("[[model]]\nids = [{ids}]\nname = \"{}\"", ids.replace('"', ""));
    let models = [model("\"LVS-*\""), model("\"LVS-A*\""), model("\"LVS-A1\"")].join("\n");
    let library = accepted(&[MATCH, DEFAULT, WRITE, &models]);
    let name = |id| library.definitions()[0].model(Some(id)).name.clone();
    assert_eq!(["LVS-A1", "LVS-A12", "LVS-B", "LVS-", "LVS"].map(name), ["LVS-A1", "LVS-A*", "LVS-*", "LVS-*", "T"]);
}

#[test]
fn a_start_position_needs_something_that_has_one() {
    let stroker = "[default]\nname = \"T\"\nfeatures = [{ position = [0, 9] }]\n[write]\nposition = 'tx: {v}'";
    accepted(&["connect = ['read rx as p']\nstart_position = 'len(p) > 0 ? p[i] : 5'", MATCH, stroker]);
    refused(
        &["start_position = '5'", MATCH, DEFAULT, WRITE],
        "t.toml:2: there is a start_position, but no model has a position",
    );
    let coded = stroker.split("\n[write]").next().unwrap();
    refused(
        &["driver = \"lovense\"\nstart_position = '5'", MATCH, coded],
        "t.toml:3: there is a start_position, but the driver says where hardware stands",
    );
    let found = problems(&[("t", &file(&["start_position = 'q[0]'", MATCH, stroker]))]);
    assert!(found[0].starts_with("t.toml:2: ") && found.len() == 1, "{found:?}");
}

#[test]
fn the_time_between_packets_is_the_longer_of_what_hardware_and_bus_need() {
    use crate::types::Bus;
    let gap = |line: &str, bus| {
        let library = accepted(&[line, MATCH, DEFAULT, WRITE]);
        library.definitions()[0].packet_gap_on(bus).as_millis()
    };
    assert_eq!([Bus::Btle, Bus::Serial, Bus::Hid, Bus::LovenseDongle].map(|bus| gap("", bus)), [0, 0, 0, 40]);
    assert_eq!([Bus::Btle, Bus::LovenseDongle].map(|bus| gap("packet_gap_ms = 15", bus)), [15, 40]);
    assert_eq!([Bus::Btle, Bus::LovenseDongle].map(|bus| gap("packet_gap_ms = 200", bus)), [200, 200]);
    refused(
        &["packet_gap_ms = 201", MATCH, DEFAULT, WRITE],
        "t.toml:2: packet_gap_ms = 201; allowed: 0 to 200, since a stop waits for it",
    );
    let library = Library::load(&[], &crate::driver::names());
    assert_eq!(library.protocol("lovense").unwrap().packet_gap_on(Bus::Btle).as_millis(), 40);
}

mod extensions {
    use super::*;
    use crate::library::Hardware;
    use crate::types::Bus;

    fn base() -> String {
        let model = "[[model]]\nids = [\"One\", \"Two\"]\nname = \"Known\"\nfeatures = [{ vibrate = [0, 5] }]";
        let example = |model: &str| format!("[[example]]\n{model}steps = ['vibrate 0 1', '> tx: 01']");
        let default = DEFAULT.replace("features", "set = { p = 1 }\nfeatures");
        file(&[MATCH, &default, WRITE, model, &example(""), &example("model = \"One\"\n")])
    }

    #[test]
    fn they_add_and_correct() {
        let own = "extends = \"t\"\n[[match]]\nbtle = { names = [\"New\"] }\n[[match]]\nwebsocket = { names = [\"diy\"] }\n\
                   [[model]]\nids = [\"New\"]\nname = \"New\"\n\
                   [[model]]\nids = [\"One\"]\nname = \"Corrected\"\nset = { p = 2 }\nfeatures = [{ vibrate = [0, 7] }]\n\
                   [[example]]\nmodel = \"New\"\nsteps = ['vibrate 0 9', '> tx: 09']";
        // The name of the file is free, even if a definition has it.
        for name in ["own", "t", "zz"] {
            let library = if name == "t" {
                Library::from_texts([("t", base().as_str()), (name, own)], &[])
            } else {
                Library::from_texts([(name, own), ("t", base().as_str())], &[])
            };
            assert_eq!(library.problems(), []);
            let definition = library.protocol("t").unwrap();
            assert_eq!(library.definitions().len(), 1);
            let model = |id| definition.model(Some(id));
            assert_eq!((model("New").name.as_str(), model("New").outputs().count()), ("New", 1));
            assert_eq!(model("New").set["p"], 1.0);
            assert_eq!((model("One").name.as_str(), model("One").set["p"]), ("Corrected", 2.0));
            assert_eq!(model("Two").name, "Known");
            // What was shown of the model that is replaced no longer holds.
            let shown: Vec<_> = definition.examples.iter().map(|example| example.model.as_deref()).collect();
            assert_eq!(shown, [None, Some("New")]);
            assert_eq!(definition.examples[1].file.as_deref(), Some(format!("{name}.toml").as_str()));
            let named = library.candidates(&Hardware::new(Bus::Btle, "New", "a"));
            assert_eq!(named[0].matcher.endpoints().len(), 2, "the services are known");
            assert_eq!(library.candidates(&Hardware::new(Bus::Websocket, "diy", "a")).len(), 1);
        }
    }

    #[test]
    fn built_in_definitions_can_be_extended() {
        let text = "extends = \"tcode-v03\"\n[[match]]\nserial = { port = \"/dev/ttyUSB0\", baud = 115200 }\n";
        let library = Library::from_texts([("mine", text)], &[]);
        assert_eq!(library.problems(), []);
        let found = library.candidates(&Hardware::new(Bus::Serial, "/dev/ttyUSB0", "a"));
        assert_eq!(found[0].definition.protocol, "tcode-v03");
    }

    #[test]
    fn what_they_may_not_do() {
        let found = |text: &str| problems(&[("t", &base()), ("own", text)]);
        let unknown = found("\nextends = \"u\"\n[[match]]\nwebsocket = { names = [\"x\"] }");
        assert!(unknown[0].starts_with("own.toml:2: there is no usable definition \"u\"; there are: activejoy, "));
        let write = found("extends = \"t\"\n[write]\nvibrate = 'tx: {v}'");
        assert_eq!(
            write,
            ["own.toml:2: unknown field `write`, expected one of `extends`, `match`, `features`, `model`, `models`, \
                 `example`"]
        );
        let nothing = found("extends = \"t\"\n");
        assert_eq!(nothing, ["own.toml:1: the file adds nothing: neither a [[match]] nor a [[model]]"]);
        let rotate = found("extends = \"t\"\n[[model]]\nids = [\"x\"]\nname = \"X\"\nfeatures = [{ rotate = [0, 9] }]");
        assert_eq!(rotate, ["own.toml:2: feature 0 of \"X\" has rotate, but [write] has no rotate"]);
        // One that cannot be read does not take the place of what it extends.
        let library = Library::from_texts([("t", base().as_str()), ("t", "extends = \"t\"\nx")], &[]);
        assert!(library.protocol("t").is_some() && library.problems().len() == 1);
    }
}

#[test]
fn files_keep_their_paths() {
    let directory = std::env::temp_dir().join(format!("hapticd-read-{}", std::process::id()));
    std::fs::create_dir_all(directory.join("other")).unwrap();
    let (one, two) = (directory.join("t.toml"), directory.join("other/t.toml"));
    std::fs::write(&one, file(&[MATCH, DEFAULT, WRITE])).unwrap();
    std::fs::write(&two, file(&[MATCH, DEFAULT, WRITE])).unwrap();
    let library = Library::from_files(&[one.clone(), two.clone(), directory.join("none.toml")], &[]);
    let shown = |index: usize| library.problems()[index].to_string();
    let same = format!("{}: {} has the same name; a name is a protocol", two.display(), one.display());
    assert_eq!(shown(0), same);
    assert!(shown(1).starts_with(&format!("{}: cannot be read", directory.join("none.toml").display())));
    assert_eq!(library.definitions()[0].path, one.display().to_string());
    std::fs::remove_dir_all(directory).unwrap();
}
