//! The udev rules: installed, and what `hapticd udev` prints today.

use super::Finding;
use super::world::World;
use crate::cli::udev;

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

pub(super) fn check(world: &World) -> Vec<Finding> {
    let paths = DIRECTORIES.map(|directory| format!("{directory}/{}", udev::FILE));
    let Some(path) = paths.into_iter().find(|path| world.path(path).exists()) else {
        return vec![Finding::warning("not installed: HID devices can be used by root only", INSTALL)];
    };
    let wanted = udev::rules(&world.library);
    vec![match world.read(&path) {
        None => Finding::warning(format!("{path} cannot be read"), INSTALL),
        Some(text) if text == wanted.trim() => Finding::ok(format!("{path} is current")),
        Some(_) => Finding::warning(format!("{path} is not what `hapticd udev` prints now"), INSTALL),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::super::world::Fake;
    use super::*;

    #[test]
    fn missing_current_old_and_hidden_rules_are_told_apart() {
        let fake = Fake::new();
        assert!(check(&fake.world)[0].text.starts_with("not installed"));
        fake.file("/usr/lib/udev/rules.d/70-hapticd.rules", &udev::rules(&fake.world.library));
        assert_eq!(check(&fake.world), [Finding::ok("/usr/lib/udev/rules.d/70-hapticd.rules is current")]);
        fake.file("/etc/udev/rules.d/70-hapticd.rules", "# old\n");
        let found = check(&fake.world);
        assert!(found[0].verdict == Verdict::Warning && found[0].text.starts_with("/etc/udev"), "{found:?}");
    }
}
