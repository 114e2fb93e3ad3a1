//! What the user set, as `devices.toml` says it and as it is in force.

use std::path::{Path, PathBuf};

use super::file::{Known, REMEDY};
use super::held::Held;
use super::in_force;
use crate::user_devices::address::same_address;
use crate::user_devices::{DeviceSettings, EntryProblem, UserDevices, read};

/// What reading `devices.toml` has given; `None` when there is no such file.
pub type Read = Result<Option<UserDevices>, String>;

/// What the user set.
#[derive(Debug, Clone, Default)]
pub(super) struct Users {
    /// The file; `None` for servers without one.
    pub path: Option<PathBuf>,
    /// Its entries, as they were when it was understood last.
    pub entries: Vec<DeviceSettings>,
    /// What is in force because of them, and because of what was in force before.
    pub held: Vec<Held>,
    /// What holds though the file does not say it any more.
    vanished: Vec<String>,
    /// What is wrong with the file as it is now.
    fault: Option<String>,
    wrong: Vec<EntryProblem>,
    /// Why nothing may be driven: what the server found when it started may hold limits.
    withheld: Option<String>,
    /// Addresses that may not be used, as the server has never understood their entries.
    refused: Vec<String>,
    /// Addresses whose entries say that what held before no longer does.
    pub to_forget: Vec<String>,
    /// The state file is still of the version in which it says what the user set.
    is_old: bool,
}

/// What a change of the file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// What is in force is another than before, or there is something to forget.
    pub changed: bool,
}

impl Users {
    /// Takes what the file says at the start of the server, with what was in force before.
    pub fn start(path: &Path, read: Read, before: Vec<Held>, is_old: bool) -> Self {
        let mut this = Self { path: Some(path.to_owned()), held: before, is_old, ..Self::default() };
        this.apply(read);
        this.withheld = this.fault.clone();
        this.refused = this.wrong.iter().filter_map(|problem| problem.address.clone()).collect();
        this
    }

    /// Takes what the file says now. What is not understood changes nothing of what is in force.
    pub fn apply(&mut self, read: Read) -> Applied {
        let file = match read {
            Ok(file) => file.unwrap_or_default(),
            Err(why) => {
                self.fault = Some(why);
                return Applied { changed: false };
            }
        };
        // An entry that does not say whose it is may be about every device.
        if let Some(problem) = file.problems.iter().find(|problem| problem.address.is_none()) {
            self.fault = Some(problem.to_string());
            self.wrong = file.problems;
            return Applied { changed: false };
        }
        let unclear: Vec<_> = file.problems.iter().filter_map(|problem| problem.address.clone()).collect();
        let now = in_force::apply(&file.devices, &unclear, &self.held);
        let to_forget = file.devices.iter().filter(|entry| entry.forget).map(|entry| entry.source.address.clone());
        self.to_forget = to_forget.collect();
        let changed = now.held != self.held || !self.to_forget.is_empty() || self.entries != file.devices;
        self.held = now.held;
        self.vanished = now.vanished;
        self.refused.retain(|address| unclear.iter().any(|other| same_address(other, address)));
        (self.fault, self.withheld, self.wrong) = (None, None, file.problems);
        self.entries = file.devices;
        Applied { changed }
    }

    /// Why nothing may be driven, if so.
    pub fn withheld(&self) -> Option<String> {
        let (path, why) = self.path.as_ref().zip(self.withheld.as_ref())?;
        let path = path.display();
        Some(format!("outputs are refused, because {path} may hold limits and is not understood: {why}; repair it"))
    }

    /// Whether the file says that what held for this address no longer does.
    pub fn forgets(&self, address: &str) -> bool {
        self.to_forget.iter().any(|other| same_address(other, address))
    }

    /// Why hardware with this address may not be used, if so.
    pub fn refuses(&self, address: &str) -> Option<&'static str> {
        let refused = self.refused.iter().any(|other| same_address(other, address));
        refused.then_some("its entry in devices.toml is not understood, and may hold limits; see the log")
    }

    /// Everything that people should know of the file.
    pub fn problems(&self) -> Vec<String> {
        let Some(path) = &self.path else { return Vec::new() };
        let path = path.display();
        let fault = self.fault.iter().filter(|_| self.withheld.is_none());
        let fault = fault.map(|why| format!("{path} is not understood, so what it said before stays in force: {why}"));
        let refused = |problem: &EntryProblem| {
            self.refused.iter().any(|other| problem.address.as_deref().is_some_and(|own| same_address(own, other)))
        };
        let wrong = self.wrong.iter().filter(|_| self.fault.is_none()).map(|problem| {
            let then = if refused(problem) { "its device is not used" } else { "what it said before stays in force" };
            format!("{path} {problem}; the entry is kept, and {then}")
        });
        let vanished = self.vanished.iter().map(|what| {
            format!(
                "{what} is no longer in {path} and keeps holding, until the full range or \"unlimited\" is written there or \
                 `hapticd device set` or `hapticd device forget` ends it"
            )
        });
        let beside = self.held.iter().filter(|held| held.beside && !self.is_old).map(|held| {
            format!(
                "limits for {} from an older version cannot be compared with those in {path}: both hold, until \
                 `hapticd device forget` ends them",
                held.address
            )
        });
        self.withheld().into_iter().chain(fault).chain(wrong).chain(vanished).chain(beside).collect()
    }
}

/// What people should know of a `devices.toml`, beside the state file that is `known`; and whether outputs are refused for it.
/// Changes nothing.
#[must_use]
pub fn examine(known: &Known, path: &Path, shown: &Path) -> (Vec<String>, bool) {
    let is_old = known.version < super::file::VERSION;
    let before = if is_old { Vec::new() } else { known.in_force.clone() };
    let users = Users::start(shown, read(path), before, is_old);
    let withheld = users.withheld().is_some();
    (users.problems(), withheld)
}

/// What to do about a file that cannot be used.
pub(super) fn refusal(path: &Path, why: &str) -> String {
    format!("outputs are refused, because {} may hold limits and is not understood: {why}; {REMEDY}", path.display())
}
