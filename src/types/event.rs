//! Rare things that happen to a server, for those who watch it.

use serde::Serialize;

use super::end::SessionEnd;
use super::operator::OperatorId;

/// Something that happened. Outputs and readings are no events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ServerEvent {
    /// A session has begun.
    SessionOpened {
        /// Its operator.
        id: OperatorId,
    },
    /// A session's client has said what it calls itself.
    SessionNamed {
        /// Its operator.
        id: OperatorId,
    },
    /// A session has ended.
    SessionClosed {
        /// Its operator.
        id: OperatorId,
        /// Why.
        why: SessionEnd,
    },
    /// A device is new.
    DeviceAdded {
        /// Its index.
        index: u32,
    },
    /// A device is out of reach for a while.
    DeviceAway {
        /// Its index.
        index: u32,
        /// For people.
        why: String,
    },
    /// A device that was out of reach is back.
    DeviceBack {
        /// Its index.
        index: u32,
    },
    /// A device is gone.
    DeviceRemoved {
        /// Its index.
        index: u32,
        /// For people.
        why: String,
    },
    /// The user has set something else for a device, or its definition has changed.
    DeviceChanged {
        /// Its index.
        index: u32,
    },
    /// Hardware is looked for.
    ScanStarted,
    /// Hardware is no longer looked for.
    ScanStopped,
    /// Outputs are held after an emergency stop.
    Held,
    /// Outputs are taken again.
    Resumed,
}
