//! What is taken of Intiface's files, and what is not.

use serde_json::{Value, json};

use super::intiface_config::{IntifaceConfig, read};
use super::report;
use super::take_over::{Before, take_over};
use crate::hub::known_devices::{Overview, OverviewLimits};
use crate::library::Library;
use crate::user_devices::{Editor, understand};

/// A file of format 5 with these entries as devices.
fn file(devices: &[Value]) -> Value {
    json!({ "version": { "major": 5, "minor": 57 }, "user_configs": { "protocols": {}, "devices": devices } })
}

/// A vibrator of Lovense with one motor, 0 to 20.
fn lush(address: &str, vibrate: &Value, user: &Value) -> Value {
    json!({
        "identifier": { "protocol": "lovense", "identifier": "S", "address": address },
        "config": { "id": "a", "base_id": "b",
            "features": [{ "id": "c", "base_id": "d", "output": { "vibrate": vibrate } }, { "id": "e", "base_id": "f" }],
            "user_config": user }
    })
}

fn understood(file: &Value) -> IntifaceConfig {
    read(file.to_string().as_bytes()).unwrap()
}

/// The report, and what `devices.toml` says afterwards.
fn import(file: &Value, devices_file: &str, overview: Vec<Overview>) -> (String, String) {
    let config = understood(file);
    let mut editor = Editor::open(Some(devices_file.as_bytes())).unwrap();
    let before = Before { overview, file: editor.devices().unwrap() };
    let taken = take_over(&config.devices, before, &Library::load(&[], &crate::driver::names()));
    taken.iter().filter(|device| device.is_new()).for_each(|device| editor.put(&device.settings));
    let text = editor.text();
    assert!(understand(text.as_bytes()).unwrap().problems.is_empty(), "{text}");
    (report(&taken, &config.other), text)
}

const EMPTY: &str = "version = 1\n";

#[test]
fn everything_that_a_device_may_have_is_taken() {
    let user = json!({ "allow": true, "deny": false, "index": 3, "display_name": "Blue one", "message_gap_ms": 60 });
    let stroker = json!({
        "identifier": { "protocol": "kiiroo-v2", "identifier": "Launch", "address": "C0:FF:EE:00:00:02" },
        "config": { "features": [{ "output": { "hw_position_with_duration":
            { "value": [20, 80], "duration": [500, 10000], "reverse": true, "disabled": true } } }],
            "user_config": { "index": 4, "deny": true } }
    });
    let vibrator = lush("C0:FF:EE:00:00:01", &json!({ "value": [4, 16], "disabled": false }), &user);
    let (report, text) = import(&file(&[vibrator, stroker]), EMPTY, vec![]);
    assert!(report.contains("  taken      0.vibrate = 4..16 of 0..20\n"), "{report}");
    assert!(report.ends_with("11 taken, 0 kept as set here, 0 not taken\n"), "{report}");
    for line in [
        "display_name = \"Blue one\"",
        "index = 3",
        "message_gap_ms = 60",
        "allow = true",
        "output.\"0.vibrate\" = { range = [4, 16], of = [0, 20] }",
        "deny = true",
        "disabled = true, reverse = true, duration_ms = [500, 10000]",
    ] {
        assert!(text.contains(line), "{line} in\n{text}\n{report}");
    }
}

#[test]
fn what_is_set_here_stays_and_nothing_becomes_looser() {
    let here = "version = 1\n\n[[device]]\naddress = \"c0:ff:ee:00:00:01\"\ndisplay_name = \"Mine\"\nindex = 7\n\
                message_gap_ms = 100\ndeny = false\nallow = true\noutput.\"0.vibrate\" = { range = \"unlimited\" }\n";
    let user = json!({ "allow": true, "deny": true, "index": 3, "display_name": "Theirs", "message_gap_ms": 1 });
    let (report, text) = import(&file(&[lush("C0:FF:EE:00:00:01", &json!({ "value": [0, 5] }), &user)]), here, vec![]);
    assert_eq!(text, here, "{report}");
    assert!(report.ends_with("0 taken, 6 kept as set here, 0 not taken\n"), "{report}");

    // What is in force counts as well, though the file has lost it; a device that was met keeps its index.
    let mut known = Overview::of_address("C0:FF:EE:00:00:01");
    (known.allow, known.index) = (true, Some(0));
    let limits = OverviewLimits {
        range: Some((0, 3)),
        of: None,
        disabled: false,
        reverse: false,
        duration_ms: None,
        speed: None,
        rise: None,
    };
    known.outputs.insert("0.vibrate".to_owned(), limits);
    let other = lush("C0:FF:EE:00:00:09", &json!({}), &json!({ "allow": true, "index": 0 }));
    let first = lush("C0:FF:EE:00:00:01", &json!({ "value": [0, 9] }), &json!({ "index": 5 }));
    let (report, text) = import(&file(&[first, other]), EMPTY, vec![known]);
    assert_eq!(text, EMPTY, "{report}");
    assert!(report.contains("  kept       0.vibrate = 0..9 of 0..20\n"), "{report}");
    assert!(report.contains("not taken  allow = true: devices.toml allows other devices only"), "{report}");
    assert!(report.contains("not taken  index = 0: another device has it"), "{report}");
}

#[test]
fn what_cannot_be_taken_is_said_with_its_reason() {
    let limit = json!({ "value": [0, 5] });
    let mut unknown = lush("A0", &limit, &json!({ "display_name": "Odd", "index": "one" }));
    unknown["identifier"]["protocol"] = json!("nonesuch");
    let mut more = lush("A1", &limit, &json!({}));
    more["config"]["features"].as_array_mut().unwrap().push(json!({ "output": { "rotate": {} } }));
    let mut kind = lush("A2", &limit, &json!({}));
    kind["config"]["features"][0]["output"] = json!({ "rotate": { "value": [0, 5] }, "warp": {} });
    let far = lush("C0:FF:EE:00:00:03", &json!({ "value": [0, 21] }), &json!({ "message_gap_ms": 99999 }));
    let mut whole =
        file(&[unknown, more, kind, far, lush("c0:ff:ee:00:00:03", &limit, &json!({})), json!({ "identifier": {} })]);
    whole["user_configs"]["simulated_devices"] = json!([{ "identifier": "simulated-2vibe", "address": "sim:left" }]);
    whole["user_configs"]["protocols"] = json!({ "acme": {} });
    whole["user_configs"]["later"] = json!([1]);
    let (report, text) = import(&whole, EMPTY, vec![]);
    for line in [
        "  taken      display_name = \"Odd\"\n",
        "  not taken  feature 0 vibrate: hapticd does not know the protocol \"nonesuch\"\n",
        "  not taken  index = \"one\" is not understood\n",
        "  not taken  feature 0 vibrate: the file lists 3 features and Lovense Lush has 2, so that they cannot be matched\n",
        "  not taken  feature 0 rotate: Lovense Lush has no such output\n",
        "  not taken  feature 0: output \"warp\" is not known\n",
        "  not taken  0.vibrate = 0..21; allowed: 0 to 20\n",
        "  not taken  message_gap_ms = 99999; allowed: 0 to 60000\n",
        "  not taken  anything: the file has an entry for this address above\n",
        "not taken: devices[5]: its identifier has no address\n",
        "not taken: simulated device \"sim:left\": `hapticd simulate MODEL` plays one\n",
        "not taken: user_configs.later is not understood\n",
        "not taken: protocols.acme: hardware of your own; write a definition for it, see device-config/README.md\n",
        "1 taken, 0 kept as set here, 12 not taken\n",
    ] {
        assert!(report.contains(line), "{line} in\n{report}");
    }
    assert_eq!(text.matches("[[device]]").count(), 1, "{text}");
}

/// An entry that is not understood would withhold every output at the next start.
#[test]
fn nothing_is_taken_that_devices_toml_would_not_understand() {
    let long = "x".repeat(301);
    let mut old = lush("A1", &json!({}), &json!({}));
    old["config"]["features"] =
        json!([{ "feature-type": "Vibrate", "actuator": { "step-range": [9, 5], "step-limit": [0, 3] } }]);
    let index = lush("A2", &json!({}), &json!({ "index": u32::MAX }));
    let (report, text) = import(&file(&[lush(&long, &json!({}), &json!({ "deny": true })), old, index]), EMPTY, vec![]);
    assert_eq!(text, EMPTY, "{report}");
    for line in [
        "not taken  anything: a part of its identifier has more than 300 bytes",
        "not taken  0.vibrate: 9..5 is no range to take a part of",
        "not taken  index = 4294967295 is not understood",
    ] {
        assert!(report.contains(line), "{line} in\n{report}");
    }
}

#[test]
fn sensors_that_only_one_of_the_programs_knows_do_no_harm() {
    let mut one = lush("A0", &json!({ "value": [0, 5] }), &json!({}));
    one["config"]["features"] = json!([{}, { "output": { "vibrate": { "value": [0, 5] } } }, {}]);
    let (report, text) = import(&file(&[one]), EMPTY, vec![]);
    assert!(text.contains("output.\"0.vibrate\" = { range = [0, 5], of = [0, 20] }"), "{report}{text}");
}

#[test]
fn limits_of_another_model_at_the_address_are_not_mixed_with_these() {
    let here = "version = 1\n\n[[device]]\naddress = \"A0\"\nprotocol = \"aneros\"\noutput.\"0.vibrate\" = { range = [0, 9] }\n";
    let (report, text) = import(&file(&[lush("A0", &json!({ "value": [0, 5] }), &json!({}))]), here, vec![]);
    assert_eq!(text, here);
    let why = "  not taken  feature 0 vibrate: devices.toml has limits for another model at this address (line 3)\n";
    assert!(report.contains(why), "{report}");
}

#[test]
fn format_3_with_its_hyphens_is_understood() {
    let old = json!({
        "version": { "major": 3, "minor": 2 },
        "user-configs": { "devices": [{
            "identifier": { "protocol": "lovense", "identifier": "S", "address": "A0" },
            "config": {
                "name": "Lovense Lush",
                "features": [
                    { "feature-type": "Vibrate", "actuator":
                        { "step-range": [0, 10], "step-limit": [0, 5], "messages": ["ScalarCmd"] } },
                    { "feature-type": "Battery", "sensor": {} },
                ],
                "user-config": { "allow": false, "deny": false, "index": 2, "display-name": "Old" },
            },
        }] },
    });
    let (report, text) = import(&old, EMPTY, vec![]);
    assert!(text.contains("display_name = \"Old\"") && text.contains("range = [0, 5], of = [0, 10]"), "{report}{text}");
}

#[test]
fn files_that_are_none_of_these_are_refused() {
    for (bytes, why) in [
        (&b"\xff\xfe"[..], "it is no JSON"),
        (b"{}", "it has no version.major"),
        (br#"{"version":{"major":2}}"#, "version.major is 2; allowed: 3 to 5"),
        (br#"{"version":{"major":6}}"#, "version.major is 6; allowed: 3 to 5"),
        (br#"{"version":{"major":5}}"#, "it has no user_configs"),
        (br#"{"version":{"major":5},"user_configs":{},"user_configs":{}}"#, "\"user_configs\" stands twice"),
    ] {
        let error = read(bytes).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    let deep = format!("{{\"version\":{{\"major\":5}},\"user_configs\":{}", "[".repeat(100_000));
    assert!(read(deep.as_bytes()).unwrap_err().contains("it is no JSON"));
    // A byte order mark in front is none of the file's.
    let marked = format!("\u{feff}{}", file(&[]));
    assert!(read(marked.as_bytes()).unwrap().devices.is_empty());
}
