//! One connected device: what clients may ask of it, what it should be doing, and the actor that does it.
//!
//! Sessions hold a [`DeviceHandle`]: it checks commands, puts them into the desired state ([`desired`]) and never waits.
//! The actor ([`actor`]) runs the writer ([`writer`]), which brings the hardware to the desired state, and serves the
//! inputs. What may not live here: wire versions, buses, protocols.

mod actor;
mod availability;
mod description;
pub mod desired;
mod handle;
mod identity;
mod last_stop;
mod limits;
mod messages;
#[cfg(test)]
mod property_tests;
mod subscriptions;
mod view;
mod write_stats;
mod writer;

pub use actor::DeviceActor;
pub use availability::{Availability, Refusal};
pub use desired::{DesiredState, OutputChannel};
pub use handle::DeviceHandle;
pub use identity::{Identity, UserSettings, output_name};
pub use last_stop::{LAST_STOP, last_stop};
pub use limits::{Limits, UserLimits};
pub use messages::{Exit, Exited, Opened};
pub use subscriptions::{ReadingSink, Subscriptions};
pub use writer::WritePolicy;
