//! The words that every room may use: outputs, inputs, endpoints, buses, descriptions, fractions, operators, findings, and what
//! may be wrong with a command.
//!
//! What may not live here: anything that acts, waits or knows another room. No type in here has a derive of an actor or
//! web library.

mod bus;
mod command_error;
mod derived;
pub mod description;
mod end;
mod endpoint;
mod event;
mod findings;
mod fraction;
mod inputs;
mod operator;
mod outputs;
mod status;

pub use bus::Bus;
pub use command_error::CommandError;
pub use derived::Derived;
pub use description::{Description, Descriptions, FeatureDescription, InputDescription, OutputDescription};
pub use end::{Cut, SessionEnd};
pub use endpoint::Endpoint;
pub use event::ServerEvent;
pub use findings::{Finding, Verdict};
pub use fraction::Fraction;
pub use inputs::{InputAction, InputAddress, InputKind, Reading};
pub use operator::{OperatorId, OperatorInfo, OperatorKind};
pub use outputs::{Output, OutputKind, StopScope};
pub use status::{
    ActorState, ActorStatus, BusState, BusStatus, DeviceState, DeviceStatus, GoneDevice, Health, OutputStatus,
    ServerStatus, StateStatus,
};
