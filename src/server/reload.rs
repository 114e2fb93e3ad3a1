//! Notices that `devices.toml` or the user's own definitions have changed, reads them again, and tells the hub.
//!
//! It runs on a thread of its own, so that no actor waits for a disk or for the reading of many definitions.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tracing::{debug, info, warn};

use crate::hub::HubHandle;
use crate::library::Library;
use crate::user_devices;

/// How long nothing may change before it is read: editors write in several steps.
const QUIET: Duration = Duration::from_millis(100);
/// The longest that steady changes may put the reading off.
const LONGEST: Duration = Duration::from_secs(1);
/// How often files are looked at where the file system reports no changes.
const LOOK: Duration = Duration::from_secs(2);

/// What is read again when it changes.
#[derive(Debug)]
pub(super) struct Watched {
    devices_file: PathBuf,
    definitions: Option<PathBuf>,
    seen: Seen,
}

impl Watched {
    /// The file of the user's settings for devices, and the directory of the user's own definitions unless the definitions
    /// are fixed. To be called before they are read for the first time.
    pub(super) fn new(devices_file: PathBuf, definitions: Option<PathBuf>) -> Self {
        let seen = Seen {
            devices_file: Stamp::of(&devices_file),
            definitions: definitions.as_deref().map(definition_stamps).unwrap_or_default(),
            problems: Vec::new(),
        };
        Self { devices_file, definitions, seen }
    }
}

enum Wake {
    Changed(Vec<PathBuf>),
    Stop,
}

/// The thread that watches. It ends when this is dropped.
pub(super) struct Reload {
    wake: Sender<Wake>,
    thread: Option<JoinHandle<()>>,
}

impl Reload {
    /// Begins to watch.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start(watched: Watched, library: Arc<ArcSwap<Library>>, hub: HubHandle) -> std::io::Result<Self> {
        let (wake, woken) = channel();
        let events = wake.clone();
        let run = move || Files { watched, library, hub, watcher: None }.run(&woken, events);
        let thread = std::thread::Builder::new().name("reload".to_owned()).spawn(run)?;
        Ok(Self { wake, thread: Some(thread) })
    }
}

impl Drop for Reload {
    fn drop(&mut self) {
        let _ = self.wake.send(Wake::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    size: u64,
    modified: Option<SystemTime>,
    /// Another file under the same name, and another change within the same tick of the clock.
    node: (u64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let what = path.metadata().ok()?;
        #[cfg(unix)]
        let node = {
            use std::os::unix::fs::MetadataExt;
            (what.ino(), what.ctime_nsec())
        };
        #[cfg(not(unix))]
        let node = (0, 0);
        Some(Self { path: path.to_owned(), size: what.len(), modified: what.modified().ok(), node })
    }
}

/// The files as they were when they were last read.
#[derive(Debug)]
struct Seen {
    devices_file: Option<Stamp>,
    definitions: Vec<Stamp>,
    /// Problems that were reported.
    problems: Vec<String>,
}

struct Files {
    watched: Watched,
    library: Arc<ArcSwap<Library>>,
    hub: HubHandle,
    /// The watcher and the directories that it watches.
    watcher: Option<(RecommendedWatcher, Vec<PathBuf>)>,
}

impl Files {
    fn run(mut self, woken: &Receiver<Wake>, events: Sender<Wake>) {
        self.watched.seen.problems = self.library.load().problems().iter().map(ToString::to_string).collect();
        let on_event = move |event: notify::Result<notify::Event>| {
            // That somebody, this thread among them, has read a file is no change.
            if let Ok(event) = event.inspect_err(|why| debug!("watching files: {why}"))
                && (!matches!(event.kind, EventKind::Access(_)) || is_written(event.kind))
            {
                let _ = events.send(Wake::Changed(event.paths));
            }
        };
        self.watcher = match notify::recommended_watcher(on_event) {
            Ok(watcher) => Some((watcher, Vec::new())),
            Err(why) => {
                debug!("files are looked at every {} ms, as the system reports no changes: {why}", LOOK.as_millis());
                None
            }
        };
        let (mut settings, mut definitions) = (false, false);
        loop {
            self.watch();
            // Looks at everything, so that what changed before it was watched is found, too.
            self.read(settings, definitions);
            let mut paths = match woken.recv_timeout(LOOK) {
                Ok(Wake::Changed(paths)) => paths,
                Ok(Wake::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => Vec::new(),
            };
            let end = Instant::now() + LONGEST;
            while !paths.is_empty() && Instant::now() < end {
                match woken.recv_timeout(QUIET) {
                    Ok(Wake::Changed(more)) => paths.extend(more),
                    Ok(Wake::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => break,
                }
            }
            let name = self.watched.devices_file.file_name();
            settings = paths.iter().any(|path| path.file_name() == name);
            let own = self.watched.definitions.as_deref();
            definitions = own.is_some_and(|own| paths.iter().any(|path| path.parent() == Some(own)));
        }
    }

    /// Watches the directories that are there, as they come and go.
    fn watch(&mut self) {
        let Some((watcher, watching)) = &mut self.watcher else { return };
        let file = self.watched.devices_file.parent().map(Path::to_owned);
        for directory in file.into_iter().chain(self.watched.definitions.clone()) {
            let known = watching.iter().position(|other| *other == directory);
            match (known, directory.is_dir()) {
                (None, true) => match watcher.watch(&directory, RecursiveMode::NonRecursive) {
                    Ok(()) => watching.push(directory),
                    Err(why) => debug!("{} is looked at, but not watched: {why}", directory.display()),
                },
                (Some(known), false) => {
                    let _ = watcher.unwatch(&watching.swap_remove(known));
                }
                _ => {}
            }
        }
    }

    /// Reads again what has changed, by what the system says or by how it looks.
    fn read(&mut self, settings: bool, definitions: bool) {
        let stamp = Stamp::of(&self.watched.devices_file);
        if settings || stamp != self.watched.seen.devices_file {
            self.watched.seen.devices_file = stamp;
            self.hub.user_settings(user_devices::read(&self.watched.devices_file));
        }
        let Some(directory) = self.watched.definitions.clone() else { return };
        let stamps = definition_stamps(&directory);
        if definitions || stamps != self.watched.seen.definitions {
            self.watched.seen.definitions = stamps;
            self.read_definitions(&directory);
        }
    }

    fn read_definitions(&mut self, directory: &Path) {
        let before = self.library.load_full();
        let now = Library::load(&[directory.to_owned()], &crate::driver::names()).following(&before);
        let problems: Vec<_> = now.problems().iter().map(ToString::to_string).collect();
        for problem in problems.iter().filter(|problem| !self.watched.seen.problems.contains(problem)) {
            warn!("a definition is not used, and what was there before stays: {problem}");
        }
        self.watched.seen.problems = problems;
        let changed = now.changed_since(&before);
        if changed.is_empty() {
            return;
        }
        info!("definitions have changed: {}", changed.join(", "));
        let now = Arc::new(now);
        self.library.store(Arc::clone(&now));
        self.hub.definitions(now);
    }
}

/// A file that was open for writing was closed.
fn is_written(kind: EventKind) -> bool {
    use notify::event::{AccessKind, AccessMode};
    matches!(kind, EventKind::Access(AccessKind::Close(AccessMode::Write)))
}

fn definition_stamps(directory: &Path) -> Vec<Stamp> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let paths = entries.map(|entry| entry.path());
    let own = paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
    let mut stamps: Vec<_> = own.filter_map(|path| Stamp::of(&path)).collect();
    stamps.sort_by(|one, other| one.path.cmp(&other.path));
    stamps
}
