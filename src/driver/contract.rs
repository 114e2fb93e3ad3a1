//! What a protocol and a driver are.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

use crate::library::{Definition, Hardware, Model, definition::Repeat, template::EvalError};
use crate::link::{Link, LinkError, Notification, Packet};
use crate::types::{Endpoint, InputKind, Output};

use super::levels::Levels;
use super::simulated::SimulatedDevice;

/// A future that a driver returns.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One wire protocol.
pub trait Protocol: Sync {
    /// The name that definitions use.
    fn name(&self) -> &'static str;

    /// Finds out which model this is and asks the hardware if need be. `None` means the default model.
    ///
    /// # Errors
    /// The hardware cannot be asked.
    fn identify<'a>(
        &'a self,
        definition: &'a Definition,
        hardware: &'a Hardware,
        link: &'a Link,
    ) -> Boxed<'a, Result<Option<String>, DriverError>>;

    /// A driver for one device of this model.
    fn open(&self, definition: &Arc<Definition>, model: &Arc<Model>, link: &Link) -> Box<dyn Driver>;

    /// The hardware's side of this protocol: a simulated device of this model, just switched on. `None`: only the
    /// templates of its definition say how it reads packets.
    fn simulate(&self, _model: &Model) -> Option<Box<dyn SimulatedDevice>> {
        None
    }
}

/// Encodes outputs for one connected device. It has no clock: `now` is the time of the link, which tests and checks of
/// definitions set as they like.
pub trait Driver: Send {
    /// Does what the hardware needs after connecting, before any output.
    ///
    /// # Errors
    /// Hardware that doesn't answer as it should; the caller disconnects it then.
    fn connect<'a>(&'a mut self, _link: &'a Link) -> Boxed<'a, Result<(), DriverError>> {
        Box::pin(async { Ok(()) })
    }

    /// The packets for a batch, in the order in which the device writes them. A driver makes no values of its own: what
    /// it encodes is in the batch.
    ///
    /// # Errors
    /// Values that the protocol can't express; nothing is written then.
    fn encode(&mut self, batch: &Batch<'_>, now: Instant) -> Result<Vec<Packet>, DriverError>;

    /// A packet of the last batch has reached the hardware, or is on its way there before a stop.
    fn confirmed(&mut self, _packet: &Packet, _now: Instant) {}

    /// The time between positions that hardware takes which knows no timed moves: moves are then played for it, each
    /// position within the user's limits and encoded as one that is reached at once. `None`: it moves by itself.
    fn step(&self) -> Option<Duration> {
        None
    }

    /// The position of this feature after connecting, in the hardware's own range, if the hardware reports it.
    fn position(&self, _feature: u32) -> Option<i32> {
        None
    }

    /// How the hardware wants the packets of the last batch again although nothing has changed. The writer owns that, so
    /// that no packet from before a stop or a change of the limits is repeated. `None`: as `[repeat]` of the definition says.
    fn refresh(&self) -> Option<Repeat> {
        None
    }

    /// The packets of the last batch as they are to be written again. They must tell the hardware the same; only what makes
    /// them new to it, a number say, may differ.
    fn again(&mut self, last: &[Packet]) -> Vec<Packet> {
        last.to_vec()
    }

    /// Packets the driver sends without a command (keep-alives), and after which time to ask again. The device's writer
    /// asks after every batch and when that time has passed. None of them may carry a level or a position: that is what
    /// [`Driver::refresh`] is for. Only hardware that has to be led to a level step by step gets the steps here: never one
    /// beyond the last level that was encoded, and none after a stop.
    fn poll(&mut self, _now: Instant) -> Poll {
        Poll::default()
    }

    /// Measures the inputs of this device; callers use it while outputs are being written.
    fn inputs(&self) -> Arc<dyn Inputs>;
}

/// Packets that a driver sends without a command.
#[derive(Debug, Default)]
pub struct Poll {
    /// Packets to write now.
    pub packets: Vec<Packet>,
    /// When to ask again; `None` is after the next batch.
    pub again: Option<Duration>,
}

/// Measures the inputs of one device.
pub trait Inputs: Send + Sync {
    /// Asks once.
    ///
    /// # Errors
    /// An input that can't be asked, or hardware that doesn't answer.
    fn read(&self, feature: u32, kind: InputKind, link: Link) -> Boxed<'static, Result<i32, DriverError>>;

    /// The endpoint whose notifications carry this input, if it can be listened to.
    fn stream(&self, _feature: u32, _kind: InputKind) -> Option<Endpoint> {
        None
    }

    /// The value in a notification, if it carries one for this input.
    fn value(&self, _feature: u32, _kind: InputKind, _notification: &Notification) -> Option<i32> {
        None
    }
}

/// One output that the device writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Index of the feature.
    pub feature: u32,
    /// Value in the hardware's own range, within the user's limits.
    pub output: Output,
    /// Position that this feature was last sent to; at the start what [`Driver::position`] said, else 0.
    pub previous: i32,
}

/// Outputs that the device writes together.
#[derive(Debug)]
pub struct Batch<'a> {
    /// What changed, ascending by feature index.
    pub changes: &'a [Change],
    /// The latest values of the whole device, the changes among them.
    pub levels: &'a Levels,
    /// The batch is a stop: every level in it is 0, and moves in it go nowhere.
    pub stop: bool,
}

/// Why a driver failed.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum DriverError {
    /// The connection failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A template has no bytes for these values.
    #[error(transparent)]
    Template(#[from] EvalError),
    /// The hardware answered, but not as it should.
    #[error("{0}")]
    Unexpected(String),
}
