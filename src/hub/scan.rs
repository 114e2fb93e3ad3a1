//! Who wants hardware to be looked for. One client's StopScanning does not end another's scan.

use std::collections::BTreeSet;

use crate::types::OperatorId;

/// The sessions that scan.
#[derive(Debug, Default)]
pub(super) struct Scans {
    wanted_by: BTreeSet<OperatorId>,
}

/// What a change means for the managers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ScanChange {
    /// Scanning begins, or somebody new wants to hear of what is there.
    Start,
    /// Nobody scans any more.
    Stop,
    /// Nothing to do.
    None,
}

impl Scans {
    pub(super) fn set(&mut self, owner: OperatorId, wanted: bool) -> ScanChange {
        if wanted {
            self.wanted_by.insert(owner);
            return ScanChange::Start;
        }
        if self.wanted_by.remove(&owner) && self.wanted_by.is_empty() { ScanChange::Stop } else { ScanChange::None }
    }

    pub(super) fn active(&self) -> bool {
        !self.wanted_by.is_empty()
    }

    pub(super) fn end(&mut self) {
        self.wanted_by.clear();
    }

    pub(super) fn count(&self) -> usize {
        self.wanted_by.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scanning_lasts_as_long_as_anybody_wants_it() {
        let (ann, bob) = (OperatorId(1), OperatorId(2));
        let mut scans = Scans::default();
        assert_eq!(scans.set(ann, true), ScanChange::Start);
        assert_eq!(scans.set(bob, true), ScanChange::Start);
        assert_eq!(scans.set(ann, false), ScanChange::None);
        assert_eq!(scans.set(ann, false), ScanChange::None);
        assert!(scans.active());
        assert_eq!(scans.set(bob, false), ScanChange::Stop);
        assert!(!scans.active());
    }
}
