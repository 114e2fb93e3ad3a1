//! rfkill: Bluetooth radios that are switched off.

use crate::manager::system::System;
use crate::types::Finding;

pub(super) fn check(system: &System) -> Vec<Finding> {
    const RFKILL: &str = "/sys/class/rfkill";
    let mut found = Vec::new();
    for entry in system.list(RFKILL, "") {
        let of = |what: &str| system.read(format!("{RFKILL}/{entry}/{what}")).unwrap_or_default();
        if of("type") != "bluetooth" {
            continue;
        }
        let name = of("name");
        found.push(if of("hard") == "1" {
            let advice = "use the switch or key for radios of this computer, or its firmware's setup";
            Finding::problem(format!("{name} is switched off by hardware"), advice)
        } else if of("soft") == "1" {
            Finding::problem(format!("{name} is switched off by software"), "sudo rfkill unblock bluetooth")
        } else {
            Finding::ok(format!("{name} is not switched off"))
        });
    }
    if found.is_empty() {
        found.push(Finding::ok("no radio is switched off"));
    }
    if !system.settings.buses.btle.enabled {
        found = vec![Finding::ok("not needed: `buses.btle.enabled` is false")];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manager::system::FakeSystem;
    use crate::types::Verdict::{Ok, Problem};

    #[test]
    fn blocked_radios_are_problems_unless_bluetooth_is_not_wanted() {
        let mut fake = FakeSystem::new();
        let radio = |number: u8, kind: &str, soft: &str, hard: &str| {
            let at = |file: &str| format!("/sys/class/rfkill/rfkill{number}/{file}");
            fake.file(&at("type"), &format!("{kind}\n")).file(&at("name"), &format!("radio{number}\n"));
            fake.file(&at("soft"), &format!("{soft}\n")).file(&at("hard"), &format!("{hard}\n"));
        };
        assert_eq!(check(&fake.system)[0].verdict, Ok);
        radio(0, "wlan", "1", "1");
        radio(1, "bluetooth", "0", "0");
        radio(2, "bluetooth", "1", "0");
        radio(3, "bluetooth", "1", "1");
        let found = check(&fake.system);
        assert_eq!(found.iter().map(|found| found.verdict).collect::<Vec<_>>(), [Ok, Problem, Problem]);
        assert_eq!(found[1].advice.as_deref(), Some("sudo rfkill unblock bluetooth"));
        assert!(found[2].text.contains("radio3") && found[2].text.contains("hardware"));
        fake.system.settings.buses.btle.enabled = false;
        assert_eq!(check(&fake.system)[0].verdict, Ok);
    }
}
