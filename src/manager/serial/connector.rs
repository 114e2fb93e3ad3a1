//! One open port.

use std::io::{Read, Write};

use serialport::{ClearBuffer, DataBits, FlowControl, SerialPort, StopBits};

use crate::driver::Boxed;
use crate::library::{Candidate, Matcher, Parity, SerialPort as DesiredState};
use crate::link::{Deadlines, Link, LinkError};
use crate::manager::{
    blocking_link, blocking_link::Abandon, blocking_link::Ends, blocking_link::READ, blocking_link::Reader,
    blocking_link::Writer, contract::Connector, open_devices::OpenDevices,
};
use crate::types::Bus;

/// How to open a port.
#[derive(Debug)]
pub(super) struct SerialConnector {
    name: String,
    deadlines: Deadlines,
    open: OpenDevices,
}

impl SerialConnector {
    pub(super) fn new(name: String, deadlines: Deadlines, open: OpenDevices) -> Self {
        Self { name, deadlines, open }
    }
}

impl Connector for SerialConnector {
    fn connect(&self, candidates: Vec<Candidate>) -> Boxed<'static, Result<(usize, Link), LinkError>> {
        let (name, deadlines, open) = (self.name.clone(), self.deadlines, self.open.clone());
        Box::pin(async move {
            let wanted = candidates.iter().enumerate().find_map(|(which, candidate)| match &candidate.matcher {
                Matcher::Serial(wanted) => Some((which, wanted.clone())),
                _ => None,
            });
            let (which, wanted) = wanted.ok_or_else(|| LinkError::Failed("no definition is serial".to_owned()))?;
            let opening = blocking_link::open(name, open, move |name, open| start(name, &wanted, deadlines, open));
            let link = opening.await?;
            Ok((which, link))
        })
    }

    fn refuse(&self, _: &str) {
        // A serial port has no way to report a refusal.
    }
}

/// Opens the port and starts its threads. Blocking.
fn start(name: &str, wanted: &DesiredState, deadlines: Deadlines, open: &OpenDevices) -> Result<Link, LinkError> {
    blocking_link::start(name, ends(name, wanted)?, blocking_link::info(Bus::Serial, deadlines), open.mark_open(name))
}

/// Opens both ends of a port. Blocking.
///
/// # Errors
/// A port that cannot be opened, with what helps.
pub(in crate::manager) fn ends(name: &str, wanted: &DesiredState) -> Result<Ends, LinkError> {
    let writer = open_port(name, wanted)?;
    let reader = writer.try_clone_native().map_err(|error| failed(name, &error))?;
    Ok((Box::new(Port(writer)), Box::new(Port(reader))))
}

#[cfg(unix)]
type Native = serialport::TTYPort;
#[cfg(windows)]
type Native = serialport::COMPort;

/// One end of a port.
struct Port(Native);

impl Writer for Port {
    fn write(&mut self, data: &[u8]) -> Result<(), String> {
        self.0.write_all(data).and_then(|()| self.0.flush()).map_err(|error| error.to_string())
    }

    fn abandon(&self) -> Option<Abandon> {
        #[cfg_attr(not(unix), expect(unused_mut, reason = "only on Unix is there a lock to take off"))]
        let mut port = self.0.try_clone_native().ok()?;
        Some(Box::new(move || {
            // What the system has not sent yet is not to arrive later.
            let _ = port.clear(ClearBuffer::Output);
            // On Windows a port stays with whoever has it until the write returns.
            #[cfg(unix)]
            let _ = port.set_exclusive(false);
        }))
    }
}

impl Reader for Port {
    fn read(&mut self) -> Result<Option<Vec<u8>>, String> {
        let mut part = [0; 1024];
        match self.0.read(&mut part) {
            Ok(0) => Err("it is closed".to_owned()),
            Ok(count) => Ok(Some(part.get(..count).unwrap_or_default().to_vec())),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::TimedOut | std::io::ErrorKind::Interrupted) => {
                Ok(None)
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

fn open_port(name: &str, wanted: &DesiredState) -> Result<Native, LinkError> {
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
        .open_native()
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use serialport::TTYPort;

    use std::time::Duration;

    use super::*;
    use crate::link::Packet;
    use crate::types::Endpoint;

    fn wanted(port: &str) -> DesiredState {
        DesiredState { port: port.to_owned(), baud: 115_200, data_bits: 8, stop_bits: 1, parity: Parity::None }
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
        let open = OpenDevices::default();
        let link = start(&name, &wanted(&name), Deadlines::default(), &open).unwrap();
        assert!(open.is_open(&name));
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
            if !open.is_open(&name) {
                assert_eq!(open.due_for_retry(), [name]);
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the port is still held");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn letting_go_closes_the_port() {
        let (_master, name) = cable();
        let open = OpenDevices::default();
        let link = start(&name, &wanted(&name), Deadlines::default(), &open).unwrap();
        link.disconnect().await;
        tokio::time::timeout(Duration::from_secs(5), link.lost()).await.expect("the port stays open");
    }
}
