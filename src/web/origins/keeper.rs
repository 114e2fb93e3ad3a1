//! Keeps the answers for every worker of the web server, and ends the connections of pages that may no longer connect.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{error, warn};
use utoipa::ToSchema;

use super::answers::{AllowedOrigin, Answers, PendingOrigin, Standing};
use super::file;
use crate::access::{Origin, UnknownOrigins};
use crate::throttle::Throttle;
use crate::transport::Outgoing;
use crate::types::Cut;
use crate::web::private_file;

/// Three lines a minute.
static QUESTION: Throttle = Throttle::new(Duration::from_secs(20));

/// What is answered about web pages, and who waits.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct OriginList {
    /// What becomes of pages of which nothing was said: `ask`, `allow` or `deny`.
    #[schema(value_type = String)]
    unknown_origins: UnknownOrigins,
    /// Those that wait for an answer, newest first, one of each owner.
    pending: Vec<PendingOrigin>,
    /// Those that may connect.
    allowed: Vec<AllowedOrigin>,
    /// Those that may not.
    #[schema(value_type = Vec<String>)]
    denied: BTreeSet<Origin>,
}

/// Which web pages may connect. Copies share it.
#[derive(Debug, Clone)]
pub struct Origins(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    unknown: UnknownOrigins,
    answers: Mutex<Answers>,
    changed: watch::Sender<()>,
    /// Where answers are remembered, if they are.
    file: Option<PathBuf>,
    /// Held while the file is written, so that the newest text is written last.
    writing: Mutex<()>,
}

impl Origins {
    /// Reads what was answered for good from the state directory. Without `remember` nothing is saved there. A file that is
    /// not understood lets nobody in, and stays as it is.
    #[must_use]
    pub fn open(directory: &Path, remember: bool, unknown: UnknownOrigins) -> Self {
        let path = directory.join(file::FILE);
        let read = file::read(&path);
        if let Err(why) = &read {
            error!("{} is not understood, so no web page is let in by it: {why}; rename or mend it", path.display());
        }
        let file = (remember && read.is_ok()).then_some(path);
        let (answers, changed) = (Mutex::new(read.unwrap_or_default()), watch::Sender::new(()));
        Self(Arc::new(Shared { unknown, answers, changed, file, writing: Mutex::new(()) }))
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.0.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a page may connect now. Where nobody has said, the user is asked.
    pub(in crate::web) fn admit(&self, origin: &Origin) -> bool {
        let (admitted, asks) = self.answers().admit(origin, self.0.unknown, Instant::now());
        if asks && let Some(more) = QUESTION.admit() {
            warn!("a web page of {origin} was refused; `hapticd allow {origin}` lets it in at its next try{more}");
        }
        admitted
    }

    /// Cuts a connection as soon as its page may no longer connect. Returns when the connection has ended.
    pub(in crate::web) async fn watch(self, origin: Origin, connection: Outgoing) {
        let mut changed = self.0.changed.subscribe();
        loop {
            let standing = self.answers().standing(&origin, self.0.unknown, Instant::now());
            let over = async {
                match standing {
                    Some(Standing::Until(until)) => tokio::time::sleep_until(until).await,
                    _ => std::future::pending().await,
                }
            };
            if standing.is_none() {
                connection.cut(Cut::Revoked);
                return;
            }
            tokio::select! {
                () = connection.closed() => return,
                _ = changed.changed() => {}
                () = over => {}
            }
        }
    }

    /// Lets a page in: for good, for some hours, or, where it has no identity, for one connection. Returns for how long, where
    /// `None` is for good; and why that is not remembered, if it should be and is not.
    pub(in crate::web) fn allow(&self, origin: Origin, always: bool) -> (Option<Duration>, Result<(), String>) {
        let time = self.answers().allow(origin, always, Instant::now());
        (time, self.keep(time.is_none()))
    }

    /// Keeps a page out for good, and ends its connections.
    ///
    /// # Errors
    /// It holds, but cannot be remembered.
    pub(in crate::web) fn deny(&self, origin: Origin) -> Result<(), String> {
        self.answers().deny(origin);
        self.keep(true)
    }

    fn keep(&self, for_good: bool) -> Result<(), String> {
        self.0.changed.send_replace(());
        let Some(path) = &self.0.file else {
            let why = "nothing is remembered: `state.remember` is off, or origins.json is not understood";
            return if for_good { Err(why.to_owned()) } else { Ok(()) };
        };
        let _writing = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let text = file::text(&self.answers())?;
        private_file::write(path, &text).map_err(|why| format!("{} cannot be written: {why}", path.display()))
    }

    /// Everything, for people and tools.
    #[must_use]
    pub(in crate::web) fn list(&self) -> OriginList {
        let (answers, now) = (self.answers(), Instant::now());
        OriginList {
            unknown_origins: self.0.unknown,
            pending: answers.list_pending(now),
            allowed: answers.list_allowed(now),
            denied: answers.denied.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport;
    use crate::web::origins::answers::THIS_TIME;

    fn origin() -> Origin {
        Origin::from_header(b"https://app.example").unwrap()
    }

    async fn connected(origins: &Origins) -> (transport::Remote, tokio::task::JoinHandle<()>, Outgoing) {
        let (connection, remote) = transport::pair("test".to_owned(), 1000);
        let outgoing = connection.outgoing.clone();
        let watching = tokio::spawn(origins.clone().watch(origin(), outgoing.clone()));
        tokio::task::yield_now().await;
        (remote, watching, outgoing)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_with_its_time_and_with_a_denial() {
        let dir = tempfile::tempdir().unwrap();
        let origins = Origins::open(dir.path(), true, UnknownOrigins::Ask);
        origins.allow(origin(), false).1.unwrap();
        let (_remote, watching, outgoing) = connected(&origins).await;
        tokio::time::advance(THIS_TIME - Duration::from_secs(1)).await;
        assert_eq!(outgoing.cut_reason(), None);
        tokio::time::advance(Duration::from_secs(1)).await;
        watching.await.unwrap();
        assert_eq!(outgoing.cut_reason(), Some(Cut::Revoked));
        origins.allow(origin(), true).1.unwrap();
        let (_remote, watching, outgoing) = connected(&origins).await;
        tokio::time::advance(2 * THIS_TIME).await;
        assert_eq!(outgoing.cut_reason(), None);
        origins.deny(origin()).unwrap();
        watching.await.unwrap();
        assert_eq!(outgoing.cut_reason(), Some(Cut::Revoked));
        // The next server knows.
        let origins = Origins::open(dir.path(), true, UnknownOrigins::Allow);
        assert!(!origins.admit(&origin()));
    }

    #[test]
    fn a_file_that_is_not_understood_is_not_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(file::FILE);
        std::fs::write(&path, "{").unwrap();
        let origins = Origins::open(dir.path(), true, UnknownOrigins::Deny);
        assert!(origins.allow(origin(), true).1.is_err() && origins.allow(origin(), false).1.is_ok());
        assert!(origins.admit(&origin()), "the answer holds all the same");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{");
    }
}
