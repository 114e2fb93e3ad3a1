//! The supervisor: knows every session, manager and device, publishes the routing table, restarts what fails.
//!
//! Here live the hub's actor ([`actor`]), who may drive ([`operators`]), what changes while it runs ([`user_changes`],
//! [`definition_changes`]), the opening of found hardware ([`bring_up`]), the restart budget ([`restart_policy`]) and
//! the devices that were met before ([`known_devices`]). Sessions hold a [`HubHandle`] and look devices up in the table that it
//! carries; the hub is not on the path of a command. What may not live here: wire versions, bytes, buses.

mod actor;
mod bring_up;
mod definition_changes;
mod emergency_stop;
mod entries;
mod handle;
mod heartbeat;
pub mod known_devices;
mod messages;
mod operators;
mod options;
mod restart_policy;
mod scan;
mod shared;
mod shutdown;
mod status;
mod supervise;
#[cfg(test)]
mod tests;
mod user_changes;

pub use actor::Hub;
pub use handle::{HubHandle, OperatorGuard};
pub use heartbeat::Heartbeat;
pub use messages::{HubEvent, SessionHandle};
pub use options::HubOptions;
pub use shared::Routes;
pub use user_changes::DEVICES_A_TURN;
