//! The stop over a link that no writer drives, right before it is closed.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::handle::DeviceHandle;
use crate::driver::{self, Batch, Change, Levels};
use crate::library::{Definition, Model};
use crate::link::Link;
use crate::types::Output;

/// Time for a last stop before a link is closed. A link that works has carried it long before; one that does not must
/// not hold up what takes its place, which is stopped first as well.
pub const LAST_STOP: Duration = Duration::from_millis(500);

/// Switches off everything that hardware of this model can do, as far as the link still works. Takes at most
/// [`LAST_STOP`]. What it can't tell is where a machine is on its way; see [`DeviceHandle::last_stop`].
pub async fn last_stop(definition: &Arc<Definition>, model: &Arc<Model>, link: &Link) {
    let levels = model.outputs().filter(|(_, spec)| !spec.kind.is_position());
    let off = levels.map(|(feature, spec)| {
        let output = Output { kind: spec.kind, value: 0, duration_ms: 0 };
        Change { feature, output, previous: 0 }
    });
    write(definition, model, link, off.collect()).await;
}

impl DeviceHandle {
    /// Stops what may run over a link whose actor is no more, moves under way included. Takes at most [`LAST_STOP`].
    pub async fn last_stop(&self, link: &Link) {
        self.wanted().let_go();
        if let Some(work) = self.wanted().take(true) {
            let identity = self.identity();
            if write(&identity.definition, &identity.model, link, work.changes.clone()).await {
                self.wanted().done(&work);
            }
        }
    }
}

/// Whether the hardware has confirmed all of it.
async fn write(definition: &Arc<Definition>, model: &Arc<Model>, link: &Link, changes: Vec<Change>) -> bool {
    let (definition, model, link) = (Arc::clone(definition), Arc::clone(model), link.clone());
    // In a task of its own, as the driver may be the reason why there is no writer any more: it may panic again.
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut driver = driver::for_definition(&definition).open(&definition, &model, &link);
        let levels = Levels::new(&model);
        let packets =
            driver.encode(&Batch { changes: &changes, levels: &levels, stop: true }, link.clock().now()).ok()?;
        let mut all = true;
        // What nobody confirms is written twice, as every stop.
        let again = packets.iter().filter(|packet| !link.confirms(packet));
        for packet in packets.iter().chain(again).cloned() {
            // One packet that is refused must not keep the others from stopping what they can.
            all &= link.write(packet).await.is_ok();
        }
        all.then_some(())
    });
    let done = tokio::time::timeout(LAST_STOP, task.join_next()).await;
    matches!(done, Ok(Some(Ok(Some(())))))
}
