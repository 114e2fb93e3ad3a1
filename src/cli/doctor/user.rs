//! Who looks: the other findings hold for this user.

use crate::manager::System;
use crate::types::Finding;

pub(super) fn check(system: &System) -> Vec<Finding> {
    let status = system.read("/proc/self/status").unwrap_or_default();
    let numbers = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
        line.split_whitespace().filter_map(|number| number.parse().ok()).collect::<Vec<u32>>()
    };
    let Some(user) = numbers("Uid:").first().copied() else {
        return vec![Finding::warning("who runs this is not known", "have /proc mounted")];
    };
    let name = system.name_of("/etc/passwd", user).unwrap_or_else(|| user.to_string());
    if user == 0 {
        let text = format!("{name} may use everything, so this says nothing about the rights of others");
        return vec![Finding::warning(
            text,
            "run it as who runs hapticd; for the service: sudo -u hapticd env STATE_DIRECTORY=/var/lib/hapticd hapticd doctor",
        )];
    }
    let groups = numbers("Gid:").first().copied().into_iter().chain(numbers("Groups:"));
    let mut groups: Vec<_> =
        groups.map(|group| system.name_of("/etc/group", group).unwrap_or_else(|| group.to_string())).collect();
    groups.sort();
    groups.dedup();
    vec![Finding::ok(format!("looking with the rights of {name} (groups {})", groups.join(", ")))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manager::FakeSystem;
    use crate::types::Verdict;

    #[test]
    fn the_user_and_the_groups_are_named_and_root_is_warned() {
        let fake = FakeSystem::new();
        fake.file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/:/bin/sh\n");
        fake.file("/etc/group", "root:x:0:\nann:x:1000:\ndialout:x:20:ann\n");
        assert_eq!(check(&fake.system)[0].verdict, Verdict::Warning, "nothing is known");
        fake.file("/proc/self/status", "Name:\tx\nUid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\nGroups:\t20 999\n");
        assert_eq!(check(&fake.system), [Finding::ok("looking with the rights of ann (groups 999, ann, dialout)")]);
        fake.file("/proc/self/status", "Uid:\t0\t0\t0\t0\n");
        assert_eq!(check(&fake.system)[0].verdict, Verdict::Warning);
    }
}
