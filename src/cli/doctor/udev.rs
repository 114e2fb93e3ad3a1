//! The udev rules: installed, and what `hapticd udev` prints today.

use crate::cli::udev as rules;
use crate::manager::System;
use crate::types::Finding;

/// Where udev looks, the strongest first: a file hides those of the same name further down.
const DIRECTORIES: [&str; 5] = [
    "/etc/udev/rules.d",
    "/run/udev/rules.d",
    "/usr/local/lib/udev/rules.d",
    "/usr/lib/udev/rules.d",
    "/lib/udev/rules.d",
];

const INSTALL: &str = "hapticd udev | sudo tee /etc/udev/rules.d/70-hapticd.rules, then \
                       sudo udevadm control --reload && sudo udevadm trigger";

pub(super) fn check(system: &System) -> Vec<Finding> {
    let paths = DIRECTORIES.map(|directory| format!("{directory}/{}", rules::FILE));
    let Some(path) = paths.into_iter().find(|path| system.path(path).exists()) else {
        return vec![Finding::warning("not installed: HID devices can be used by root only", INSTALL)];
    };
    let wanted = rules::rules(&system.library);
    vec![match system.read(&path) {
        None => Finding::warning(format!("{path} cannot be read"), INSTALL),
        Some(text) if text == wanted.trim() => Finding::ok(format!("{path} is current")),
        Some(_) => Finding::warning(format!("{path} is not what `hapticd udev` prints now"), INSTALL),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manager::FakeSystem;
    use crate::types::Verdict;

    #[test]
    fn missing_current_old_and_hidden_rules_are_told_apart() {
        let fake = FakeSystem::new();
        assert!(check(&fake.system)[0].text.starts_with("not installed"));
        fake.file("/usr/lib/udev/rules.d/70-hapticd.rules", &rules::rules(&fake.system.library));
        assert_eq!(check(&fake.system), [Finding::ok("/usr/lib/udev/rules.d/70-hapticd.rules is current")]);
        fake.file("/etc/udev/rules.d/70-hapticd.rules", "# old\n");
        let found = check(&fake.system);
        assert!(found[0].verdict == Verdict::Warning && found[0].text.starts_with("/etc/udev"), "{found:?}");
    }
}
