//! The state directory can be written, and what is in it can be read.

use std::path::{Path, PathBuf};

use crate::hub::known_devices;
use crate::manager::System;
use crate::types::Finding;
use crate::user_devices;

pub(super) fn check(system: &System) -> Vec<Finding> {
    let dir = &system.settings.state.dir;
    let directory = dir.display();
    if !system.path(dir).is_dir() {
        let above = above(system, dir);
        return vec![if system.may_use(&above) {
            Finding::ok(format!("{directory} is made at the first start"))
        } else {
            let advice = "make it and give it to whoever runs hapticd, or set `state.dir`";
            Finding::problem(format!("{directory} is not there, and {} cannot be written", above.display()), advice)
        }];
    }
    if !system.may_use(dir) {
        let advice = "give it to whoever runs hapticd, or set `state.dir`: devices get new indexes with every start";
        return vec![Finding::problem(format!("{directory} cannot be written"), advice)];
    }
    let file = dir.join("devices.json");
    let known = match known_devices::file::read(&system.path(&file)) {
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
    let files = system.settings.devices_files();
    let real: Vec<_> = files.iter().map(|file| system.path(file)).collect();
    let chosen = user_devices::choose(&real);
    let shown =
        real.iter().position(|file| *file == chosen).and_then(|position| files.get(position)).unwrap_or(&chosen);
    let (users, withheld) = known_devices::examine(&known, &chosen, shown);
    let users = users.into_iter().map(|problem| {
        let advice = if withheld { "no output is driven until then" } else { "see docs/devices-file.md" };
        Finding::problem(problem, advice)
    });
    let count = match known.count() {
        0 => "no device is known yet".to_owned(),
        1 => "1 device is known".to_owned(),
        count => format!("{count} devices are known"),
    };
    std::iter::once(Finding::ok(format!("{directory} can be written; {count}"))).chain(strange).chain(users).collect()
}

/// The next directory above that exists.
fn above(system: &System, dir: &Path) -> PathBuf {
    dir.ancestors().find(|above| system.path(above).is_dir()).unwrap_or(Path::new("/")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::one;
    use super::*;
    use crate::manager::FakeSystem;
    use crate::types::Verdict;

    #[test]
    fn the_state_directory_is_there_and_can_be_written_or_made() {
        let mut fake = FakeSystem::new();
        fake.system.settings.state.dir = "/var/lib/hapticd".into();
        one(&check(&fake.system), Verdict::Ok, "is made at the first start");
        fake.file("/var/lib/hapticd/x", "");
        one(&check(&fake.system), Verdict::Ok, "no device is known yet");
        let entry =
            |index: u32| format!(r#"{{"bus": "btle", "address": "{index}", "protocol": "lovense", "index": {index}}}"#);
        let text = |devices: &[String]| format!(r#"{{"version": 1, "devices": [{}]}}"#, devices.join(", "));
        fake.file("/var/lib/hapticd/devices.json", &text(&[entry(0), entry(1)]));
        one(&check(&fake.system), Verdict::Ok, "2 devices are known");
        fake.file("/var/lib/hapticd/devices.json", &text(&[entry(0)]));
        one(&check(&fake.system), Verdict::Ok, "1 device is known");
        fake.file("/var/lib/hapticd/devices.json", &text(&[entry(0), "{}".to_owned()]));
        let findings = check(&fake.system);
        assert!(findings[1].verdict == Verdict::Problem && findings[1].text.contains("entry 2"), "{findings:?}");
        assert!(format!("{findings:?}").contains("no output is driven until then"), "{findings:?}");
        fake.file("/var/lib/hapticd/devices.json", "{\"version\":1,\"dev");
        one(&check(&fake.system), Verdict::Problem, "/var/lib/hapticd/devices.json is not understood: EOF");
    }

    #[test]
    fn a_state_directory_that_cannot_be_written_is_a_problem() {
        let mut fake = FakeSystem::forbidden();
        fake.system.settings.state.dir = "/var/lib/hapticd".into();
        one(&check(&fake.system), Verdict::Problem, "and / cannot be written");
        fake.file("/var/lib/hapticd/x", "");
        one(&check(&fake.system), Verdict::Problem, "/var/lib/hapticd cannot be written");
    }
}
