//! Serial ports: those that definitions name, and others that are there.

use std::collections::BTreeSet;

use super::ports::named;
use crate::manager::system::System;
use crate::types::Finding;

pub(super) fn check(system: &System) -> Vec<Finding> {
    if !system.settings.buses.serial.enabled {
        return vec![Finding::ok("not needed: `buses.serial.enabled` is false")];
    }
    let named = named(&system.library);
    let mut found: Vec<_> = named.iter().map(|port| one(system, port)).collect();
    let there = ["ttyUSB", "ttyACM"].into_iter().flat_map(|start| system.list("/dev", start));
    let there = there.map(|name| format!("/dev/{name}"));
    // A named link stands for the port it leads to.
    let real: BTreeSet<_> = named.iter().filter_map(|port| system.path(port).canonicalize().ok()).collect();
    for port in there.filter(|port| system.path(port).canonicalize().is_ok_and(|path| !real.contains(&path))) {
        found.push(Finding::ok(format!("{port} is there, but no definition names it, so hapticd leaves it alone")));
    }
    if found.is_empty() {
        found.push(Finding::ok("no definition names a port, and none is there"));
    }
    found
}

fn one(system: &System, port: &str) -> Finding {
    if !system.path(port).exists() {
        return Finding::warning(format!("{port} is named by a definition but not there"), "plug it in");
    }
    if !system.may_use(port) {
        return Finding::problem(format!("{port} is there but may not be opened"), system.way_to(port));
    }
    Finding::ok(format!("{port} may be opened"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manager::system::FakeSystem;
    use crate::types::Verdict;

    const PORT: &str = "serial = { port = \"/dev/serial/by-id/toy\", baud = 9600 }";

    #[test]
    fn named_ports_must_be_there_and_usable() {
        let mut fake = FakeSystem::new();
        fake.definition("serial = { port = \"default\", baud = 9600 }");
        assert_eq!(check(&fake.system), [Finding::ok("no definition names a port, and none is there")]);
        fake.definition(PORT);
        let found = check(&fake.system);
        assert!(found[0].verdict == Verdict::Warning && found[0].text.contains("by-id/toy"), "{found:?}");
        fake.file("/dev/ttyUSB0", "").file("/dev/ttyACM0", "").file("/dev/serial/by-id/x", "");
        std::os::unix::fs::symlink("../../ttyUSB0", fake.system.path("/dev/serial/by-id/toy")).unwrap();
        let found = check(&fake.system);
        assert_eq!(found[0], Finding::ok("/dev/serial/by-id/toy may be opened"));
        assert!(found.len() == 2 && found[1].text.starts_with("/dev/ttyACM0"), "{found:?}");
        fake.system.settings.buses.serial.enabled = false;
        assert!(check(&fake.system)[0].text.starts_with("not needed"));
    }

    #[test]
    fn a_port_that_may_not_be_opened_is_a_problem() {
        let mut fake = FakeSystem::forbidden();
        fake.definition(PORT).file("/dev/serial/by-id/toy", "");
        let found = check(&fake.system);
        assert!(found[0].verdict == Verdict::Problem && found[0].advice.is_some(), "{found:?}");
    }
}
