//! `devices.toml` beside the state file: absence never loosens, and a kill at any step loses nothing.

use proptest::prelude::*;

use super::*;
use crate::user_devices::read;

/// Limits of the first motor to 4 of 20, of the second to half of its range with another model's steps; deny of another.
const FILE: &str = "# mine\nversion = 1\n\n[[device]]\naddress = \"a\"\nprotocol = \"toys\"\nidentifier = \"two\"\n\
    output.\"0.vibrate\" = { range = [0, 4], of = [0, 20] }\noutput.\"1.vibrate\" = { disabled = true }\n\n\
    [[device]]\naddress = \"b\"\ndeny = true\n";

fn place(text: &str) -> Place {
    let place = Place(tempfile::tempdir().unwrap());
    std::fs::write(place.devices_file(), text).unwrap();
    place
}

impl Place {
    fn devices_file(&self) -> PathBuf {
        self.0.path().join("devices.toml")
    }
}

/// What may be driven on the device at address `a`, of each motor; nothing while it may not be used at all.
fn allowed(known: &mut KnownDevices) -> [i32; 2] {
    if known.withheld().is_some() || known.refuses("a").is_some() {
        return [0, 0];
    }
    let library = library();
    let model = library.protocol("toys").unwrap().model(Some("two")).clone();
    let user = known.settings_for(&key("a", Some("two")), &model, &library);
    [0, 1].map(|feature| {
        let limits = user.limits.get(&(feature, Vibrate)).copied().unwrap_or_default();
        let refused = limits.disabled || user.refused.contains_key(&(feature, Vibrate));
        if refused { 0 } else { limits.range.map_or(20, |(_, high)| high) }
    })
}

fn assert_held(known: &mut KnownDevices, what: &str) {
    let [first, second] = allowed(known);
    assert!(first <= 4 && second == 0, "{what}: {first} {second}");
    assert!(known.withheld().is_some() || known.refuses("b").is_some(), "{what}: b is not denied");
}

/// A server that has taken the whole file, and has saved.
fn running(place: &Place) -> KnownDevices {
    let mut known = place.open();
    admit(&mut known, "a", Some("two"));
    store(&mut known);
    assert_eq!(allowed(&mut known), [4, 0]);
    known
}

#[test]
fn a_file_cut_at_any_byte_loosens_nothing_while_a_server_runs_nor_at_its_next_start() {
    let place = place(FILE);
    let mut known = running(&place);
    for end in 0..FILE.len() {
        std::fs::write(place.devices_file(), FILE.get(..end).unwrap()).unwrap();
        known.apply(read(&place.devices_file()), |_| true);
        assert_held(&mut known, &format!("cut at {end}"));
        let whole = FILE.get(..end).unwrap().trim_end() == FILE.trim_end();
        assert!(whole || !known.problems().is_empty(), "cut at {end}: nobody is told");
    }
    for end in (0..FILE.len()).step_by(3) {
        std::fs::write(place.devices_file(), FILE.get(..end).unwrap()).unwrap();
        drop(std::mem::replace(&mut known, KnownDevices::empty()));
        known = place.open();
        assert_held(&mut known, &format!("cut at {end} before the start"));
        store(&mut known);
    }
}

type Spoil<'p> = Box<dyn Fn() + 'p>;

/// What is done to a file, and what is wrong with it then.
fn spoilt(place: &Place) -> [(&'static str, Spoil<'_>); 6] {
    let write = |text: String| std::fs::write(place.devices_file(), text).unwrap();
    [
        ("emptied", Box::new(move || write(String::new()))),
        ("without entries", Box::new(move || write("version = 1\n".to_owned()))),
        ("of a later version", Box::new(move || write(FILE.replace("version = 1", "version = 2")))),
        ("no text", Box::new(|| std::fs::write(place.devices_file(), [0xFF, 0xFE, 0]).unwrap())),
        ("removed", Box::new(|| std::fs::remove_file(place.devices_file()).unwrap())),
        ("a directory", Box::new(|| std::fs::create_dir(place.devices_file()).unwrap())),
    ]
}

#[test]
fn a_file_that_is_emptied_removed_or_replaced_loosens_nothing() {
    let place = place(FILE);
    let mut known = running(&place);
    for (what, spoil) in spoilt(&place) {
        spoil();
        known.apply(read(&place.devices_file()), |_| true);
        assert_held(&mut known, what);
        assert!(!known.problems().is_empty(), "{what}");
        drop(std::mem::replace(&mut known, KnownDevices::empty()));
        known = place.open();
        assert_held(&mut known, what);
    }
    std::fs::remove_dir(place.devices_file()).unwrap();
    // With a byte order mark it is the same file.
    std::fs::write(place.devices_file(), format!("\u{feff}{FILE}")).unwrap();
    known.apply(read(&place.devices_file()), |_| true);
    assert_eq!((allowed(&mut known), known.problems()), ([4, 0], Vec::new()));
    // Only what is said loosens.
    let loose = FILE
        .replace("range = [0, 4], of = [0, 20]", "range = \"unlimited\"")
        .replace("disabled = true", "disabled = false");
    std::fs::write(place.devices_file(), loose.replace("{ disabled", "{ range = \"unlimited\", disabled")).unwrap();
    known.apply(read(&place.devices_file()), |_| true);
    assert_eq!((allowed(&mut known), known.problems()), ([20, 20], Vec::new()));
}

/// A file that is half written and what is in it, and what is in `devices.toml`.
type Step<'a> = (&'a str, &'a [u8], Option<&'a [u8]>);

/// Every state in which a kill can leave the directory while what a state file of version 1 says moves to `devices.toml`.
#[test]
fn a_kill_at_any_step_of_the_migration_loses_nothing() {
    let old = json!({ "version": 1, "devices": [
        entry(0, "two", &json!({ "0.vibrate": { "range": [0, 4] }, "1.vibrate": { "disabled": true } })),
        { "bus": "btle", "address": "b", "protocol": "toys", "index": 1, "user": { "deny": true } },
    ] });
    let old = old.to_string();
    let done = Place::new(&old);
    assert_held(&mut done.open(), "migrated");
    let (toml, json) = (std::fs::read(done.devices_file()).unwrap(), std::fs::read(done.file()).unwrap());
    assert_ne!(json, old.as_bytes());
    let mut steps: Vec<Step<'_>> = vec![(".devices.toml.new", b"", None)];
    steps.extend((0..toml.len()).step_by(7).map(|end| (".devices.toml.new", &toml[..end], None)));
    steps.push((".devices.toml.new", &toml, None));
    steps.push(("", b"", Some(&toml)));
    let beside = std::fs::read_dir(done.0.path()).unwrap().filter_map(Result::ok);
    let names: Vec<_> = beside.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert!(!names.iter().any(|name| name.ends_with(".new")), "{names:?}");
    steps.extend((0..json.len()).step_by(11).map(|end| ("devices.json.new", &json[..end], Some(&toml[..]))));
    for (name, part, toml) in steps {
        let place = Place::new(&old);
        if !name.is_empty() {
            std::fs::write(place.0.path().join(name), part).unwrap();
        }
        if let Some(toml) = toml {
            std::fs::write(place.devices_file(), toml).unwrap();
        }
        let mut known = place.open();
        assert_eq!(allowed(&mut known), [4, 0], "{name} {} {}", part.len(), toml.is_some());
        assert_held(&mut known, name);
        assert_eq!(known.problems(), Vec::<String>::new());
        drop(known);
        assert_eq!(allowed(&mut place.open()), [4, 0], "the second start");
    }
}

#[derive(Debug, Clone)]
enum Edit {
    /// The level up to which the first motor may run, as somebody writes it.
    Limit(i32),
    Unlimited,
    /// The first so many bytes of what is there.
    Cut(usize),
    Empty,
    Remove,
    Garbage,
    Forget,
    Restart,
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        3 => (0..20).prop_map(Edit::Limit),
        1 => Just(Edit::Unlimited),
        3 => (0..200_usize).prop_map(Edit::Cut),
        1 => Just(Edit::Empty),
        1 => Just(Edit::Remove),
        1 => Just(Edit::Garbage),
        1 => Just(Edit::Forget),
        2 => Just(Edit::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is done to the file, only what somebody has written down loosens a limit.
    #[test]
    fn only_what_is_written_down_loosens(edits in proptest::collection::vec(edit(), 1..12)) {
        let place = place("version = 1\n");
        let mut known = place.open();
        admit(&mut known, "a", Some("two"));
        let entry = |lines: &str| format!("version = 1\n\n[[device]]\naddress = \"a\"\nprotocol = \"toys\"\nidentifier = \"two\"\n{lines}\n");
        let mut most = 20;
        for edit in edits {
            let file = place.devices_file();
            let mut text = None;
            match &edit {
                Edit::Limit(level) => {
                    text = Some(entry(&format!("output.\"0.vibrate\" = {{ range = [0, {level}], of = [0, 20] }}")));
                    most = *level;
                }
                Edit::Unlimited => {
                    text = Some(entry("output.\"0.vibrate\" = { range = \"unlimited\" }"));
                    most = 20;
                }
                Edit::Forget => {
                    text = Some(entry("forget = true"));
                    most = 20;
                }
                Edit::Cut(end) => {
                    let whole = std::fs::read(&file).unwrap_or_default();
                    std::fs::write(&file, &whole[..whole.len().min(*end)]).unwrap();
                }
                Edit::Empty => text = Some(String::new()),
                Edit::Garbage => text = Some("output = [[[".to_owned()),
                Edit::Remove => drop(std::fs::remove_file(&file)),
                Edit::Restart => {
                    drop(std::mem::replace(&mut known, KnownDevices::empty()));
                    known = place.open();
                }
            }
            if let Some(text) = text {
                std::fs::write(&file, text).unwrap();
            }
            known.apply(read(&file), |_| true);
            let [first, _] = allowed(&mut known);
            prop_assert!(first <= most, "{edit:?}: {first} of {most}");
            // What the server writes because of it.
            if let Some(to_save) = known.to_save() {
                prop_assert_eq!(to_save.save(), Ok(()));
                known.apply(read(&file), |_| true);
                let [first, _] = allowed(&mut known);
                prop_assert!(first <= most, "saved after {edit:?}: {first} of {most}");
            }
        }
    }
}
