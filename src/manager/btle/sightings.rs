//! Hardware that advertises, and what of it the manager reports to the hub. No Bluetooth here: only addresses and time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::library::Hardware;
use crate::patience::backoff;

/// Hardware seen this recently counts as being there when a scan starts.
const PRESENT: Duration = Duration::from_secs(10);
/// Pause after the first failed connection; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between two connections that fail.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Devices that are remembered. Phones and watches change their address every few minutes, so it must end somewhere.
const REMEMBERED: usize = 1_000;

/// Everything seen, by address.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    seen: BTreeMap<String, Seen>,
    linked: BTreeSet<String>,
}

#[derive(Debug)]
struct Seen {
    hardware: Hardware,
    last: Instant,
    /// The manager has reported just this to the hub.
    reported: bool,
    failures: u32,
    not_before: Option<Instant>,
}

impl Sightings {
    /// Hardware is there at this moment. True when the manager is to report it.
    pub(super) fn see(&mut self, hardware: &Hardware, now: Instant) -> bool {
        let linked = self.linked.contains(&hardware.address);
        if !self.seen.contains_key(&hardware.address) {
            self.make_room();
        }
        let seen = self.seen.entry(hardware.address.clone()).or_insert_with(|| Seen {
            hardware: hardware.clone(),
            last: now,
            reported: false,
            failures: 0,
            not_before: None,
        });
        seen.last = now;
        // Names and services may come later than the first sight; the hub judges it again.
        let signal_dbm = hardware.signal_dbm;
        let before = Hardware { signal_dbm, ..seen.hardware.clone() };
        if before != *hardware {
            seen.reported = false;
        }
        seen.hardware = hardware.clone();
        let says_something =
            !(hardware.name.is_empty() && hardware.advertised.is_empty() && hardware.manufacturer.is_empty());
        let waits = seen.not_before.is_some_and(|time| now < time);
        if linked || waits || seen.reported || !says_something {
            return false;
        }
        seen.reported = true;
        true
    }

    /// A scan begins: what is there is reported again. Returns it.
    pub(super) fn report_present(&mut self, now: Instant) -> Vec<Hardware> {
        for seen in self.seen.values_mut() {
            seen.reported = false;
            seen.not_before = None;
        }
        let present = self.seen.values().filter(|seen| now.duration_since(seen.last) < PRESENT);
        let present: Vec<_> = present.map(|seen| seen.hardware.clone()).collect();
        present.into_iter().filter(|hardware| self.see(hardware, now)).collect()
    }

    /// The manager reports this hardware as soon as it is seen.
    pub(super) fn report_again(&mut self, address: &str) {
        if let Some(seen) = self.seen.get_mut(address) {
            seen.reported = false;
        }
    }

    /// A link to it is open: it is no longer looked at.
    pub(super) fn linked(&mut self, address: &str) {
        self.linked.insert(address.to_owned());
        if let Some(seen) = self.seen.get_mut(address) {
            seen.failures = 0;
            seen.not_before = None;
        }
    }

    /// The link has ended.
    pub(super) fn unlinked(&mut self, address: &str) {
        self.linked.remove(address);
        self.report_again(address);
    }

    /// It could not be connected: reported again after a pause that grows.
    pub(super) fn failed(&mut self, address: &str, now: Instant) {
        if let Some(seen) = self.seen.get_mut(address) {
            seen.reported = false;
            seen.not_before = Some(now + backoff(FIRST_PAUSE, LONGEST_PAUSE, seen.failures));
            seen.failures = seen.failures.saturating_add(1);
        }
    }

    /// How many devices are remembered.
    pub(super) fn count(&self) -> usize {
        self.seen.len()
    }

    /// Last signal strength of a device in dBm.
    pub(super) fn signal_dbm(&self, address: &str) -> Option<i16> {
        self.seen.get(address)?.hardware.signal_dbm
    }

    fn make_room(&mut self) {
        if self.seen.len() < REMEMBERED {
            return;
        }
        let oldest = self.seen.iter().filter(|(address, _)| !self.linked.contains(*address));
        if let Some(address) = oldest.min_by_key(|(_, seen)| seen.last).map(|(address, _)| address.clone()) {
            self.seen.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Bus;

    fn toy(name: &str) -> Hardware {
        Hardware { signal_dbm: Some(-50), ..Hardware::new(Bus::Btle, name, "AA") }
    }

    #[tokio::test(start_paused = true)]
    async fn hardware_is_told_once_until_something_about_it_changes() {
        let mut sightings = Sightings::default();
        assert!(!sightings.see(&toy(""), Instant::now()), "it says nothing of itself");
        assert!(sightings.see(&toy("LVS-Z"), Instant::now()));
        let nearer = Hardware { signal_dbm: Some(-30), ..toy("LVS-Z") };
        assert!(!sightings.see(&nearer, Instant::now()));
        assert_eq!(sightings.signal_dbm("AA"), Some(-30));
        assert!(sightings.see(&toy("LVS-Z001"), Instant::now()));
        sightings.report_again("AA");
        assert!(sightings.see(&toy("LVS-Z001"), Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_scan_hears_of_what_was_there_before_it() {
        let mut sightings = Sightings::default();
        sightings.see(&toy("LVS-Z"), Instant::now());
        assert_eq!(sightings.report_present(Instant::now()), [toy("LVS-Z")]);
        tokio::time::advance(PRESENT).await;
        assert_eq!(sightings.report_present(Instant::now()), []);
        assert!(sightings.see(&toy("LVS-Z"), Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_after_failures_grow_and_end_with_success_or_a_scan() {
        let mut sightings = Sightings::default();
        sightings.see(&toy("LVS-Z"), Instant::now());
        for pause in [1, 2, 4, 8, 16, 30, 30] {
            sightings.failed("AA", Instant::now());
            tokio::time::advance(Duration::from_millis(pause * 1_000 - 1)).await;
            assert!(!sightings.see(&toy("LVS-Z"), Instant::now()), "before {pause} s");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(sightings.see(&toy("LVS-Z"), Instant::now()), "after {pause} s");
        }
        sightings.failed("AA", Instant::now());
        assert_eq!(sightings.report_present(Instant::now()).len(), 1);
        sightings.linked("AA");
        assert!(!sightings.see(&toy("other"), Instant::now()));
        sightings.unlinked("AA");
        assert!(sightings.see(&toy("other"), Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_has_an_end() {
        let mut sightings = Sightings::default();
        sightings.see(&toy("LVS-Z"), Instant::now());
        sightings.linked("AA");
        for number in 0..REMEMBERED + 10 {
            tokio::time::advance(Duration::from_millis(1)).await;
            sightings.see(&Hardware::new(Bus::Btle, "x", number.to_string()), Instant::now());
        }
        assert_eq!(sightings.count(), REMEMBERED);
        assert!(sightings.signal_dbm("AA").is_some(), "what is linked stays");
    }
}
