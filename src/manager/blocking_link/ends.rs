//! Both ends of open hardware, as a bus hands them over.

use std::time::Duration;

/// How long a reader waits before its thread looks whether it is still needed.
pub(in crate::manager) const READ: Duration = Duration::from_millis(50);

/// The end of hardware that takes bytes. Blocking.
pub(in crate::manager) trait Writer: Send {
    /// Sends one packet. The error says why the hardware did not take it.
    fn write(&mut self, data: &[u8]) -> Result<(), String>;

    /// What frees the hardware for others while a write to it hangs, if anything is needed for that.
    fn abandon(&self) -> Option<Abandon> {
        None
    }
}

/// Frees hardware from a thread that hangs.
pub(in crate::manager) type Abandon = Box<dyn FnOnce() + Send>;

/// The end of hardware that gives bytes. Blocking.
pub(in crate::manager) trait Reader: Send {
    /// What has come, at the latest after about [`READ`]; `None` when nothing has. An error means that the hardware is
    /// gone.
    fn read(&mut self) -> Result<Option<Vec<u8>>, String>;
}

/// Both ends of open hardware.
pub(in crate::manager) type Ends = (Box<dyn Writer>, Box<dyn Reader>);
