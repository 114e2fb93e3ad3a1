//! One open port: a thread that writes, a thread that reads.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serialport::{DataBits, FlowControl, SerialPort, StopBits};
use tokio::sync::{mpsc, oneshot};

use crate::driver::Boxed;
use crate::library::Candidate;
use crate::library::Matcher;
use crate::library::hardware::{Parity, SerialPort as Wanted};
use crate::link::{Deadlines, Link, LinkEnd, LinkError, LinkInfo, LinkRequest, Notification, Operation, pair};
use crate::manager::Connector;
use crate::message::Endpoint;

/// How long a read waits before the thread looks whether it is still needed.
const READ: Duration = Duration::from_millis(50);

/// The ports that are open, and those that were lost since somebody asked.
#[derive(Debug, Clone, Default)]
pub(super) struct OpenPorts {
    inner: Arc<Mutex<(BTreeSet<String>, Vec<String>)>>,
}

impl OpenPorts {
    fn inner(&self) -> MutexGuard<'_, (BTreeSet<String>, Vec<String>)> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.inner().0.contains(name)
    }

    pub(super) fn names(&self) -> BTreeSet<String> {
        self.inner().0.clone()
    }

    pub(super) fn take_lost(&self) -> Vec<String> {
        std::mem::take(&mut self.inner().1)
    }

    fn opened(&self, name: &str) {
        self.inner().0.insert(name.to_owned());
    }

    fn closed(&self, name: &str) {
        let mut inner = self.inner();
        inner.0.remove(name);
        inner.1.push(name.to_owned());
    }
}

/// How to open a port.
#[derive(Debug)]
pub(super) struct Way {
    name: String,
    deadlines: Deadlines,
    open: OpenPorts,
}

impl Way {
    pub(super) fn new(name: String, deadlines: Deadlines, open: OpenPorts) -> Self {
        Self { name, deadlines, open }
    }
}

impl Connector for Way {
    fn connect(&self, candidates: Vec<Candidate>) -> Boxed<'static, Result<(usize, Link), LinkError>> {
        let (name, deadlines, open) = (self.name.clone(), self.deadlines, self.open.clone());
        Box::pin(async move {
            let wanted = candidates.iter().enumerate().find_map(|(which, candidate)| match &candidate.matcher {
                Matcher::Serial(wanted) => Some((which, wanted.clone())),
                _ => None,
            });
            let (which, wanted) = wanted.ok_or_else(|| LinkError::Failed("no definition is serial".to_owned()))?;
            let opening = tokio::task::spawn_blocking(move || start(&name, &wanted, deadlines, &open));
            let link = opening.await.map_err(|error| LinkError::Failed(error.to_string()))??;
            Ok((which, link))
        })
    }

    fn refuse(&self, _: &str) {
        // A port has nobody who could be told.
    }
}

/// Opens the port and starts its threads. Blocking.
fn start(name: &str, wanted: &Wanted, deadlines: Deadlines, open: &OpenPorts) -> Result<Link, LinkError> {
    let writer = open_port(name, wanted)?;
    let reader = writer.try_clone().map_err(|error| failed(name, &error))?;
    let endpoints = BTreeSet::from([Endpoint::TX, Endpoint::RX]);
    let (link, LinkEnd { requests, notify }) =
        pair(LinkInfo { endpoints, gap: Duration::ZERO, deadlines, scripted: false });
    open.opened(name);
    let guard = Guard { name: name.to_owned(), open: open.clone() };
    // The reader ends by itself once the writer's end is gone; the link is lost when either has ended.
    let (end, ended) = mpsc::channel::<()>(1);
    let spawned = std::thread::Builder::new().name(format!("read {name}")).spawn({
        let notify = notify.clone();
        move || read(reader, &notify, &end)
    });
    spawned.map_err(|error| LinkError::Failed(format!("no thread for {name}: {error}")))?;
    let spawned = std::thread::Builder::new().name(format!("write {name}")).spawn(move || {
        // Everything of the port goes with this thread: the guard last.
        let _guard = guard;
        serve(writer, requests, ended);
        drop(notify);
    });
    spawned.map_err(|error| LinkError::Failed(format!("no thread for the port: {error}")))?;
    Ok(link)
}

struct Guard {
    name: String,
    open: OpenPorts,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.open.closed(&self.name);
    }
}

fn open_port(name: &str, wanted: &Wanted) -> Result<Box<dyn SerialPort>, LinkError> {
    let data_bits = match wanted.data_bits {
        5 => DataBits::Five,
        6 => DataBits::Six,
        7 => DataBits::Seven,
        8 => DataBits::Eight,
        other => return Err(LinkError::Failed(format!("{other} data bits are none; allowed: 5 to 8"))),
    };
    let stop_bits = match wanted.stop_bits {
        1 => StopBits::One,
        2 => StopBits::Two,
        other => return Err(LinkError::Failed(format!("{other} stop bits are none; allowed: 1 and 2"))),
    };
    let parity = match wanted.parity {
        Parity::None => serialport::Parity::None,
        Parity::Even => serialport::Parity::Even,
        Parity::Odd => serialport::Parity::Odd,
    };
    serialport::new(name, wanted.baud)
        .data_bits(data_bits)
        .stop_bits(stop_bits)
        .parity(parity)
        .flow_control(FlowControl::None)
        .timeout(READ)
        .open()
        .map_err(|error| failed(name, &error))
}

/// What is wrong with a port, and what helps.
fn failed(name: &str, error: &serialport::Error) -> LinkError {
    let help = match error.kind() {
        serialport::ErrorKind::Io(std::io::ErrorKind::PermissionDenied) => {
            "; on Linux the user must be in the group that owns it (`dialout` on Debian, `uucp` on Arch), or a udev \
             rule must grant it"
        }
        _ if error.to_string().contains("busy") => "; another program has it open",
        _ => "",
    };
    LinkError::Failed(format!("the port {name} cannot be opened: {error}{help}"))
}

/// Reads until nobody needs it or the hardware is gone.
fn read(mut port: Box<dyn SerialPort>, notify: &tokio::sync::broadcast::Sender<Notification>, end: &mpsc::Sender<()>) {
    let mut part = [0; 1024];
    while !end.is_closed() {
        match port.read(&mut part) {
            Ok(0) => return,
            Ok(count) => {
                let data = part.get(..count).unwrap_or_default().to_vec();
                let _ = notify.send(Notification { endpoint: Endpoint::RX, data });
            }
            Err(error) if matches!(error.kind(), std::io::ErrorKind::TimedOut | std::io::ErrorKind::Interrupted) => {}
            // Unplugged: the end of this thread is the end of the link.
            Err(_) => return,
        }
    }
}

/// Serves requests until the device lets go or the reader has ended.
fn serve(mut port: Box<dyn SerialPort>, mut requests: mpsc::Receiver<LinkRequest>, mut ended: mpsc::Receiver<()>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().build() {
        Ok(runtime) => runtime,
        Err(_) => return,
    };
    loop {
        let request = runtime.block_on(async {
            tokio::select! {
                _ = ended.recv() => None,
                request = requests.recv() => request,
            }
        });
        let Some(LinkRequest { operation, done }) = request else { return };
        if !answer(&mut *port, operation, done) {
            return;
        }
    }
}

/// Does one operation; false when the port is to be closed.
fn answer(port: &mut dyn SerialPort, operation: Operation, done: oneshot::Sender<Result<Vec<u8>, LinkError>>) -> bool {
    let outcome = match operation {
        Operation::Write(packet) => {
            let written = port.write_all(&packet.data).and_then(|()| port.flush());
            written.map(|()| Vec::new()).map_err(|error| LinkError::Failed(error.to_string()))
        }
        Operation::Read(_) => Err(LinkError::Failed("a serial port is listened to, not read".to_owned())),
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::io::Write;

    use serialport::TTYPort;

    use super::*;
    use crate::link::Packet;

    fn wanted(port: &str) -> Wanted {
        Wanted { port: port.to_owned(), baud: 115_200, data_bits: 8, stop_bits: 1, parity: Parity::None }
    }

    /// The device's end of a cable, and the name of the port at the other.
    fn cable() -> (TTYPort, String) {
        let (master, slave) = TTYPort::pair().unwrap();
        // The port is locked for as long as this end of it is open.
        let name = slave.name().unwrap();
        (master, name)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn bytes_go_both_ways_and_an_unplugged_port_is_a_lost_link() {
        let (mut master, name) = cable();
        let open = OpenPorts::default();
        let link = start(&name, &wanted(&name), Deadlines::default(), &open).unwrap();
        assert!(open.has(&name));
        let mut heard = link.listen();
        link.write(Packet { endpoint: Endpoint::TX, data: b"L0500\n".to_vec(), ack: false }).await.unwrap();
        let mut told = [0; 6];
        master.set_timeout(Duration::from_secs(5)).unwrap();
        master.read_exact(&mut told).unwrap();
        assert_eq!(&told, b"L0500\n");
        master.write_all(b"ok").unwrap();
        let answer = heard.next_on(Endpoint::RX, Duration::from_secs(5)).await.unwrap();
        assert!(b"ok".starts_with(&answer), "{answer:?}");
        drop(master);
        tokio::time::timeout(Duration::from_secs(5), link.lost()).await.expect("the loss is not noticed");
        for _ in 0..100 {
            if !open.has(&name) {
                assert_eq!(open.take_lost(), [name]);
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the port is still held");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn letting_go_closes_the_port() {
        let (_master, name) = cable();
        let open = OpenPorts::default();
        let link = start(&name, &wanted(&name), Deadlines::default(), &open).unwrap();
        link.disconnect().await;
        tokio::time::timeout(Duration::from_secs(5), link.lost()).await.expect("the port stays open");
    }
}
