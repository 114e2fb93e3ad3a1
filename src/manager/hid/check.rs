//! HID devices that are known, the Lovense dongle among them.

use crate::manager::{access::hid_devices, system::System};
use crate::types::Finding;

const CLASS: &str = "/sys/class/hidraw";

pub(super) fn check(system: &System) -> Vec<Finding> {
    let buses = &system.settings.buses;
    if !buses.hid.enabled && !buses.lovense_dongle.enabled {
        return vec![Finding::ok("not needed: `buses.hid.enabled` and `buses.lovense_dongle.enabled` are false")];
    }
    let known = hid_devices(&system.access);
    let mut found = Vec::new();
    for node in system.list(CLASS, "hidraw") {
        let about = system.read(format!("{CLASS}/{node}/device/uevent")).unwrap_or_default();
        let Some(names) = id(&about).and_then(|id| known.get(&id)) else {
            continue;
        };
        let (path, names) = (format!("/dev/{node}"), names.join(", "));
        found.push(if system.may_use(&path) {
            Finding::ok(format!("{path} ({names}) may be opened"))
        } else {
            Finding::problem(format!("{path} ({names}) may not be opened"), system.way_to(&path))
        });
    }
    if found.is_empty() {
        found.push(Finding::ok("no known device is plugged in"));
    }
    found
}

/// Vendor and product from a line such as `HID_ID=0003:00001915:0000520A`.
fn id(about: &str) -> Option<(u16, u16)> {
    let line = about.lines().find_map(|line| line.strip_prefix("HID_ID="))?;
    let mut parts = line.split(':').skip(1).map(|part| u32::from_str_radix(part, 16));
    let (vendor, product) = (parts.next()?.ok()?, parts.next()?.ok()?);
    Some((u16::try_from(vendor).ok()?, u16::try_from(product).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manager::system::FakeSystem;
    use crate::types::Verdict;

    const DONGLE: &str = "DRIVER=hid-generic\nHID_ID=0003:00001915:0000520A\nHID_NAME=x\n";

    fn plug(fake: &FakeSystem) {
        fake.file("/sys/class/hidraw/hidraw0/device/uevent", "HID_ID=0003:0000046D:0000C077\n");
        fake.file("/sys/class/hidraw/hidraw1/device/uevent", DONGLE);
        fake.file("/sys/class/hidraw/hidraw2/device/uevent", "HID_ID=3:FFFFFFFFF:x\n");
        fake.file("/dev/hidraw0", "").file("/dev/hidraw1", "");
    }

    #[test]
    fn only_known_devices_are_looked_at() {
        let fake = FakeSystem::new();
        assert_eq!(check(&fake.system), [Finding::ok("no known device is plugged in")]);
        plug(&fake);
        assert_eq!(check(&fake.system), [Finding::ok("/dev/hidraw1 (Lovense USB dongle) may be opened")]);
    }

    #[test]
    fn a_known_device_that_may_not_be_opened_is_a_problem() {
        let mut fake = FakeSystem::forbidden();
        plug(&fake);
        let found = check(&fake.system);
        assert_eq!((found.len(), found[0].verdict), (1, Verdict::Problem));
        assert!(found[0].text.contains("/dev/hidraw1"));
        fake.system.settings.buses.hid.enabled = false;
        assert_eq!(check(&fake.system)[0].verdict, Verdict::Problem, "the dongle is wanted");
        fake.system.settings.buses.lovense_dongle.enabled = false;
        assert_eq!(check(&fake.system)[0].verdict, Verdict::Ok);
    }
}
