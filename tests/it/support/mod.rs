//! What the tests share: a server to test, hardware to drive, a client that can be rude.

mod peripheral;
mod raw;
mod server;

pub use peripheral::{Done, Peripheral};
pub use raw::{Raw, SCHEMAS, output};
pub use server::{NO_HARDWARE, Server, run, run_with, start};

use std::time::Duration;

/// A server that clients and hardware connect to.
pub trait Listens {
    /// Where they connect.
    fn url(&self) -> String;
}

impl Listens for Server {
    fn url(&self) -> String {
        Self::url(self)
    }
}

impl<L: Listens> Listens for std::sync::Arc<L> {
    fn url(&self) -> String {
        self.as_ref().url()
    }
}

/// One in the process of the test.
impl Listens for hapticd::Server {
    fn url(&self) -> String {
        format!("ws://{}", self.addresses()[0])
    }
}

/// How long a test waits for what must come. Generous: it is no measurement.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long a test waits for what must not come.
pub const QUIET: Duration = Duration::from_millis(300);
