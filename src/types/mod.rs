//! The words that every room may use: outputs, inputs, endpoints, buses, descriptions, operators, findings, and what
//! may be wrong with a command.
//!
//! What may not live here: anything that acts, waits or knows another room. No type in here has a derive of an actor or
//! web library.

mod bus;
mod command_error;
mod derived;
pub mod description;
mod endpoint;
mod event;
mod findings;
mod inputs;
mod operator;
mod outputs;

pub use bus::Bus;
pub use command_error::CommandError;
pub use derived::Derived;
pub use description::{Description, Descriptions, FeatureDescription, InputDescription, OutputDescription};
pub use endpoint::Endpoint;
pub use event::ServerEvent;
pub use findings::{Finding, Verdict};
pub use inputs::{InputAction, InputAddress, InputKind, Reading};
pub use operator::{OperatorId, OperatorInfo, OperatorKind};
pub use outputs::{Output, OutputKind, StopScope};
