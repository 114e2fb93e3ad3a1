//! A write that hangs in its library: the thread is given up, the hardware is not.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::ends::{Abandon, Writer};
use super::thread::thread;
use crate::link::{Deadlines, LinkError};
use crate::manager::{open_devices::OpenGuard, open_devices::Release};

/// When the thread of a write is given up: after twice the time in which a write must be done (`links.write_timeout_ms`),
/// so that a device notices a slow write before it loses its hardware.
pub(in crate::manager) fn write_limit(deadlines: Deadlines) -> Duration {
    deadlines.write * 2
}

/// The writing end of hardware, on a thread of its own.
pub(in crate::manager) struct WatchedWriter {
    name: String,
    packets: mpsc::Sender<Vec<u8>>,
    outcomes: mpsc::Receiver<Result<(), String>>,
    limit: Duration,
    release: Release,
    abandon: Option<Abandon>,
    over: bool,
}

impl WatchedWriter {
    /// Starts the thread. It has the hardware, and its entry of what is in use, until this is dropped; or, if a write
    /// hangs, until that returns.
    ///
    /// # Errors
    /// A thread that the system does not give.
    pub(in crate::manager) fn start(
        name: &str,
        writer: Box<dyn Writer>,
        limit: Duration,
        taken: OpenGuard,
    ) -> Result<Self, LinkError> {
        let (packets, to_write) = mpsc::channel::<Vec<u8>>();
        let (done, outcomes) = mpsc::channel();
        let (release, abandon) = (taken.release(), writer.abandon());
        thread(&format!("write {name}"), move || {
            // Dropped in the opposite order: the hardware is closed before its place is free.
            let _taken = taken;
            let mut writer = writer;
            for packet in to_write {
                // One packet at a time is sent, so there is none left for a thread that was given up.
                if done.send(writer.write(&packet)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { name: name.to_owned(), packets, outcomes, limit, release, abandon, over: false })
    }

    /// Whether nothing can be written any more: a write hung so long that the thread was given up, or it panicked.
    pub(in crate::manager) fn is_over(&self) -> bool {
        self.over
    }
}

impl Writer for WatchedWriter {
    fn write(&mut self, data: &[u8]) -> Result<(), String> {
        let sent = !self.over && self.packets.send(data.to_vec()).is_ok();
        let outcome = if sent { self.outcomes.recv_timeout(self.limit) } else { Err(RecvTimeoutError::Disconnected) };
        match outcome {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Disconnected) => {
                self.over = true;
                Err("its thread has ended".to_owned())
            }
            Err(RecvTimeoutError::Timeout) => {
                self.over = true;
                if let Some(abandon) = self.abandon.take() {
                    abandon();
                }
                self.release.give_up();
                let (name, limit) = (&self.name, self.limit.as_millis());
                tracing::warn!("a write to {name} hangs in its library for {limit} ms; its thread is given up");
                Err(format!("a write hung for {limit} ms"))
            }
        }
    }
}
