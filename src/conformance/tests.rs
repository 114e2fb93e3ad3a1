use std::fmt::Write as _;

use crate::library::{DefinitionProblem, Library};

/// What `check` says of a definition with these features, other parts and examples.
async fn check(features: &str, rest: &str, examples: &[&str]) -> Vec<String> {
    check_with("", features, rest, examples).await
}

/// The same, with further keys.
async fn check_with(keys: &str, features: &str, rest: &str, examples: &[&str]) -> Vec<String> {
    let head = "name = \"T\"\nconnect = [CONNECT]KEYS\n[[match]]\nbtle = { names = [\"T\", \"T_*\"], manufacturer = [{ company = 93 }] }\n\
                services.fff0 = { tx = \"fff1\", rx = \"fff2\" }\n";
    let (connect, rest) = rest.split_once('\n').unwrap_or((rest, ""));
    let mut text = head.replace("CONNECT", connect).replace("KEYS", keys);
    write!(text, "[default]\nname = \"T\"\nfeatures = [{features}]\n{rest}\n").unwrap();
    for example in examples {
        write!(text, "[[example]]\n{example}\n").unwrap();
    }
    let library = Library::from_texts([("t", text.as_str())], &[]);
    assert_eq!(library.problems(), [], "{text}");
    let problems = crate::conformance::library(&library).await;
    problems.iter().map(DefinitionProblem::to_string).collect()
}

#[track_caller]
fn one(found: &[String], wanted: &str) {
    assert!(found.len() == 1 && found[0].contains(wanted), "{found:?}, not {wanted:?}");
}

const ONE: &str = "{ vibrate = [0, 9] }";
const TWO: &str = "{ vibrate = [0, 9] }, { oscillate = [0, 9] }";
const LINE: &str = "\n[write]\nvibrate = 'tx: {v}'";

#[tokio::test]
async fn a_packet_for_several_kinds_goes_out_once() {
    let lines = "\n[write]\nvibrate = 'tx: {f0} {f1}'\noscillate = 'tx: {f0} {f1}'";
    let steps = "steps = ['vibrate 0 1, oscillate 1 2', '> tx: 01 02', 'stop', '> tx: 00 00']";
    assert_eq!(check(TWO, lines, &[steps]).await, [""; 0]);
    let any = "\n[write]\nany = 'tx: {f0} {f1}'";
    assert_eq!(check(TWO, any, &[steps]).await, [""; 0]);
    // Other lines are other commands, though their bytes are alike; so is what carries a number of its own.
    let apart = "\n[write]\nvibrate = 'tx: {v}'\noscillate = 'tx:  {v}'";
    assert_eq!(check(TWO, apart, &["steps = ['vibrate 0 1, oscillate 1 1', '> tx: 01', '> tx: 01']"]).await, [""; 0]);
    let twice = "\n[write]\nany = ['tx: {f0}', 'tx: {f0}']";
    assert_eq!(check(ONE, twice, &["steps = ['vibrate 0 1', '> tx: 01', '> tx: 01']"]).await, [""; 0]);
}

#[tokio::test]
async fn commands_reach_the_driver_as_those_of_the_writer_do() {
    let two = "{ vibrate = [0, 9], oscillate = [0, 9], position = [0, 9] }, { vibrate = [0, 9] }";
    let lines = "\n[write]\nvibrate = 'tx: {i} {v}'\noscillate = 'tx: {i} {v} 00'\nposition = 'tx: {v} {prev} 00 00'";
    let steps = "steps = [
        'vibrate 1 1, vibrate 0 2, oscillate 0 4, vibrate 0 3',
        '> tx: 00 04 00', '> tx: 00 03', '> tx: 01 01',
        'vibrate 0 3, vibrate 1 1',
        'vibrate 0 3, vibrate 1 2', '> tx: 01 02',
        'position 0 5', '> tx: 05 00 00 00', 'position 0 5', '> tx: 05 05 00 00',
        'stop 1', '> tx: 01 00', 'vibrate 1 0', 'stop 1', '> tx: 01 00',
    ]";
    assert_eq!(check(two, lines, &[steps]).await, [""; 0]);
    one(&check(ONE, LINE, &["steps = ['stop 7']"]).await, "t.toml:12: example: \"T\" has no feature 7");
}

#[tokio::test]
async fn the_kind_of_a_value() {
    let two = "{ vibrate = [0, 9], rotate = [0, 9] }, { rotate = [0, 9] }";
    let lines =
        "\n[write]\nany = 'tx: {is(rotate)} each( {is(vibrate)} {is(rotate)} {v} ) each rotate( {is(rotate)} {v} )'";
    let steps = "steps = [
        'rotate 1 3', '> tx: 01 ( 00 01 00 ) ( 00 01 03 ) ( 01 00 ) ( 01 03 )',
        'rotate 0 2', '> tx: 01 ( 00 01 02 ) ( 00 01 03 ) ( 01 02 ) ( 01 03 )',
        'vibrate 0 1', '> tx: 00 ( 01 00 01 ) ( 00 01 03 ) ( 01 02 ) ( 01 03 )',
    ]";
    assert_eq!(check(two, lines, &[steps]).await, [""; 0]);
}

#[tokio::test]
async fn only_answers_count() {
    let stale = "'subscribe rx', 'tx: 01', 'wait rx 1s', 'tx: 02', 'wait rx 1s as r', 'expect {r[0] == 2}'\n[write]\nvibrate = 'tx: {v}'";
    let steps = "steps = ['> subscribe rx', '< rx: 00', '> tx: 01', '< rx: 01', '< rx: 05', '> tx: 02', '< rx: 02']";
    assert_eq!(check(ONE, stale, &[steps]).await, [""; 0]);
    let when = "'subscribe rx', 'tx: 01', 'wait rx 1s as r when {r[0] == 2}', 'maybe rx 1s when {b[0] == 9}', 'tx: {r:bytes}'\n\
                [write]\nvibrate = 'tx: {v}'";
    let steps = "steps = ['> subscribe rx', '> tx: 01', '< rx: 01', '< rx: 02 03', '< rx: 04', '> tx: 02 03']";
    assert_eq!(check(ONE, when, &[steps]).await, [""; 0]);
    // A condition that has no value for some nonsense (a division by zero) hides nothing of what comes after it.
    let undefined = "'subscribe rx', 'tx: 01', 'wait rx 1s as r when {1 / r[0] < 1}', 'tx: {r:bytes}'\n[write]\nvibrate = 'tx: {v}'";
    let steps = "steps = ['> subscribe rx', '> tx: 01', '< rx: 00', '< rx: \"OK;\"', '> tx: \"OK;\"']";
    assert_eq!(check(ONE, undefined, &[steps]).await, [""; 0]);
    let never = "steps = ['> subscribe rx', '> tx: 01', '< rx: 01']";
    one(&check(ONE, when, &[never]).await, "waiting for rx got no answer");
}

#[tokio::test]
async fn a_source_that_gives_no_identifier_hides_none_after_it() {
    let sources = "\n[write]\nvibrate = 'tx: {v}'\n[[identify]]\nfrom = \"manufacturer\"\nas = \"u32be\"\n\
                   [[identify]]\nfrom = \"read rx\"\n[[identify]]\nfrom = \"name\"\n[[model]]\nids = [\"7\", \"M\", \"T_\"]\nname = \"M\"";
    for steps in [
        "model = \"7\"\nmanufacturer = { company = 93, data = \"00 00 00 07\" }\nsteps = ['stop', '> tx: 00']",
        // Too short, then text with something behind it.
        "model = \"M\"\nmanufacturer = { company = 93, data = \"07\" }\nsteps = ['> read rx', '< value: \"M\" 0D 0A 00']",
        // Too short, then no text, then nothing at all: the name is left.
        "model = \"T_\"\nname = \"T_ \"\nmanufacturer = { company = 93, data = \"07\" }\nsteps = ['> read rx', '< value: FF']",
        "model = \"T_\"\nname = \"T_\"\nsteps = ['> read rx', '< value:']",
    ] {
        assert_eq!(check(ONE, sources, &[steps]).await, [""; 0], "{steps}");
    }
}

#[tokio::test]
async fn a_stroker_that_says_where_it_stands() {
    let two = "{ hw_position = { value = [0, 99], duration_ms = [0, 1000] } }, { hw_position = { value = [0, 99], duration_ms = [0, 1000] } }";
    let asks = "'subscribe rx', 'tx: 3F', 'maybe rx 500ms as p'\n[write]\nhw_position = 'tx: {i} {v} {abs(v - prev)}'";
    let told = "steps = ['> subscribe rx', '> tx: 3F', '< rx: 0A 5A', 'hw_position 0 50 in 1s', '> tx: 00 32 28',
        'hw_position 0 20 in 1s', '> tx: 00 14 1E', 'hw_position 1 50 in 1s', '> tx: 01 32 28']";
    let silent = "steps = ['> subscribe rx', '> tx: 3F', 'hw_position 0 50 in 1s', '> tx: 00 32 19']";
    let start = "\nstart_position = 'len(p) > 0 ? p[i] : 25'";
    assert_eq!(check_with(start, two, asks, &[told, silent]).await, [""; 0]);
}

#[tokio::test]
async fn steps_with_a_condition() {
    let connect = "'if {!has(rx)} read tx as r', 'if {has(rx)} read rx as r', 'if {r[0] == 1} sleep 1s', 'if {r[0] > 1} expect {0}'\n\
                   [write]\nvibrate = 'tx: {v} {r:bytes}'";
    let with = "steps = ['> read rx', '< value: 01', 'vibrate 0 1', '> tx: 01 01']";
    let without = "endpoints = [\"tx\"]\nsteps = ['> read tx', '< value: 02']";
    one(&check(ONE, connect, &[with, without]).await, "the hardware did not answer as expected: 0");
}

#[tokio::test]
async fn readings() {
    let gauge = "{ battery = [0, 100] }, { vibrate = [0, 9] }";
    let rule = "\n[write]\nvibrate = 'tx: {v}'\n[input.battery]\nread = ['read rx as r']\nvalue = 'r[0] + i'";
    assert_eq!(check(gauge, rule, &["steps = ['read battery 0 -> 80', '> read rx', '< value: 50']"]).await, [""; 0]);
    let outside = "steps = ['read battery 0 -> 200', '> read rx', '< value: C8']";
    one(&check(gauge, rule, &[outside]).await, "t.toml:15: example: battery 200 is outside of the range");
    one(&check(gauge, rule, &["steps = ['read battery 1 -> 2']"]).await, "feature 1 of \"T\" has no battery");
    one(
        &check(gauge, rule, &["steps = ['vibrate 1 1', '> tx: 01', '< value: 50']"]).await,
        "t.toml:15: example: `< value:` answers a `> read`",
    );
    one(
        &check(gauge, rule, &["steps = [\n'vibrate 1 1',\n]"]).await,
        "t.toml:16: example: sent: > tx: 01; the example says: nothing",
    );
}

#[tokio::test]
async fn streams() {
    let two = "{ pressure = [0, 300], vibrate = [0, 9] }, { pressure = [0, 300] }";
    let rule =
        "\n[write]\nvibrate = 'tx: {v}'\n[input.pressure]\nsubscribe = 'rx'\nwhen = 'len(b) == 2'\nvalue = 'b[i] * 2'";
    let steps =
        "steps = ['listen pressure 0', '> subscribe rx', '< rx: 01 02', '-> 2', '< rx: 07', '< rx: 03 00', '-> 6',
        'listen pressure 1', '> subscribe rx', 'vibrate 0 1', '> tx: 01', '< rx: 04 05', '-> 8', '-> 10']";
    assert_eq!(check(two, rule, &[steps]).await, [""; 0]);
    for (told, wanted) in [
        ("'< rx: 01 02', '-> 3'", "reported 2; the example says 3"),
        ("'< rx: 07', '-> 3'", "reported nothing; the example says 3"),
        ("'< rx: 01 02'", "reported 2, which the example does not say"),
        ("'< rx: FF 02', '-> 510'", "pressure 510 is outside of the range"),
        ("'-> 3'", "nobody waited for this: -> 3"),
    ] {
        let steps = format!("steps = ['listen pressure 0', '> subscribe rx', {told}]");
        one(&check(two, rule, &[&steps]).await, wanted);
    }
}

#[tokio::test]
async fn repeating_is_played() {
    let rule = |only| format!("\n[repeat]\nevery_ms = 50\nonly_running = {only}\n[write]\nvibrate = 'tx: {{v}}'");
    let steps =
        "steps = ['wait 1s', 'vibrate 0 1', '> tx: 01', 'wait 120ms', '> tx: 01', '> tx: 01', 'wait 30ms', '> tx: 01',
        'stop', '> tx: 00', 'wait 40ms', 'wait 20ms', AFTER]";
    assert_eq!(check(ONE, &rule(true), &[&steps.replace(", AFTER", "")]).await, [""; 0]);
    assert_eq!(check(ONE, &rule(false), &[&steps.replace("AFTER", "'> tx: 00'")]).await, [""; 0]);
}

#[tokio::test]
async fn identification_is_examined() {
    let parts = "\n[write]\nvibrate = 'tx: {v}'\n[[identify]]\nfrom = \"manufacturer\"\nas = \"hex\"\n[[identify]]\nfrom = \"name\"\nsplit = \"_\"\n\
                 part = 2\n[[model]]\nids = [\"00ff\", \"A*\"]\nname = \"M\"";
    let steps = "steps = ['stop', '> tx: 00']";
    for right in [
        "model = \"00ff\"\nmanufacturer = { company = 93, data = \"00 FF\" }",
        "model = \"A*\"\nname = \"T_A7\"",
        "name = \"T_B\"",
        "model = \"A9\"",
    ] {
        assert_eq!(check(ONE, parts, &[&format!("{right}\n{steps}")]).await, [""; 0], "{right}");
    }
    for (wrong, wanted) in [
        (
            "model = \"00ff\"\nname = \"T_B\"",
            "t.toml:21: example: the hardware was taken for Some(\"B\"), \"T\", not for \"00ff\"",
        ),
        ("name = \"T_A7\"", "not for \"the default\""),
        ("name = \"Other\"", "no [[match]] recognises"),
        ("manufacturer = { company = 94, data = \"00\" }", "no [[match]] recognises"),
    ] {
        one(&check(ONE, parts, &[&format!("{wrong}\n{steps}")]).await, wanted);
    }
}
