//! One connected client, from its first frame to its goodbye.
//!
//! Here live the session's state and what it makes of each frame ([`Session::frame`]), and the actor that owns a
//! connection, whatever carries it ([`serve`]). Sessions share the frames with device lists ([`DeviceLists`]). What may not live here: device protocols, buses, sockets. A session reaches
//! devices only through its operator.

mod actor;
mod lists;
mod options;
mod state;
#[cfg(test)]
mod tests;

pub use actor::serve;
pub use lists::DeviceLists;
pub use options::SessionOptions;
pub use state::{Action, Session};
