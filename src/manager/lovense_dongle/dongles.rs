//! Every Lovense dongle that is plugged in, and the toys behind them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::dongle::{Command, Dongle};
use super::framing::Form;
use crate::driver::Boxed;
use crate::library::{Candidate, Hardware, Parity, SerialPort, usb_id};
use crate::link::{Deadlines, Link, LinkError};
use crate::manager::{
    contract::Connector, contract::Factory, contract::Scan, hid::Hidapi, hid::System, open_devices::OpenDevices,
    polling_manager, polling_manager::Enumerated, polling_manager::Enumerator, serial,
};
use crate::types::Bus;

/// Vendor and product of the dongle.
pub const IDS: (u16, u16) = (0x1915, 0x520a);
/// The name by which definitions recognise the toy.
pub const NAME: &str = "LVS-DongleDevice";

/// Where a dongle is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Hid(CString),
    Port(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hid(path) => f.write_str(&path.to_string_lossy()),
            Self::Port(port) => f.write_str(port),
        }
    }
}

/// Every dongle that is plugged in.
#[derive(Debug)]
pub(super) struct Dongles {
    system: Arc<dyn System>,
    /// The serial port of a dongle of the older form.
    port: Option<String>,
    pub(super) deadlines: Deadlines,
    /// Toys that are in use.
    toys: OpenDevices,
    /// Dongles that are open.
    pub(super) plugs: OpenDevices,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    dongles: BTreeMap<Place, Dongle>,
    scanning: bool,
    /// What was wrong with a dongle when somebody last read a warning.
    warned: Option<String>,
}

/// Makes managers of the Lovense dongle; `port` is the serial port of one of the older form.
pub(super) fn factory(port: Option<String>, deadlines: Deadlines) -> Factory {
    polling_manager::factory(Dongles { port, ..Dongles::new(Arc::new(Hidapi), deadlines) })
}

impl Dongles {
    pub(super) fn new(system: Arc<dyn System>, deadlines: Deadlines) -> Self {
        Self {
            system,
            port: None,
            deadlines,
            toys: OpenDevices::default(),
            plugs: OpenDevices::default(),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of dongles that are gone, and opens those that are new.
    fn bring_up_to_date(&self) -> Result<(), String> {
        let infos = self.system.list().map_err(|why| format!("HID devices cannot be listed: {why}"))?;
        let hid = infos.into_iter().filter(|info| info.ids == IDS).map(|info| Place::Hid(info.path));
        let port =
            self.port.iter().filter(|port| cfg!(not(unix)) || Path::new(port).exists()).cloned().map(Place::Port);
        let there: BTreeSet<_> = hid.chain(port).collect();
        let new: Vec<_> = {
            let mut state = self.state();
            state.dongles.retain(|place, dongle| there.contains(place) && dongle.is_open());
            there.into_iter().filter(|place| !state.dongles.contains_key(place)).collect()
        };
        // What is there and not open is opened, whatever became of it.
        let _ = self.plugs.due_for_retry();
        let mut failed = None;
        for place in new {
            let name = place.to_string();
            let _opening = match self.plugs.begin_opening(&name) {
                Ok(opening) => opening,
                Err(why) => {
                    failed = failed.or(Some(why));
                    continue;
                }
            };
            // Opening may take its time, and nobody is to wait for it.
            let (ends, form) = match &place {
                Place::Hid(path) => (self.system.open(path, IDS), Form::Reports),
                Place::Port(port) => (serial::ends(port, &cable(port)).map_err(|error| error.to_string()), Form::Plain),
            };
            let opened = ends.and_then(|ends| {
                let mut state = self.state();
                let look = self.toys.was_opened(None);
                let dongle = Dongle::start(
                    ends,
                    form,
                    state.scanning,
                    look,
                    self.toys.clone(),
                    self.plugs.mark_open(&name),
                    self.deadlines,
                );
                state.dongles.insert(place, dongle.map_err(|error| error.to_string())?);
                Ok(())
            });
            failed = failed.or(opened.err());
        }
        let mut state = self.state();
        if let Some(why) = failed.as_ref().filter(|why| state.warned.as_ref() != Some(why)) {
            tracing::warn!("a Lovense dongle is plugged in but cannot be used: {why}");
        }
        state.warned.clone_from(&failed);
        failed.map_or(Ok(()), Err)
    }
}

/// How the port of a serial dongle is set.
fn cable(port: &str) -> SerialPort {
    SerialPort { port: port.to_owned(), baud: 115_200, data_bits: 8, stop_bits: 1, parity: Parity::None }
}

impl Enumerator for Dongles {
    fn list(&self) -> Result<Vec<Enumerated>, String> {
        let result = self.bring_up_to_date();
        let state = self.state();
        let mut listed: Vec<Enumerated> = Vec::new();
        for dongle in state.dongles.values() {
            let Some(id) = dongle.seen().toy else { continue };
            if listed.iter().all(|other| other.hardware.address != id) {
                let hardware = Hardware::new(Bus::LovenseDongle, NAME, id.clone());
                let connector = DongleConnector { id, commands: dongle.commands.clone() };
                listed.push(Enumerated { hardware, connector: Some(Arc::new(connector)) });
            }
        }
        // A dongle that fails does not hide the toy of another.
        if listed.is_empty() { result.map(|()| listed) } else { Ok(listed) }
    }

    fn wanted(&self) -> Vec<String> {
        std::iter::once(usb_id(IDS)).chain(self.port.clone()).collect()
    }

    fn open_devices(&self) -> &OpenDevices {
        &self.toys
    }

    fn scan(&self, scan: &Scan) {
        let mut state = self.state();
        let command: fn() -> Command = match scan {
            Scan::Start => {
                state.scanning = true;
                || Command::Scan(true)
            }
            Scan::Stop => {
                state.scanning = false;
                || Command::Scan(false)
            }
            // Every bus hears of every loss.
            Scan::LookFor(address) if self.toys.was_opened(Some(address)) => || Command::Look,
            Scan::LookFor(_) => return,
        };
        for dongle in state.dongles.values() {
            // One that has just been unplugged gets the command when it comes back.
            let _ = dongle.commands.send(command());
        }
    }

    fn details(&self) -> serde_json::Value {
        let state = self.state();
        let dongles = state.dongles.values().map(|dongle| serde_json::json!({ "state": dongle.seen().state }));
        serde_json::json!({ "dongles": dongles.collect::<Vec<_>>(), "hung_writes": self.plugs.hung() })
    }
}

/// How to get at a toy.
#[derive(Debug)]
struct DongleConnector {
    id: String,
    commands: mpsc::UnboundedSender<Command>,
}

impl Connector for DongleConnector {
    fn connect(&self, candidates: Vec<Candidate>) -> Boxed<'static, Result<(usize, Link), LinkError>> {
        let (id, commands) = (self.id.clone(), self.commands.clone());
        Box::pin(async move {
            if candidates.is_empty() {
                return Err(LinkError::Failed("no definition knows the toy".to_owned()));
            }
            let gone = |_| LinkError::Failed("the dongle is unplugged".to_owned());
            let (done, opened) = oneshot::channel();
            commands.send(Command::Connect(id, done)).map_err(|_| gone(()))?;
            // Only the toy's own protocol can tell which it is; the strongest recognition stands.
            let link = opened.await.map_err(|_| gone(()))??;
            Ok((0, link))
        })
    }

    fn refuse(&self, _: &str) {
        // A toy behind the dongle cannot be told why.
    }
}
