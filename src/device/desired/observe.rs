//! What a device is wanted to do, for people.

use std::time::Duration;

use tokio::time::Instant;

use super::state::DesiredState;
use crate::types::OutputStatus;

impl DesiredState {
    /// How many outputs wait to be written.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.board().slots.iter().filter(|slot| slot.dirty || slot.stop.is_some()).count()
    }

    /// What the outputs are and who holds them, for people.
    #[must_use]
    pub fn observe(&self) -> Vec<OutputStatus> {
        let now = Instant::now();
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let board = self.board();
        let outputs = board.slots.iter().map(|slot| OutputStatus {
            feature: slot.place.feature,
            output: slot.place.kind,
            wanted: slot.wanted.map(|output| output.value),
            written: slot.written,
            value: slot.for_client(),
            owner: slot.owner(),
            owned_ms: slot.holder.map(|holder| ms(now.duration_since(holder.since))),
            left_ms: slot.ends_at().map(|ends| ms(ends.duration_since(now))),
            replaced: slot.holder.and_then(|holder| holder.replaced),
            stopping: slot.stop.is_some(),
        });
        outputs.collect()
    }
}
