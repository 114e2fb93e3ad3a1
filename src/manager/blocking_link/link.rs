//! A link to hardware behind a blocking library: one thread reads, one serves the link and one writes.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot};

use crate::link::{Clock, Deadlines, Link, LinkEnd, LinkError, LinkInfo, LinkRequest, Notification, Operation, pair};
use crate::manager::{link_info::confirms, open_devices::OpenDevices, open_devices::OpenGuard};
use crate::types::{Bus, Endpoint};

use super::ends::{Ends, Reader, Writer};
use super::thread::thread;
use super::watched::{WatchedWriter, write_limit};

/// Opens hardware on a thread where that may take its time. The closure gets the address and what is in use.
///
/// # Errors
/// Those of the closure.
pub(in crate::manager) async fn open(
    address: String,
    open_devices: OpenDevices,
    open: impl FnOnce(&str, &OpenDevices) -> Result<Link, LinkError> + Send + 'static,
) -> Result<Link, LinkError> {
    let begun = open_devices.begin_opening(&address).map_err(LinkError::Failed)?;
    let opening = tokio::task::spawn_blocking(move || {
        let _begun = begun;
        open(&address, &open_devices).inspect_err(|_| open_devices.failed(&address))
    });
    opening.await.map_err(|error| LinkError::Failed(error.to_string()))?
}

/// What every link of this kind is: written to by `tx`, heard on `rx`.
pub(in crate::manager) fn info(bus: Bus, deadlines: Deadlines) -> LinkInfo {
    LinkInfo {
        endpoints: BTreeSet::from([Endpoint::TX, Endpoint::RX]),
        gap: Duration::from_millis(bus.gap_ms()),
        deadlines,
        confirms: confirms(bus),
        clock: Clock::system(),
    }
}

/// Starts the threads of open hardware. `name` is what people know it by.
///
/// # Errors
/// A thread that the system does not give.
pub(in crate::manager) fn start(
    name: &str,
    (writer, reader): Ends,
    info: LinkInfo,
    taken: OpenGuard,
) -> Result<Link, LinkError> {
    let writer = WatchedWriter::start(name, writer, write_limit(info.deadlines), taken)?;
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
    thread(&format!("serve {name}"), move || {
        serve(&shown, writer, requests, ended);
        drop(notify);
    })?;
    Ok(link)
}

/// Reads until nobody needs it or the hardware is gone.
pub(in crate::manager) fn read_loop(
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
    read_loop(reader, || end.is_closed(), heard)
}

/// Serves requests until the device lets go or the reader has ended.
fn serve(
    name: &str,
    mut writer: WatchedWriter,
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
        if !answer(name, operation, done, |data| writer.write(data)) || writer.is_over() {
            return;
        }
    }
}

/// Does one operation of hardware that is written to and listened to; false when it is let go.
pub(in crate::manager) fn answer(
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
