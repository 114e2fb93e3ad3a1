//! hapticd's own files: settings, state, definitions.

use std::path::{Path, PathBuf};

use super::Finding;
use super::world::World;
use crate::hub::known_devices;
use crate::settings::BUILTIN;

/// Settings files are right.
pub(super) fn settings(world: &World) -> Vec<Finding> {
    if let Some(error) = &world.settings_error {
        let advice = "correct them; what follows is judged by the built-in settings";
        return vec![Finding::problem(format!("the settings are wrong: {error}"), advice)];
    }
    let changed = world.settings.report().iter().filter(|line| line.origin != BUILTIN);
    let changed: Vec<_> = changed.map(|line| line.key.as_str()).collect();
    vec![Finding::ok(match changed.len() {
        0 => "all as built in".to_owned(),
        _ => format!("right; set are {}", changed.join(", ")),
    })]
}

/// The state directory can be written, and what is in it can be read.
pub(super) fn state(world: &World) -> Vec<Finding> {
    let dir = &world.settings.state.dir;
    let shown = dir.display();
    if !world.path(dir).is_dir() {
        let above = above(world, dir);
        return vec![if world.may_use(&above) {
            Finding::ok(format!("{shown} is made at the first start"))
        } else {
            let advice = "make it and give it to whoever runs hapticd, or set `state.dir`";
            Finding::problem(format!("{shown} is not there, and {} cannot be written", above.display()), advice)
        }];
    }
    if !world.may_use(dir) {
        let advice = "give it to whoever runs hapticd, or set `state.dir`: devices get new indexes with every start";
        return vec![Finding::problem(format!("{shown} cannot be written"), advice)];
    }
    let file = dir.join("devices.json");
    let known = match known_devices::file::read(&world.path(&file)) {
        Ok(known) => known,
        Err(why) => {
            let text = format!("no output is driven, as {} is not understood: {why}", file.display());
            return vec![Finding::problem(text, known_devices::REMEDY)];
        }
    };
    let advice = match &known.unowned {
        Some(_) => format!("no output is driven until then: {}", known_devices::REMEDY),
        None => "repair it: it may hold limits".to_owned(),
    };
    let strange = known.problems.iter().map(|problem| Finding::problem(problem.clone(), advice.clone()));
    let count = match known.count() {
        0 => "no device is known yet".to_owned(),
        1 => "1 device is known".to_owned(),
        count => format!("{count} devices are known"),
    };
    std::iter::once(Finding::ok(format!("{shown} can be written; {count}"))).chain(strange).collect()
}

/// The next directory above that exists.
fn above(world: &World, dir: &Path) -> PathBuf {
    dir.ancestors().find(|above| world.path(above).is_dir()).unwrap_or(Path::new("/")).to_owned()
}

/// Every definition is usable.
pub(super) fn definitions(world: &World) -> Vec<Finding> {
    if let Some(error) = &world.library_error {
        return vec![Finding::problem(error.clone(), "make the directory, or correct the setting")];
    }
    let problems = world.library.problems().iter().map(|problem| {
        if problem.warning {
            Finding::warning(problem.to_string(), "see device-config/README.md")
        } else {
            Finding::problem(problem.to_string(), "correct the file; `hapticd check FILE` says when it is right")
        }
    });
    let problems: Vec<_> = problems.collect();
    if problems.is_empty() {
        return vec![Finding::ok(format!("all {} can be used", world.library.definitions().len()))];
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::super::world::Fake;
    use super::*;
    use crate::library::Library;

    fn one(findings: &[Finding], verdict: Verdict, contains: &str) {
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].verdict, verdict, "{findings:?}");
        assert!(findings[0].text.contains(contains), "{findings:?}");
    }

    #[test]
    fn wrong_settings_are_a_problem() {
        let mut fake = Fake::new();
        one(&settings(&fake.world), Verdict::Ok, "all as built in");
        fake.world.settings_error = Some("`server.listn` is no setting".to_owned());
        one(&settings(&fake.world), Verdict::Problem, "server.listn");
    }

    #[test]
    fn the_state_directory_is_there_and_can_be_written_or_made() {
        let mut fake = Fake::new();
        fake.world.settings.state.dir = "/var/lib/hapticd".into();
        one(&state(&fake.world), Verdict::Ok, "is made at the first start");
        fake.file("/var/lib/hapticd/x", "");
        one(&state(&fake.world), Verdict::Ok, "no device is known yet");
        let entry =
            |index: u32| format!(r#"{{"bus": "btle", "address": "{index}", "protocol": "lovense", "index": {index}}}"#);
        let text = |devices: &[String]| format!(r#"{{"version": 1, "devices": [{}]}}"#, devices.join(", "));
        fake.file("/var/lib/hapticd/devices.json", &text(&[entry(0), entry(1)]));
        one(&state(&fake.world), Verdict::Ok, "2 devices are known");
        fake.file("/var/lib/hapticd/devices.json", &text(&[entry(0)]));
        one(&state(&fake.world), Verdict::Ok, "1 device is known");
        fake.file("/var/lib/hapticd/devices.json", &text(&[entry(0), "{}".to_owned()]));
        let findings = state(&fake.world);
        assert!(findings[1].verdict == Verdict::Problem && findings[1].text.contains("entry 2"), "{findings:?}");
        assert!(format!("{findings:?}").contains("no output is driven until then"), "{findings:?}");
        fake.file("/var/lib/hapticd/devices.json", "{\"version\":1,\"dev");
        one(&state(&fake.world), Verdict::Problem, "/var/lib/hapticd/devices.json is not understood: EOF");
    }

    #[test]
    fn a_state_directory_that_cannot_be_written_is_a_problem() {
        let mut fake = Fake::forbidden();
        fake.world.settings.state.dir = "/var/lib/hapticd".into();
        one(&state(&fake.world), Verdict::Problem, "and / cannot be written");
        fake.file("/var/lib/hapticd/x", "");
        one(&state(&fake.world), Verdict::Problem, "/var/lib/hapticd cannot be written");
    }

    #[test]
    fn a_definition_that_cannot_be_used_is_a_problem() {
        let mut fake = Fake::new();
        one(&definitions(&fake.world), Verdict::Ok, "can be used");
        fake.world.library = Library::from_texts([("bad", "name = 3")], &[]);
        let findings = definitions(&fake.world);
        assert!(findings.iter().any(|found| found.verdict == Verdict::Problem && found.text.contains("bad.toml")));
        fake.world.library_error = Some("no directory".to_owned());
        one(&definitions(&fake.world), Verdict::Problem, "no directory");
    }
}
