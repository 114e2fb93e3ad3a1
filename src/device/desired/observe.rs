//! What a device is wanted to do, for people.

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
        let board = self.board();
        let outputs = board.slots.iter().map(|slot| OutputStatus {
            feature: slot.place.feature,
            output: slot.place.kind,
            wanted: slot.wanted.map(|output| output.value),
            written: slot.written,
            owner: slot.owner,
            stopping: slot.stop.is_some(),
        });
        outputs.collect()
    }
}
