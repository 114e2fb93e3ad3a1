//! What the tests share: a server to test, hardware to drive, a client that can be rude.

mod peripheral;
mod raw;
mod server;

pub use peripheral::{Done, Peripheral};
pub use raw::{Raw, output};
pub use server::{Server, run, run_with};

use std::time::Duration;

/// How long a test waits for what must come. Generous: it is no measurement.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long a test waits for what must not come.
pub const QUIET: Duration = Duration::from_millis(300);
