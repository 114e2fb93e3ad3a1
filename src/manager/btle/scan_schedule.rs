//! When the radio listens: scanning costs power and disturbs connections, so it is not always on.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// After a loss the radio listens without a pause for this long: most hardware that drops out is back within seconds.
const EAGER: Duration = Duration::from_secs(60);
/// How long it listens each time afterwards. Toys advertise at least once a second.
const LOOK: Duration = Duration::from_secs(4);

/// Who wants to hear of hardware.
#[derive(Debug)]
pub(super) struct ScanSchedule {
    scanning: bool,
    /// Known hardware that is not connected, and since when it is looked for.
    wanted: BTreeMap<String, Instant>,
    /// Time from one look for known hardware to the next; `None` is no looks.
    every: Option<Duration>,
    began: Instant,
}

impl ScanSchedule {
    pub(super) fn new(every: Option<Duration>, now: Instant) -> Self {
        Self { scanning: false, wanted: BTreeMap::new(), every, began: now }
    }

    pub(super) fn scan(&mut self, wanted: bool) {
        self.scanning = wanted;
    }

    pub(super) fn is_scanning(&self) -> bool {
        self.scanning
    }

    pub(super) fn look_for(&mut self, address: String, now: Instant) {
        self.wanted.insert(address, now);
    }

    pub(super) fn found(&mut self, address: &str) {
        self.wanted.remove(address);
    }

    pub(super) fn wanted(&self) -> usize {
        self.wanted.len()
    }

    /// Whether hardware is looked for that was there a moment ago.
    pub(super) fn is_eager(&self, now: Instant) -> bool {
        self.wanted.values().any(|since| now.duration_since(*since) < EAGER)
    }

    /// Whether the radio is to listen now.
    pub(super) fn listens(&self, now: Instant) -> bool {
        let looks = |every: Duration| {
            let turn = now.duration_since(self.began).as_millis().checked_rem(every.as_millis());
            turn.is_some_and(|turn| turn < LOOK.as_millis())
        };
        self.scanning || self.is_eager(now) || (!self.wanted.is_empty() && self.every.is_some_and(looks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_radio_listens_for_scans_after_losses_and_now_and_then() {
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let mut schedule = ScanSchedule::new(Some(Duration::from_secs(30)), now);
        assert!(!schedule.listens(now));
        schedule.scan(true);
        assert!(schedule.listens(now));
        schedule.scan(false);
        schedule.look_for("AA".to_owned(), now);
        assert!(schedule.listens(after(59)));
        let listened = (60..120).filter(|second| schedule.listens(after(*second))).collect::<Vec<_>>();
        assert_eq!(listened, [60, 61, 62, 63, 90, 91, 92, 93]);
        schedule.found("AA");
        assert!(!(0..120).any(|second| schedule.listens(after(second))));
    }

    #[tokio::test(start_paused = true)]
    async fn looks_can_be_switched_off() {
        let now = Instant::now();
        let mut schedule = ScanSchedule::new(None, now);
        schedule.look_for("AA".to_owned(), now);
        assert!(schedule.listens(now));
        assert!(!(60..200).any(|second| schedule.listens(now + Duration::from_secs(second))));
    }
}
