//! The threads on which devices run.
//!
//! The socket of hardware that dials in is served on the thread of its device's actor, so that a write takes no hop
//! between threads once its command has reached the device.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix::prelude::*;

/// The threads on which devices run. Copies share them, and whose turn it is.
#[derive(Debug, Clone, Default)]
pub struct DeviceThreads {
    arbiters: Arc<[ArbiterHandle]>,
    turn: Arc<AtomicUsize>,
}

impl DeviceThreads {
    /// These threads; with none of them, devices run on the thread that starts them.
    #[must_use]
    pub fn new(arbiters: Vec<ArbiterHandle>) -> Self {
        Self { arbiters: arbiters.into(), turn: Arc::default() }
    }

    /// The thread for the next piece of hardware: each in turn.
    #[must_use]
    pub fn next(&self) -> DeviceThread {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(self.arbiters.len());
        DeviceThread(turn.and_then(|turn| self.arbiters.get(turn)).cloned())
    }
}

/// One thread for devices.
#[derive(Debug, Clone, Default)]
pub struct DeviceThread(Option<ArbiterHandle>);

impl DeviceThread {
    /// The arbiter of this thread; `None` is the thread that asks.
    #[must_use]
    pub fn arbiter(&self) -> Option<&ArbiterHandle> {
        self.0.as_ref()
    }

    /// Runs the task that `make` makes on this thread. On a thread that has ended, `make` is dropped uncalled.
    pub fn spawn<T>(&self, make: impl FnOnce() -> T + Send + 'static)
    where
        T: Future<Output = ()> + 'static,
    {
        match &self.0 {
            Some(arbiter) => {
                arbiter.spawn_fn(move || drop(actix::spawn(make())));
            }
            None => drop(actix::spawn(make())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix::test]
    async fn each_thread_has_its_turn_and_runs_what_it_is_given() {
        let arbiters = [Arbiter::new(), Arbiter::new()];
        let threads = DeviceThreads::new(arbiters.iter().map(Arbiter::handle).collect());
        let mut seen = Vec::new();
        for _ in 0..4 {
            let (done, outcome) = tokio::sync::oneshot::channel();
            threads.next().spawn(move || async move {
                let _ = done.send(std::thread::current().id());
            });
            seen.push(outcome.await.unwrap());
        }
        assert!(seen[0] == seen[2] && seen[1] == seen[3] && seen[0] != seen[1], "{seen:?}");
        for arbiter in arbiters {
            arbiter.stop();
            arbiter.join().unwrap();
        }
        let (done, outcome) = tokio::sync::oneshot::channel::<()>();
        threads.next().spawn(move || async move { drop(done) });
        assert!(outcome.await.is_err());
    }

    #[actix::test]
    async fn without_threads_tasks_run_here() {
        let (done, outcome) = tokio::sync::oneshot::channel();
        DeviceThreads::default().next().spawn(move || async move {
            let _ = done.send(std::thread::current().id());
        });
        assert_eq!(outcome.await.unwrap(), std::thread::current().id());
    }
}
