//! The server's process as the operating system sees it.

use std::fmt;
use std::path::PathBuf;

/// The one child of this process that is a server.
pub fn of_server() -> u32 {
    let own = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let id: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (_, after_name) = stat.rsplit_once(") ")?;
        (stat.contains("(hapticd") && after_name.split(' ').nth(1) == Some(&own)).then_some(id)
    });
    processes.last().expect("the server is not among this process's children")
}

/// What a process takes.
#[derive(Debug, Clone, Copy)]
pub struct Takes {
    pub kilobytes: i64,
    pub handles: i64,
    pub threads: i64,
}

impl Takes {
    pub fn of(process: u32) -> Self {
        let proc = PathBuf::from(format!("/proc/{process}"));
        let status = std::fs::read_to_string(proc.join("status")).unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
            line.and_then(|number| number.parse().ok()).unwrap_or_default()
        };
        let handles = std::fs::read_dir(proc.join("fd")).map_or(0, Iterator::count) as i64;
        Self { kilobytes: number("VmRSS:"), handles, threads: number("Threads:") }
    }
}

impl fmt::Display for Takes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kB, {} file handles, {} threads", self.kilobytes, self.handles, self.threads)
    }
}
