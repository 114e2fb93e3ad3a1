mod devices_file;

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::file::FILE;
use super::*;
use crate::library::Library;
use crate::types::{Bus, OutputKind};

const TOYS: &str = r#"
name = "Toys"
driver = "lovense"
[[match]]
btle = { names = ["T"] }
services.ff00 = { tx = "ff01" }
[default]
name = "Plain"
features = [{ vibrate = [0, 20] }]
[[model]]
ids = ["two"]
name = "Two"
features = [{ vibrate = [0, 20] }, { vibrate = [0, 20] }]
[[model]]
ids = ["axis"]
name = "Axis"
features = [{ position = [0, 999], hw_position = { value = [0, 99], duration_ms = [20, 9000] } }]
[[model]]
ids = ["fine"]
name = "Fine"
features = [{ vibrate = [0, 100] }, { rotate = [-100, 100] }]
"#;

fn library() -> Library {
    let library = Library::from_texts([("toys", TOYS)], &crate::driver::names());
    assert!(library.problems().is_empty(), "{:?}", library.problems());
    library
}

fn key(address: &str, model: Option<&str>) -> Key {
    let (address, identifier) = (address.to_owned(), model.map(str::to_owned));
    Key { bus: Bus::Btle, address, protocol: "toys".to_owned(), identifier }
}

/// A state directory.
struct Place(TempDir);

impl Place {
    fn new(text: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        std::fs::write(place.file(), text).unwrap();
        place
    }

    /// With these entries.
    fn with(entries: &[Value]) -> Self {
        Self::new(&json!({ "version": 1, "devices": entries }).to_string())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join(FILE)
    }

    fn open(&self) -> KnownDevices {
        KnownDevices::open(self.0.path(), &self.0.path().join("devices.toml"), true).unwrap()
    }
}

fn entry(index: u32, model: &str, outputs: &Value) -> Value {
    json!({ "bus": "btle", "address": "a", "protocol": "toys", "identifier": model, "index": index,
            "user": { "outputs": outputs } })
}

fn admit(known: &mut KnownDevices, address: &str, model: Option<&str>) -> Admitted {
    let library = library();
    let found = library.protocol("toys").unwrap().model(model).clone();
    known.admit(&key(address, model), &found, &library)
}

fn store(known: &mut KnownDevices) {
    known.to_save().unwrap().save().unwrap();
}

fn range(admitted: &Admitted, feature: u32, kind: OutputKind) -> Option<(i32, i32)> {
    admitted.user.limits.get(&(feature, kind)).and_then(|limits| limits.range)
}

use OutputKind::{Rotate, Vibrate};

#[test]
fn indexes_are_stable_and_holes_are_filled() {
    let place = Place(tempfile::tempdir().unwrap());
    let mut known = place.open();
    for (address, index) in [("a", 0), ("b", 1), ("a", 0)] {
        assert_eq!(admit(&mut known, address, None).index, index);
    }
    store(&mut known);
    drop(known);
    let mut again = place.open();
    let b = admit(&mut again, "b", None);
    assert!((b.index, b.known, b.changed) == (1, true, false));
    let c = admit(&mut again, "c", None);
    assert!((c.index, c.known, c.changed) == (2, false, true));
    assert!(again.knows(Bus::Btle, "a") && !again.knows(Bus::Serial, "a"));
}

#[test]
fn what_the_user_allowed_holds_whatever_model_is_found() {
    let place =
        Place::with(&[entry(3, "two", &json!({ "0.vibrate": { "range": [0, 4] }, "1.vibrate": { "range": [0, 4] } }))]);
    let mut known = place.open();
    let same = admit(&mut known, "a", Some("two"));
    assert_eq!((same.index, range(&same, 0, Vibrate), range(&same, 1, Vibrate)), (3, Some((0, 4)), Some((0, 4))));
    // The range that the limit was set for is written down, because the definition may change.
    assert!(same.changed && known.to_save().unwrap().text().contains("\"of\""));
    let other = admit(&mut known, "a", None);
    assert_eq!((other.index, range(&other, 0, Vibrate)), (3, Some((0, 4))));
    let fine = admit(&mut known, "a", Some("fine"));
    assert_eq!((fine.index, range(&fine, 0, Vibrate)), (3, Some((0, 20))));
    // The second motor's limit may be meant for what turns.
    let why = &fine.user.refused[&(1, Rotate)];
    assert!(why.contains("\"1.vibrate\"") && why.contains("\"1.rotate\""), "{why}");
    assert!(!fine.user.refused.contains_key(&(0, Vibrate)));
    // The entry still names the model that it was set for.
    assert_eq!(range(&admit(&mut known, "a", Some("two")), 1, Vibrate), Some((0, 4)));
}

#[test]
fn a_limit_without_its_whole_range_counts_against_the_model_it_was_saved_for() {
    let place = Place::with(&[entry(0, "fine", &json!({ "0.vibrate": { "range": [0, 40] } }))]);
    let found = admit(&mut place.open(), "a", Some("two"));
    assert_eq!(range(&found, 0, Vibrate), Some((0, 8)));
    // The second motor of this model has no limit, and the model of the entry had no such motor.
    assert!(found.user.refused[&(1, Vibrate)].contains("Fine"), "{:?}", found.user.refused);
    let mut unknown = entry(0, "fine", &json!({ "0.vibrate": { "range": [0, 40] } }));
    unknown["protocol"] = "no more".into();
    let found = admit(&mut Place::with(&[unknown]).open(), "a", Some("two"));
    assert!(found.user.refused[&(0, Vibrate)].contains("`of`"), "{:?}", found.user.refused);
}

#[test]
fn a_limit_that_fits_nothing_is_never_passed_over() {
    let place = Place::with(&[entry(0, "two", &json!({ "7.vibrate": { "range": [0, 4] } }))]);
    let found = admit(&mut place.open(), "a", Some("two"));
    assert_eq!(found.user.refused.len(), 2);
    assert!(found.user.refused[&(0, Vibrate)].contains("\"7.vibrate\""));
}

#[test]
fn of_several_entries_for_an_address_the_stricter_limits_hold() {
    let other_bus = json!({ "bus": "lovense_dongle", "address": "0082059AD3BD", "protocol": "toys", "index": 4,
                            "user": { "outputs": { "0.vibrate": { "range": [0, 3] } }, "display_name": "Mine" } });
    let mut twice = entry(1, "two", &json!({ "0.vibrate": { "range": [0, 9] } }));
    let mut once = entry(2, "fine", &json!({ "0.vibrate": { "range": [10, 100] }, "1.rotate": { "range": [0, 50] } }));
    for entry in [&mut once, &mut twice] {
        entry["address"] = "00:82:05:9a:d3:bd".into();
    }
    let place = Place::with(&[other_bus, once, twice]);
    let found = admit(&mut place.open(), "00:82:05:9a:d3:bd", Some("two"));
    assert_eq!((found.index, range(&found, 0, Vibrate)), (1, Some((2, 3))));
    assert_eq!(found.user.display_name.as_deref(), Some("Mine"));
}

/// The address is the same however a person has written it: the same limits and the same index.
#[test]
fn an_address_that_a_person_wrote_in_another_way_is_the_same() {
    for written in ["00:82:05:9A:D3:BD ", "\t00:82:05:9a:d3:bd\r\n", "0082059ad3bd", "00-82-05-9A-D3-BD"] {
        let mut own = entry(5, "two", &json!({ "0.vibrate": { "range": [0, 4] }, "1.vibrate": { "range": [0, 4] } }));
        own["address"] = written.into();
        let mut known = Place::with(&[own]).open();
        assert!(known.knows(Bus::Btle, "00:82:05:9A:D3:BD"), "{written:?}");
        let found = admit(&mut known, "00:82:05:9A:D3:BD", Some("two"));
        assert_eq!((found.index, range(&found, 0, Vibrate)), (5, Some((0, 4))), "{written:?}");
    }
    let mut denied = entry(5, "two", &json!({}));
    denied["address"] = " b ".into();
    denied["user"] = json!({ "deny": true });
    assert!(Place::with(&[denied]).open().refuses("b").is_some());
}

#[test]
fn an_entry_without_limits_follows_the_model() {
    let place = Place::with(&[json!({ "bus": "btle", "address": "a", "protocol": "toys", "index": 0 })]);
    let mut known = place.open();
    assert!(admit(&mut known, "a", Some("fine")).changed);
    assert!(known.to_save().unwrap().text().contains("\"fine\""));
}

#[test]
fn what_is_not_understood_is_kept_and_its_index_stays_taken() {
    let place = Place::new(
        r#"{"version": 1, "mine": 5, "devices": [
        {"bus": "btle", "address": "a", "protocol": "toys", "index": 1},
        {"bus": "telepathy", "address": "x", "protocol": "y", "index": 0, "note": "mine"},
        {"bus": "btle", "address": "b", "protocol": "toys", "index": 1}]}"#,
    );
    let mut known = place.open();
    assert_eq!(known.problems().len(), 2, "{:?}", known.problems());
    assert_eq!(known.withheld(), None);
    assert_eq!(admit(&mut known, "a", None).index, 1);
    assert_eq!(admit(&mut known, "new", None).index, 2);
    assert!(known.refuses("x").unwrap().contains("not understood"));
    store(&mut known);
    let saved = std::fs::read_to_string(place.file()).unwrap();
    assert!(saved.contains("telepathy") && saved.contains("\"note\"") && saved.contains("\"mine\": 5"), "{saved}");
}

/// Every way in which limits could be overlooked: the entry, or the whole file, is not used.
#[test]
fn entries_that_may_hold_limits_in_disguise_are_refused() {
    let user =
        |user: &str| format!(r#"{{"bus": "btle", "address": "a", "protocol": "toys", "index": 0, "user": {user}}}"#);
    let wrong = [
        user(r#"{"outputs": {"0.vibrat": {"range": [0, 4]}}}"#),
        user(r#"{"outputs": {"00.vibrate": {"range": [0, 4]}}}"#),
        user(r#"{"outputs": {"0.vibrate": {"range": [9, 4]}}}"#),
        user(r#"{"outputs": {"0.vibrate": {"range": [0, 4.5]}}}"#),
        user(r#"{"outputs": {"0.vibrate": {"range": [0, 4], "of": [0, 0]}}}"#),
        user(r#"{"outputs": {"0.vibrate": {"rnage": [0, 4]}}}"#),
        user(r#"{"outputs": {"0.vibrate": {"range": null}}}"#),
        user(r#"{"outputs": {"0.vibrate": {"range": [0, 4], "of": null}}}"#),
        user(r#"{"outputs": {"0.vibrate": {"duration_ms": null}}}"#),
        user(r#"{"output": {"0.vibrate": {"range": [0, 4]}}}"#),
        user("7"),
        user("{}").replace("\"user\"", "\"User\""),
    ];
    for entry in wrong {
        let known = Place::new(&format!(r#"{{"version": 1, "devices": [{entry}]}}"#)).open();
        assert!(known.refuses("a").is_some_and(|why| why.contains("not understood")), "{entry}");
        assert_eq!((known.withheld(), known.problems().len()), (None, 1), "{entry}");
    }
}

#[test]
fn while_a_file_that_may_hold_limits_is_not_understood_nothing_is_driven_and_it_is_left_alone() {
    let good = r#"{"version": 1, "devices": []}"#;
    let zeros = "\0".repeat(300);
    let twice = r#"{"version": 1, "devices": [{"bus": "btle", "address": "a", "protocol": "toys", "index": 0,
        "user": {"outputs": {"0.vibrate": {"range": [0, 4]}}},
        "user": {}}]}"#;
    let wrong = [
        "",
        " \n",
        &zeros,
        "{",
        "[]",
        "null",
        r#"{"version": 3, "devices": []}"#,
        r#"{"devices": []}"#,
        r#"{"version": "1", "devices": []}"#,
        r#"{"version": 1, "devices": {}}"#,
        r#"{"version": 1}"#,
        r#"{"version": 1, "devices": [7]}"#,
        r#"{"version": 1, "devices": [{"index": 0}],}"#,
        twice,
        "{\"version\": \u{e9}",
        good.trim_end_matches('}'),
        &format!("{good}x"),
    ];
    for text in wrong {
        let place = Place::new(text);
        let mut known = place.open();
        let why = known.withheld().unwrap_or_else(|| panic!("{text:?} is taken"));
        assert!(why.contains(FILE) && why.contains("hapticd state set-aside"), "{why}");
        admit(&mut known, "a", None);
        if let Some(to_save) = known.to_save() {
            assert!(text.contains('7') || text.contains("index"), "{text:?} is written over");
            to_save.save().unwrap();
        } else {
            assert_eq!(std::fs::read_to_string(place.file()).unwrap(), text);
        }
    }
}

#[test]
fn what_cannot_be_read_is_no_absent_file() {
    let place = Place(tempfile::tempdir().unwrap());
    std::fs::create_dir(place.file()).unwrap();
    assert!(place.open().withheld().unwrap().contains("cannot be read"));
    std::fs::remove_dir(place.file()).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(place.0.path().join("unplugged"), place.file()).unwrap();
        assert!(place.open().withheld().is_some());
        // A link that leads somewhere is written through.
        std::fs::write(place.0.path().join("unplugged"), r#"{"version": 1, "devices": []}"#).unwrap();
        let mut known = place.open();
        admit(&mut known, "a", None);
        store(&mut known);
        assert!(place.file().symlink_metadata().unwrap().is_symlink());
        assert!(std::fs::read_to_string(place.0.path().join("unplugged")).unwrap().contains("toys"));
    }
}

#[test]
fn marks_and_blanks_of_editors_do_no_harm() {
    let entries = entry(0, "two", &json!({ "0.vibrate": { "range": [0, 4] } })).to_string();
    let place = Place::new(&format!("\u{feff}{{\"version\": 1,\r\n \"devices\": [{entries}]}}  \r\n\r\n"));
    let mut known = place.open();
    assert_eq!((known.problems(), known.withheld()), (vec![], None));
    assert_eq!(range(&admit(&mut known, "a", Some("two")), 0, Vibrate), Some((0, 4)));
}

#[test]
fn a_second_server_is_told_who_is_there_or_runs_without_remembering() {
    let place = Place::with(&[entry(0, "two", &json!({ "0.vibrate": { "range": [0, 4] } }))]);
    let mut first = place.open();
    first.announce("127.0.0.1:1");
    let InUse(holder) = KnownDevices::open(place.0.path(), &place.0.path().join("devices.toml"), true).unwrap_err();
    assert!(holder.ends_with("which listens on 127.0.0.1:1"), "{holder}");
    let mut second = KnownDevices::open(place.0.path(), &place.0.path().join("devices.toml"), false).unwrap();
    assert_eq!(range(&admit(&mut second, "a", Some("two")), 0, Vibrate), Some((0, 4)));
    assert_eq!(admit(&mut second, "b", None).index, 1);
    assert!(second.to_save().is_none());
}

#[test]
fn users_allow_and_deny() {
    let place = Place::new(
        r#"{"version": 1, "devices": [
        {"bus": "btle", "address": "bad", "protocol": "toys", "index": 0, "user": {"deny": true}},
        {"bus": "btle", "address": "good", "protocol": "toys", "index": 1, "user": {"allow": true,
            "display_name": "Mine", "gap_ms": 90, "outputs": {"0.vibrate": {"range": [2, 9]}}}}]}"#,
    );
    let mut known = place.open();
    assert!(known.refuses("bad").unwrap().contains("deny"));
    assert!(known.refuses("other").unwrap().contains("allow only"));
    assert_eq!(known.refuses("good"), None);
    let found = admit(&mut known, "good", None);
    assert_eq!((found.user.display_name.as_deref(), found.user.gap_ms), (Some("Mine"), Some(90)));
    assert_eq!(range(&found, 0, Vibrate), Some((2, 9)));
}

#[test]
fn what_is_known_for_now_is_not_written_unless_it_was_or_is_wanted() {
    let place = Place(tempfile::tempdir().unwrap());
    let mut known = place.open();
    let mut take = |address: &str, wanted| {
        let Admitted { index, known: met, .. } = admit(&mut known, address, None);
        let save = known.remember(index, !met, wanted);
        (index, save, known.to_save().unwrap().text().contains(&format!("\"address\": \"{address}\"")))
    };
    assert_eq!(take("real", true), (0, true, true));
    assert_eq!(take("played", false), (1, false, false));
    assert_eq!(take("played", false), (1, false, false), "its index is its own as long as the server runs");
    assert_eq!(take("real", false), (0, false, true), "what the file has stays there");
    assert_eq!(take("played", true), (1, true, true));
    assert_eq!(take("played", false), (1, false, true));
}

#[test]
fn the_travel_of_an_axis_is_limited_however_it_is_sent_there() {
    use OutputKind::{HwPositionWithDuration as Timed, Position};
    let limits = json!({ "0.position": { "range": [200, 800], "reverse": true } });
    let found = admit(&mut Place::with(&[entry(0, "axis", &limits)]).open(), "a", Some("axis"));
    assert_eq!((range(&found, 0, Position), range(&found, 0, Timed)), (Some((200, 800)), Some((20, 79))));
    assert!(found.user.limits[&(0, Timed)].reverse && found.user.refused.is_empty());
    // Limits of its own go first, and may be none.
    let limits = json!({ "0.position": { "range": [200, 800] }, "0.hw_position": {} });
    let found = admit(&mut Place::with(&[entry(0, "axis", &limits)]).open(), "a", Some("axis"));
    assert_eq!(range(&found, 0, Timed), None);
}

#[test]
fn a_speed_holds_for_the_whole_axis_and_what_cannot_be_kept_is_refused() {
    use OutputKind::{HwPositionWithDuration as Timed, Position};
    let axis = |limits: Value| admit(&mut Place::with(&[entry(0, "axis", &limits)]).open(), "a", Some("axis")).user;
    let found = axis(json!({ "0.position": { "speed": 50 } }));
    assert_eq!([Position, Timed].map(|kind| found.limits[&(0, kind)].speed), [Some(50), Some(50)]);
    assert!(found.refused.is_empty());
    let found = axis(json!({ "0.position": { "speed": 50 }, "0.hw_position": { "speed": 70 } }));
    assert_eq!([Position, Timed].map(|kind| found.limits[&(0, kind)].speed), [Some(50), Some(70)]);
    let longest = json!({ "0.hw_position": { "speed": 49, "duration_ms": [0, 2000] } });
    assert_eq!(
        axis(longest).refused[&(0, Timed)],
        "a move lasts 2000 ms at most, so `speed` cannot be below 50, as it is in devices.toml for \"0.hw_position\""
    );
    assert!(axis(json!({ "0.position": { "rise": 50 } })).refused[&(0, Position)].contains("`rise`"));
    let level = |limits: Value| admit(&mut Place::with(&[entry(0, "two", &limits)]).open(), "a", Some("two")).user;
    let found = level(json!({ "0.vibrate": { "rise": 50 }, "1.vibrate": { "speed": 50 } }));
    assert_eq!(found.limits[&(0, Vibrate)].rise, Some(50));
    assert_eq!(found.refused.keys().collect::<Vec<_>>(), [&(1, Vibrate)]);
    assert!(found.refused[&(1, Vibrate)].contains("`rise` limits how fast"));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for() {
    let place = Place(tempfile::tempdir().unwrap());
    assert!(std::process::Command::new("mkfifo").arg(place.file()).status().unwrap().success());
    assert!(place.open().withheld().unwrap().contains("no regular file"));
}
