//! Hardware behind a blocking library: one thread of its own that writes, one that reads, and who has what open.
//!
//! What may not live here: any one bus. A bus opens its hardware and hands over both ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{broadcast, mpsc, oneshot};

use crate::link::{Deadlines, Link, LinkEnd, LinkError, LinkInfo, LinkRequest, Notification, Operation, pair};
use crate::types::{Bus, Endpoint};

/// How long a reader waits before its thread looks whether it is still needed.
pub(super) const READ: Duration = Duration::from_millis(50);
/// What could not be opened is tried again after this long, and then after twice as long each time.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);

/// The end of hardware that takes bytes. Blocking.
pub(super) trait Writer: Send {
    /// Sends one packet. The error says why the hardware did not take it.
    fn write(&mut self, data: &[u8]) -> Result<(), String>;
}

/// The end of hardware that gives bytes. Blocking.
pub(super) trait Reader: Send {
    /// What has come, at the latest after about [`READ`]; `None` when nothing has. An error means that the hardware is
    /// gone.
    fn read(&mut self) -> Result<Option<Vec<u8>>, String>;
}

/// Both ends of open hardware.
pub(super) type Ends = (Box<dyn Writer>, Box<dyn Reader>);

/// What is open, what was lost, and what could not be opened; by address.
#[derive(Debug, Clone, Default)]
pub(super) struct InUse {
    inner: Arc<Mutex<Use>>,
}

#[derive(Debug, Default)]
struct Use {
    open: BTreeSet<String>,
    /// All that was ever open.
    ever: BTreeSet<String>,
    lost: Vec<String>,
    /// How often it failed, and when to try again; `None` when that was said.
    failed: BTreeMap<String, (u32, Option<Instant>)>,
}

impl InUse {
    fn inner(&self) -> MutexGuard<'_, Use> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has(&self, address: &str) -> bool {
        self.inner().open.contains(address)
    }

    /// Whether this, or anything, was ever open.
    pub(super) fn ever_had(&self, address: Option<&str>) -> bool {
        let inner = self.inner();
        address.map_or(!inner.ever.is_empty(), |address| inner.ever.contains(address))
    }

    pub(super) fn addresses(&self) -> BTreeSet<String> {
        self.inner().open.clone()
    }

    /// What may be found again though it never left the list: it was lost, or it could not be opened some time ago
    /// (its rights may not have been set yet). Each is told once.
    pub(super) fn take_due(&self) -> Vec<String> {
        let now = Instant::now();
        let mut inner = self.inner();
        let mut due = std::mem::take(&mut inner.lost);
        for (address, (_, at)) in &mut inner.failed {
            if at.take_if(|at| *at <= now).is_some() {
                due.push(address.clone());
            }
        }
        due
    }

    /// What is unplugged has a clean slate when it comes back: that it could not be opened while it was being pulled out
    /// says nothing of it.
    pub(super) fn only_there(&self, is_there: impl Fn(&str) -> bool) {
        self.inner().failed.retain(|address, _| is_there(address));
    }

    /// Whether it could not be opened, and it is too early to try again.
    pub(super) fn waits(&self, address: &str) -> bool {
        self.inner().failed.get(address).is_some_and(|(_, at)| at.is_some())
    }

    /// Whatever could not be opened may be tried again at once.
    pub(super) fn forgive(&self) {
        self.inner().failed.clear();
    }

    /// In use until this is dropped.
    pub(super) fn taken(&self, address: &str) -> Taken {
        let mut inner = self.inner();
        inner.failed.remove(address);
        inner.open.insert(address.to_owned());
        inner.ever.insert(address.to_owned());
        Taken { address: address.to_owned(), of: self.clone() }
    }

    fn failed(&self, address: &str) {
        let mut inner = self.inner();
        let (times, at) = inner.failed.entry(address.to_owned()).or_default();
        *at = Some(Instant::now() + FIRST_RETRY.saturating_mul(1 << (*times).min(10)).min(LAST_RETRY));
        *times += 1;
    }
}

/// Something is open for as long as this lives.
#[derive(Debug)]
pub(super) struct Taken {
    address: String,
    of: InUse,
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut inner = self.of.inner();
        inner.open.remove(&self.address);
        inner.lost.push(self.address.clone());
    }
}

/// Opens hardware on a thread where that may take its time. The closure gets the address and what is in use.
///
/// # Errors
/// Those of the closure.
pub(super) async fn open(
    address: String,
    in_use: InUse,
    open: impl FnOnce(&str, &InUse) -> Result<Link, LinkError> + Send + 'static,
) -> Result<Link, LinkError> {
    let opening = tokio::task::spawn_blocking(move || open(&address, &in_use).inspect_err(|_| in_use.failed(&address)));
    opening.await.map_err(|error| LinkError::Failed(error.to_string()))?
}

/// What every link of this kind is: written to by `tx`, heard on `rx`.
pub(super) fn info(bus: Bus, deadlines: Deadlines) -> LinkInfo {
    LinkInfo {
        endpoints: BTreeSet::from([Endpoint::TX, Endpoint::RX]),
        gap: Duration::from_millis(bus.gap_ms()),
        deadlines,
        confirms: super::confirms(bus),
        scripted: false,
    }
}

/// Starts the threads of open hardware. `name` is what people know it by.
///
/// # Errors
/// A thread that the system does not give.
pub(super) fn start(name: &str, (writer, reader): Ends, info: LinkInfo, taken: Taken) -> Result<Link, LinkError> {
    let (link, LinkEnd { requests, notify, .. }) = pair(info);
    // The reader ends by itself once the writer's end is gone; the link is lost when either has ended.
    let (end, ended) = mpsc::channel::<()>(1);
    thread(&format!("read {name}"), {
        let (notify, name) = (notify.clone(), name.to_owned());
        move || {
            if let Err(why) = read(reader, &notify, &end) {
                tracing::debug!("{name} is lost: {why}");
            }
        }
    })?;
    let shown = name.to_owned();
    thread(&format!("write {name}"), move || {
        // Everything of the hardware goes with this thread: the entry of what is in use last.
        let _taken = taken;
        serve(&shown, writer, requests, ended);
        drop(notify);
    })?;
    Ok(link)
}

/// Starts a thread.
pub(super) fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), LinkError> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    started.map(drop).map_err(|error| LinkError::Failed(format!("no thread to {name}: {error}")))
}

/// Reads until nobody needs it or the hardware is gone.
pub(super) fn hear(
    mut reader: Box<dyn Reader>,
    is_over: impl Fn() -> bool,
    mut heard: impl FnMut(Vec<u8>),
) -> Result<(), String> {
    while !is_over() {
        if let Some(data) = reader.read()? {
            heard(data);
        }
    }
    Ok(())
}

fn read(
    reader: Box<dyn Reader>,
    notify: &broadcast::Sender<Notification>,
    end: &mpsc::Sender<()>,
) -> Result<(), String> {
    let heard = |data| drop(notify.send(Notification { endpoint: Endpoint::RX, data }));
    hear(reader, || end.is_closed(), heard)
}

/// Serves requests until the device lets go or the reader has ended.
fn serve(
    name: &str,
    mut writer: Box<dyn Writer>,
    mut requests: mpsc::Receiver<LinkRequest>,
    mut ended: mpsc::Receiver<()>,
) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    loop {
        let request = runtime.block_on(async {
            tokio::select! {
                _ = ended.recv() => None,
                request = requests.recv() => request,
            }
        });
        let Some(LinkRequest { operation, done }) = request else { return };
        if !answer(name, operation, done, |data| writer.write(data)) {
            return;
        }
    }
}

/// Does one operation of hardware that is written to and listened to; false when it is let go.
pub(super) fn answer(
    name: &str,
    operation: Operation,
    done: oneshot::Sender<Result<Vec<u8>, LinkError>>,
    write: impl FnOnce(&[u8]) -> Result<(), String>,
) -> bool {
    let outcome = match operation {
        Operation::Write(packet) => write(&packet.data).map(|()| Vec::new()).map_err(LinkError::Failed),
        Operation::Read(_) => Err(LinkError::Failed(format!("{name} is listened to, not read"))),
        // What comes is always reported.
        Operation::Subscribe(_) | Operation::Unsubscribe(_) => Ok(Vec::new()),
        Operation::Disconnect => {
            let _ = done.send(Ok(Vec::new()));
            return false;
        }
    };
    let _ = done.send(outcome);
    true
}
