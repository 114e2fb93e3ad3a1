//! What is known about hardware: the files of `device-config/` and of the user's own directory.
//!
//! Here live the definitions ([`definition`]), how their files are found and read (`sources`, `read`), their template
//! language ([`template`]) and the matching of found hardware to definitions ([`Matcher`], [`Library::candidates`]).
//! What may not live here: links, actors, anything that talks to hardware. This room knows `types` alone.

mod catalog;
mod conflicts;
pub mod definition;
mod file_schema;
pub mod hardware;
mod matcher;
pub mod model;
mod problem;
mod read;
#[cfg(test)]
mod schema;
mod services;
mod sources;
pub mod template;

pub use catalog::{Candidate, Library};
pub use definition::{Definition, Identify, InputRule};
pub use hardware::{Hardware, bluetooth_uuid, usb_id};
pub use matcher::{Matcher, Parity, SerialPort, Strength};
pub use model::{Feature, InputSpec, Model, OutputSpec};
pub use problem::DefinitionProblem;
pub use services::{RealServices, Services, UuidPattern};
