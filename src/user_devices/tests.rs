use std::path::Path;

use super::*;
use crate::types::{Bus, OutputKind};

const VIBRATE: OutputName = OutputName(0, OutputKind::Vibrate);

/// A file as a person writes it.
const WHOLE: &str = r#"# mine
version = 1   # the first
note = "bought in May"

# the blue one
[[device]]
address = "C0:FF:EE:00:00:01"
bus = "btle"
protocol = "lovense"
identifier = "P"
display_name = "Blue one" # as on the box
index = 3
message_gap_ms = 60
allow = true
output."0.vibrate" = { range = [0, 10], of = [0, 20], rise = 50 } # enough
output."1.vibrate" = { disabled = true }

[[device]]
address = "other"
deny = true

[device.output."0.position"]
range = [200, 800]
of = [0, 999]
reverse = true
speed = "unlimited"
"#;

fn read(text: &str) -> UserDevices {
    understand(text.as_bytes()).unwrap_or_else(|why| panic!("{why}:\n{text}"))
}

fn source(address: &str) -> Source {
    Source { address: address.to_owned(), ..Source::default() }
}

fn edited(text: &str, change: impl FnOnce(&mut Editor)) -> String {
    let mut editor = Editor::open(Some(text.as_bytes())).unwrap();
    change(&mut editor);
    editor.text()
}

#[test]
fn everything_that_a_file_may_say_is_read() {
    let file = read(WHOLE);
    assert_eq!(file.problems, []);
    let [blue, other] = &file.devices[..] else { panic!("{file:?}") };
    let Source { address, bus, protocol, identifier } = &blue.source;
    assert_eq!((address.as_str(), *bus, protocol.as_deref()), ("C0:FF:EE:00:00:01", Some(Bus::Btle), Some("lovense")));
    assert_eq!((identifier.as_deref(), blue.display_name.as_deref()), (Some("P"), Some("Blue one")));
    assert_eq!((blue.index, blue.message_gap_ms, blue.allow, blue.deny), (Some(3), Some(60), Some(true), None));
    let limits = blue.outputs[&VIBRATE];
    assert_eq!((limits.range, limits.of, limits.rise), (Some(Limit::At((0, 10))), Some((0, 20)), Some(Limit::At(50))));
    assert_eq!(blue.outputs[&OutputName(1, OutputKind::Vibrate)].disabled, Some(true));
    let limits = other.outputs[&OutputName(0, OutputKind::Position)];
    assert_eq!((other.deny, limits.reverse, limits.speed), (Some(true), Some(true), Some(Limit::Unlimited)));
    assert_eq!((blue.line, other.line), (6, 18));
}

/// Whatever may be a limit is not passed over, and the message names the line.
#[test]
fn what_may_be_a_limit_and_is_not_understood_is_named_with_its_line() {
    let entry = |line: &str| format!("version = 1\n[[device]]\naddress = \"a\"\n{line}\n");
    for (line, part) in [
        ("output.\"0.vibrat\" = { range = [0, 4] }", "\"0.vibrat\" is no output"),
        ("output.\"00.vibrate\" = { range = [0, 4] }", "\"00.vibrate\" is no output"),
        ("output.0.vibrate = { range = [0, 4] }", "\"0\" is no output"),
        ("output.\"0.vibrate\" = 4", "outputs are written as"),
        ("output = [1]", "outputs are written as"),
        (
            "output.\"0.vibrate\" = { range = [9, 4] }",
            "`range` of \"0.vibrate\" is [9, 4]; allowed: [A, B] with 0 <= A <= B",
        ),
        ("output.\"0.vibrate\" = { range = [-1, 4] }", "allowed"),
        ("output.\"0.vibrate\" = { range = [0, 4.5] }", "allowed"),
        ("output.\"0.vibrate\" = { range = [0, 4, 5] }", "allowed"),
        ("output.\"0.vibrate\" = { range = \"full\" }", "or \"unlimited\""),
        ("output.\"0.vibrate\" = { range = [0, 4], of = [0, 0] }", "must end at 1 or more"),
        ("output.\"0.vibrate\" = { rnage = [0, 4] }", "`rnage` of \"0.vibrate\" is no limit; allowed: range, of"),
        ("output.\"0.vibrate\" = { speed = 0 }", "1 to 10000"),
        ("outputs.\"0.vibrate\" = { range = [0, 4] }", "`outputs` is no key of a device"),
        ("deny = \"yes\"", "allowed: true, false"),
        ("index = -1", "allowed: a whole number, 0 to 4294967294"),
        ("bus = \"telepathy\"", "allowed: btle, serial"),
        ("display_name = \" \"", "not only blanks"),
    ] {
        let file = read(&entry(line));
        assert_eq!(file.devices, [], "{line}");
        let [problem] = &file.problems[..] else { panic!("{line}: {file:?}") };
        assert_eq!((problem.line, problem.address.as_deref()), (4, Some("a")), "{line}: {problem}");
        assert!(problem.why.contains(part), "{line}: {problem}");
    }
    let twice = format!("{}[[device]]\naddress = \" a \"\ndeny = true\n", entry(""));
    assert_eq!(read(&twice).problems[0].to_string(), "line 5: the device \" a \" has an entry already, on line 2");
    let nameless = read("version = 1\n[[device]]\ndeny = true\n");
    assert_eq!((nameless.problems[0].line, &nameless.problems[0].address), (2, &None));
}

#[test]
fn a_file_that_is_not_understood_as_a_whole_says_where() {
    for (text, part) in [
        ("", "it is empty"),
        (" \r\n\0\0", "it is empty"),
        ("version = 2\n[[device]]\n", "line 1: version is 2; this program knows version 1"),
        ("\n\nversion = \"1\"", "line 3"),
        ("[[device]]\naddress = \"a\"\n", "does not say `version = 1`"),
        ("version = 1\n[device]\naddress = \"a\"\n", "line 2: devices are written as [[device]]"),
        ("version = 1\n[[devices]]\naddress = \"a\"\n", "line 2: \"devices\" is no part of this file"),
        ("version = 1\n[[group]]\nname = \"a\"\n", "groups are for a later version"),
        ("version = 1\nversion = 1\n", "line 2"),
        ("version = 1\n[[device]]\naddress = \"a\n", "line 3"),
    ] {
        let why = understand(text.as_bytes()).unwrap_err();
        assert!(why.contains(part), "{text:?}: {why}");
    }
    assert!(understand(b"version = 1\n\xff").unwrap_err().contains("line 2"));
    assert!(understand("\u{feff}version = 1\r\n".as_bytes()).is_ok());
}

/// No part of a file says more than the whole: what is cut off is missing or not understood, never another limit.
#[test]
fn a_file_that_is_cut_off_says_no_other_limit() {
    let whole = read(WHOLE);
    for end in 0..WHOLE.len() {
        let Ok(part) = understand(&WHOLE.as_bytes()[..end]) else { continue };
        for device in &part.devices {
            let of_whole =
                whole.devices.iter().find(|other| same(&device.source.address, &other.source.address)).unwrap();
            for (name, output) in &device.outputs {
                let full = of_whole.outputs[name];
                assert!(output.range.is_none() || output.range == full.range, "{end}");
                assert!(output.duration_ms.is_none() || output.duration_ms == full.duration_ms, "{end}");
                assert!(output.speed.is_none() || output.speed == full.speed, "{end}");
                assert!(output.disabled.is_none() || output.disabled == full.disabled, "{end}");
            }
            assert!(device.deny.is_none() || device.deny == of_whole.deny, "{end}");
        }
    }
    fn same(one: &str, other: &str) -> bool {
        address::same_address(one, other)
    }
}

#[test]
fn a_change_keeps_comments_blanks_and_what_is_not_understood() {
    let strange = format!("{WHOLE}\n[[device]]\naddress = \"c\" # keep\ncolour = \"red\"\n# the end\n");
    let range = OutputSettings { range: Some(Limit::At((0, 5))), of: Some((0, 20)), ..OutputSettings::default() };
    let change = DeviceSettings {
        source: source("c0-ff-ee-00-00-01"),
        display_name: Some("Green \"one\"".to_owned()),
        outputs: [(VIBRATE, range)].into(),
        ..DeviceSettings::default()
    };
    let text = edited(&strange, |editor| editor.put(&change));
    let expected = strange.replace("\"Blue one\"", "'Green \"one\"'").replace(
        "{ range = [0, 10], of = [0, 20], rise = 50 } # enough",
        "{ range = [0, 5], of = [0, 20], rise = 50 } # enough",
    );
    assert_eq!(text, expected);
    assert_eq!(read(&text).devices[0].display_name.as_deref(), Some("Green \"one\""));
    let marked = format!("\u{feff}{WHOLE}");
    assert!(edited(&marked, |editor| editor.put(&change)).starts_with("\u{feff}# mine\n"));
}

#[test]
fn entries_are_made_and_forgotten() {
    let mut editor = Editor::open(None).unwrap();
    let limits = OutputSettings { range: Some(Limit::At((0, 5))), of: Some((0, 9)), ..OutputSettings::default() };
    let from = Source { bus: Some(Bus::Hid), protocol: Some("x".to_owned()), ..source(" a ") };
    let outputs = [(VIBRATE, limits), (OutputName(1, OutputKind::Rotate), limits)].into();
    editor.put(&DeviceSettings { source: from, outputs, deny: Some(false), ..DeviceSettings::default() });
    let made = "\n[[device]]\naddress = \"a\"\nbus = \"hid\"\nprotocol = \"x\"\ndeny = false\n\
        output.\"0.vibrate\" = { range = [0, 5], of = [0, 9] }\noutput.\"1.rotate\" = { range = [0, 5], of = [0, 9] }\n";
    assert_eq!(editor.text(), format!("{NEW_FILE}{made}"));
    let unlimited = OutputSettings { range: Some(Limit::Unlimited), ..OutputSettings::default() };
    editor.put(&DeviceSettings {
        source: source("a"),
        outputs: [(VIBRATE, unlimited)].into(),
        ..DeviceSettings::default()
    });
    assert!(editor.text().contains("output.\"0.vibrate\" = { range = \"unlimited\" }"), "{}", editor.text());
    editor.forget(&source("a"));
    assert_eq!(editor.text(), format!("{NEW_FILE}\n[[device]]\naddress = \"a\"\nforget = true\n"));
    assert!(editor.devices().unwrap().devices[0].forget);
    editor.put(&DeviceSettings { source: source("b"), deny: Some(true), ..DeviceSettings::default() });
    editor.forgotten(&["a".to_owned()]);
    assert_eq!(editor.text(), format!("{NEW_FILE}\n[[device]]\naddress = \"b\"\ndeny = true\n"));
    editor.remove(&source("b"), "deny");
    assert!(!editor.text().contains("deny"));
}

#[test]
fn the_file_is_where_one_is_or_where_one_can_be() {
    let place = tempfile::tempdir().unwrap();
    let (missing, here) = (place.path().join("no/devices.toml"), place.path().join(FILE));
    assert_eq!(choose(&[missing.clone(), here.clone()]), here);
    assert_eq!(choose(std::slice::from_ref(&missing)), missing);
    let state = place.path().join("state/devices.toml");
    std::fs::create_dir(place.path().join("state")).unwrap();
    assert_eq!(choose(&[here.clone(), state.clone()]), here);
    std::fs::write(&state, "").unwrap();
    assert_eq!(choose(&[here, state.clone()]), state);
}

fn put(path: &Path, address: &str) {
    let change = DeviceSettings { source: source(address), deny: Some(true), ..DeviceSettings::default() };
    lock_and_edit(path, |editor| {
        editor.put(&change);
        Ok(())
    })
    .unwrap();
}

#[test]
fn many_who_edit_at_once_lose_nothing() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("new/devices.toml");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let path = &path;
            scope.spawn(move || (0..8).for_each(|n| put(path, &format!("{thread}-{n}"))));
        }
    });
    assert_eq!(store::read(&path).unwrap().unwrap().devices.len(), 32);
    let left: Vec<_> =
        std::fs::read_dir(path.parent().unwrap()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the file and its lock: {left:?}");
}

#[test]
fn what_is_not_understood_is_not_written_over() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join(FILE);
    for text in ["", "version = 2\n", "version = 1\n[[device"] {
        std::fs::write(&path, text).unwrap();
        let why = lock_and_edit(&path, |_| Ok(())).unwrap_err();
        assert!(why.starts_with(&path.display().to_string()), "{why}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(store::read(&path).unwrap_err().contains("no regular file"));
    assert!(lock_and_edit(&path, |_| Ok(())).is_err());
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_rights_stay() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    let (path, real) = (place.path().join(FILE), place.path().join("real"));
    std::os::unix::fs::symlink(&real, &path).unwrap();
    assert!(store::read(&path).is_err(), "what it led to may hold limits");
    std::fs::write(&real, "version = 1\n").unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    put(&path, "a");
    assert!(path.symlink_metadata().unwrap().is_symlink());
    assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(store::read(&path).unwrap().unwrap().devices.len(), 1);
}

/// What the manual shows can be copied.
#[test]
fn the_examples_of_the_manual_are_understood() {
    let manual = include_str!("../../docs/devices-file.md");
    let examples: Vec<_> = manual.split("```toml\n").skip(1).filter_map(|part| part.split("```").next()).collect();
    assert!(examples.len() > 1);
    for example in examples {
        let file = read(example);
        assert!(!file.devices.is_empty() && file.problems.is_empty(), "{example}: {:?}", file.problems);
    }
    // Every key is explained.
    let why = understand(b"version = 1\n[[device]]\naddress = \"a\"\nx = 1\n").unwrap().problems.remove(0).why;
    for key in why.split("allowed: ").last().unwrap().split(", ").filter(|key| *key != "output") {
        assert!(manual.contains(&format!("`{key}`")), "{key}");
    }
}

/// An entry that says nothing that can be understood may be about any device.
#[test]
fn a_change_that_would_not_be_understood_is_not_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("devices.toml");
    let strange = format!("{WHOLE}\n[[device]]\naddress = \"c\"\ncolour = \"red\"\n");
    std::fs::write(&path, &strange).unwrap();
    let deny = |address: &str| {
        let change = DeviceSettings { source: source(address), deny: Some(true), ..DeviceSettings::default() };
        super::lock_and_edit(&path, |editor| {
            editor.put(&change);
            Ok(())
        })
    };
    let error = deny(&"x".repeat(301)).unwrap_err();
    assert!(error.contains("the change cannot be written") && error.contains("301 bytes"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), strange);
    // What was wrong before hinders no change of another device.
    deny("d").unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().contains("address = \"d\""));
}
