//! The systemd service: installed, complete, running.

use crate::manager::System;
use crate::types::Finding;

/// Where systemd looks for units, the strongest first.
const DIRECTORIES: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
const UNIT: &str = "hapticd.service";

pub(super) fn check(system: &System) -> Vec<Finding> {
    let units = DIRECTORIES.map(|directory| format!("{directory}/{UNIT}"));
    let Some((path, unit)) = units.iter().find_map(|path| Some((path, system.read(path)?))) else {
        return vec![Finding::ok("not installed as a service")];
    };
    let mut found = Vec::new();
    let value = |key: &str| unit.lines().rev().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='));
    if let Some(user) = value("User").map(str::trim)
        && !system.read("/etc/passwd").unwrap_or_default().lines().any(|line| line.split(':').next() == Some(user))
    {
        found.push(Finding::problem(
            format!("{path} runs as {user}, a user that does not exist"),
            "sudo systemd-sysusers",
        ));
    }
    let program = value("ExecStart").and_then(|line| line.split_whitespace().next());
    if let Some(program) = program.filter(|program| !system.path(program).exists()) {
        let text = format!("{path} starts {program}, which is not there");
        found.push(Finding::problem(text, "install hapticd there, or install the service anew"));
    }
    let wants = system.list("/etc/systemd/system", "").into_iter().filter(|name| name.ends_with(".wants"));
    let enabled = wants.into_iter().any(|name| {
        // The link need not lead anywhere from here: its being there counts.
        system.path(format!("/etc/systemd/system/{name}/{UNIT}")).symlink_metadata().is_ok()
    });
    // A unit that runs has processes in its group.
    let processes = system.read(format!("/sys/fs/cgroup/system.slice/{UNIT}/cgroup.procs"));
    let running = processes.is_some_and(|processes| !processes.is_empty());
    let systemd = system.path("/run/systemd/system").is_dir();
    found.push(match (running, enabled) {
        _ if !systemd => {
            Finding::warning(format!("{path} is installed, but systemd does not run here"), "start hapticd yourself")
        }
        (true, true) => Finding::ok(format!("{path} is running")),
        (true, false) => {
            Finding::warning("the service is running, but not started with the system", "sudo systemctl enable hapticd")
        }
        (false, true) => Finding::problem(
            "the service should be running and is not",
            "look why: systemctl status hapticd, journalctl -u hapticd",
        ),
        (false, false) => {
            Finding::warning("the service is installed but not switched on", "sudo systemctl enable --now hapticd")
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manager::FakeSystem;
    use crate::types::Verdict::{self, Ok, Problem, Warning};

    const TEXT: &str = "[Service]\nUser=hapticd\nExecStart=/usr/bin/hapticd serve\n";

    fn verdicts(fake: &FakeSystem) -> Vec<Verdict> {
        check(&fake.system).iter().map(|found| found.verdict).collect()
    }

    #[test]
    fn every_stage_of_an_installation_is_told() {
        let fake = FakeSystem::new();
        assert_eq!(check(&fake.system), [Finding::ok("not installed as a service")]);
        fake.file("/usr/lib/systemd/system/hapticd.service", TEXT).file("/run/systemd/system/x", "");
        assert_eq!(verdicts(&fake), [Problem, Problem, Warning]);
        fake.file("/etc/passwd", "root:x:0:0:::\nhapticd:x:999:999:::\n");
        assert_eq!(verdicts(&fake), [Problem, Warning]);
        fake.file("/usr/bin/hapticd", "");
        assert_eq!(verdicts(&fake), [Warning]);
        fake.file("/etc/systemd/system/multi-user.target.wants/hapticd.service", "");
        assert_eq!(verdicts(&fake), [Problem]);
        fake.file("/sys/fs/cgroup/system.slice/hapticd.service/cgroup.procs", "17\n");
        assert_eq!(verdicts(&fake), [Ok]);
        fake.file("/sys/fs/cgroup/system.slice/hapticd.service/cgroup.procs", "");
        assert_eq!(verdicts(&fake), [Problem]);
    }

    #[test]
    fn without_systemd_nothing_can_be_running() {
        let fake = FakeSystem::new();
        fake.file("/usr/lib/systemd/system/hapticd.service", "[Service]\n");
        assert_eq!(verdicts(&fake), [Warning]);
    }
}
