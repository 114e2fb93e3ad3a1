//! Where the axes of a device stand.

use super::state::DesiredState;
use crate::types::OutputKind;

impl DesiredState {
    /// The hardware has said where a feature stands: the next move begins there.
    pub fn learned(&self, feature: u32, position: i32) {
        let mut board = self.board();
        for slot in board.slots.iter_mut().filter(|slot| slot.place.feature == feature) {
            slot.position = position;
            slot.ramp.set_known(true);
        }
    }

    /// Where every axis was last sent to or said to stand, within the limits, in feature order.
    #[must_use]
    pub fn positions(&self) -> Vec<(u32, OutputKind, i32)> {
        let board = self.board();
        let axes = board.slots.iter().filter(|slot| slot.place.kind.is_position());
        let within = axes.map(|slot| {
            let kind = slot.place.kind;
            let output = crate::types::Output { kind, value: slot.position, duration_ms: 0 };
            (slot.place.feature, kind, slot.place.limits.clamp(output).value)
        });
        within.collect()
    }
}
