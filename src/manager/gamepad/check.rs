//! Gamepads that can shake.

use crate::manager::system::System;
use crate::types::Finding;

const CLASS: &str = "/sys/class/input";

pub(super) fn check(system: &System) -> Vec<Finding> {
    if !system.settings.buses.gamepad.enabled {
        return vec![Finding::ok("not needed: `buses.gamepad.enabled` is false")];
    }
    let mut found = Vec::new();
    for node in system.list(CLASS, "event") {
        let of = |what: &str| system.read(format!("{CLASS}/{node}/{what}")).unwrap_or_default();
        // All zero: no effect can be played.
        let shakes = of("device/capabilities/ff").chars().any(|c| c.is_ascii_hexdigit() && c != '0');
        // Other things that shake, such as touch pads, are no business of ours; udev keeps what is a joystick by number.
        let about = system.read(format!("/run/udev/data/c{}", of("dev"))).unwrap_or_default();
        if !shakes || !about.lines().any(|line| line == "E:ID_INPUT_JOYSTICK=1") {
            continue;
        }
        let (path, name) = (format!("/dev/input/{node}"), of("device/name"));
        found.push(if system.may_use(&path) {
            Finding::ok(format!("{path} ({name}) may be opened"))
        } else {
            Finding::warning(format!("{path} ({name}) may not be opened"), system.way_to(&path))
        });
    }
    if found.is_empty() {
        found.push(Finding::ok("none that can shake is plugged in"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manager::system::FakeSystem;
    use crate::types::Verdict;

    fn plug(fake: &FakeSystem) {
        let event = |number: u8, ff: &str, joystick: bool| {
            let at = |file: &str| format!("/sys/class/input/event{number}/{file}");
            fake.file(&at("device/capabilities/ff"), ff).file(&at("device/name"), "Pad\n");
            fake.file(&at("dev"), &format!("13:{number}\n")).file(&format!("/dev/input/event{number}"), "");
            let about = if joystick { "E:ID_INPUT=1\nE:ID_INPUT_JOYSTICK=1\n" } else { "E:ID_INPUT=1\n" };
            fake.file(&format!("/run/udev/data/c13:{number}"), about);
        };
        event(1, "0\n", true);
        event(2, "107030000 0\n", true);
        event(3, "107030000 0\n", false);
    }

    #[test]
    fn only_gamepads_that_can_shake_are_looked_at() {
        let fake = FakeSystem::new();
        assert_eq!(check(&fake.system), [Finding::ok("none that can shake is plugged in")]);
        plug(&fake);
        assert_eq!(check(&fake.system), [Finding::ok("/dev/input/event2 (Pad) may be opened")]);
    }

    #[test]
    fn one_that_may_not_be_opened_is_a_warning() {
        let fake = FakeSystem::forbidden();
        plug(&fake);
        let found = check(&fake.system);
        assert_eq!((found.len(), found[0].verdict), (1, Verdict::Warning));
    }
}
