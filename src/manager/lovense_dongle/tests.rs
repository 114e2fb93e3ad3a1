//! A dongle of this process, with a toy behind it and a plug.

use std::ffi::CStr;
use std::ffi::CString;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::dongles::{Dongles, IDS, NAME};
use crate::driver;
use crate::library::{Hardware, Library};
use crate::link::{Deadlines, Link, LinkError, Packet};
use crate::manager::{
    blocking_link::Ends, blocking_link::Reader, blocking_link::Writer, contract::Scan, hid::Info, hid::System,
    polling_manager::Enumerated, polling_manager::Enumerator,
};
use crate::types::{Bus, Endpoint, InputKind};

const PATIENCE: Duration = Duration::from_secs(5);

/// What the dongle's end of the cable gets and gives, until it is dropped.
struct Cable {
    lines: Receiver<String>,
    say: Sender<String>,
}

impl Cable {
    /// The next line from the server must be this.
    fn expect(&self, line: &str) {
        assert_eq!(self.lines.recv_timeout(PATIENCE).as_deref(), Ok(line));
    }

    fn say(&self, text: &str) {
        self.say.send(format!("{text}\r\n")).unwrap();
    }

    fn silent(&self, ms: u64) {
        let heard = self.lines.recv_timeout(Duration::from_millis(ms));
        assert_eq!(heard, Err(RecvTimeoutError::Timeout));
    }
}

#[derive(Debug, Default)]
struct Fake {
    sockets: Mutex<Vec<(CString, Option<Ends2>)>>,
}

/// Both ends of a cable that nobody has opened yet.
#[derive(Debug)]
struct Ends2 {
    lines: Sender<String>,
    said: Receiver<String>,
}

impl Fake {
    fn plug(&self, path: &str) -> Cable {
        let (to, lines) = mpsc::channel();
        let (say, said) = mpsc::channel();
        self.sockets.lock().unwrap().push((CString::new(path).unwrap(), Some(Ends2 { lines: to, said })));
        Cable { lines, say }
    }

    fn unplug(&self, cable: Cable) {
        drop(cable);
        self.sockets.lock().unwrap().clear();
    }
}

impl System for Fake {
    fn list(&self) -> Result<Vec<Info>, String> {
        let info = |path: &CString, ids| Info {
            path: path.clone(),
            ids,
            serial: String::new(),
            name: "dongle".to_owned(),
            interface: 0,
        };
        let sockets = self.sockets.lock().unwrap();
        let mouse = info(&c"/dev/hidraw9".to_owned(), (0x046d, 0xc52b));
        Ok(sockets.iter().map(|(path, _)| info(path, IDS)).chain([mouse]).collect())
    }

    fn open(&self, wanted: &CStr, _: (u16, u16)) -> Result<Ends, String> {
        let mut sockets = self.sockets.lock().unwrap();
        let socket = sockets.iter_mut().find(|(path, _)| path.as_c_str() == wanted).ok_or("no such device")?;
        let Ends2 { lines, said } = socket.1.take().ok_or("permission denied")?;
        Ok((Box::new(FakeWriter { lines, begun: String::new() }), Box::new(FakeReader { said, rest: Vec::new() })))
    }
}

struct FakeWriter {
    lines: Sender<String>,
    begun: String,
}

impl Writer for FakeWriter {
    fn write(&mut self, report: &[u8]) -> Result<(), String> {
        assert_eq!((report.len(), report[0], report[64]), (65, 0, 0));
        self.begun += std::str::from_utf8(&report[1..]).unwrap().trim_end_matches('\0');
        // Until it is unplugged.
        while self.begun.contains("HANG") && self.lines.send("hangs".to_owned()).is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
        if let Some(line) = self.begun.strip_suffix("\r\n") {
            self.lines.send(line.to_owned()).map_err(|_| "No such device (os error 19)".to_owned())?;
            self.begun.clear();
        }
        Ok(())
    }
}

struct FakeReader {
    said: Receiver<String>,
    rest: Vec<Vec<u8>>,
}

impl Reader for FakeReader {
    fn read(&mut self) -> Result<Option<Vec<u8>>, String> {
        if !self.rest.is_empty() {
            return Ok(Some(self.rest.remove(0)));
        }
        match self.said.recv_timeout(Duration::from_millis(5)) {
            Ok(text) => {
                let fill = |chunk: &[u8]| [chunk, &[0; 64][chunk.len()..]].concat();
                self.rest = text.as_bytes().chunks(63).map(fill).collect();
                Ok(None)
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err("unexpected poll error (device disconnected)".to_owned()),
        }
    }
}

fn dongles() -> (Dongles, Arc<Fake>) {
    let fake = Arc::<Fake>::default();
    (Dongles::new(Arc::clone(&fake) as Arc<dyn System>, Deadlines::default()), fake)
}

/// Lists until the toy is there.
async fn toy(dongles: &Dongles) -> Enumerated {
    for _ in 0..500 {
        if let Some(listed) = dongles.list().unwrap().pop() {
            return listed;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("there is no toy");
}

async fn link(dongles: &Dongles) -> Link {
    let Enumerated { hardware, connector } = toy(dongles).await;
    let library = Library::load(&[], &driver::names());
    let candidates = library.candidates(&hardware);
    connector.unwrap().connect(candidates).await.unwrap().1
}

const STATUS: &str = r#"{"type":"toy","func":"statuss"}"#;
const SEARCH: &str = r#"{"type":"toy","func":"search"}"#;
const STOP: &str = r#"{"type":"usb","func":"stopSearch"}"#;
const HERE: &str = r#"{"type":"toy","func":"status","data":{"id":"AB12","status":202}}"#;
const GONE: &str = r#"{"type":"toy","func":"status","data":{"id":"AB12","status":403}}"#;

fn command(text: &str) -> String {
    format!(r#"{{"type":"toy","func":"command","id":"AB12","cmd":"{text}"}}"#)
}

fn data(text: &str) -> String {
    format!(r#"{{"type":"toy","func":"toyData","data":{{"id":"AB12","data":"{text}"}}}}"#)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lovense_driver_works_over_it_as_it_is() {
    let (dongles, fake) = dongles();
    let cable = fake.plug("/dev/hidraw0");
    assert!(dongles.list().unwrap().is_empty());
    cable.expect(STATUS);
    cable.say(HERE);
    let Enumerated { hardware, connector } = toy(&dongles).await;
    assert_eq!((hardware.bus, hardware.name.as_str(), hardware.address.as_str()), (Bus::LovenseDongle, NAME, "AB12"));
    let library = Library::load(&[], &driver::names());
    let candidates = library.candidates(&hardware);
    let definition = Arc::clone(&candidates[0].definition);
    assert_eq!(definition.protocol, "lovense");
    let (which, link) = connector.unwrap().connect(candidates).await.unwrap();
    assert_eq!((which, link.gap()), (0, Duration::from_millis(75)));
    assert!(dongles.open_devices().is_open("AB12"));
    let toy = std::thread::spawn(move || {
        cable.expect(&command("DeviceType;"));
        cable.say(&data("P:02:0082059AD3BD;"));
        cable.expect(&command("Battery;"));
        cable.say(&data("OK;"));
        cable.say(&data("89;"));
        cable
    });
    let protocol = driver::for_definition(&definition);
    let identified = protocol.identify(&definition, &hardware, &link).await.unwrap();
    assert_eq!(identified.as_deref(), Some("P"));
    let model = Arc::new(definition.model(identified.as_deref()).clone());
    let driver = protocol.open(&definition, &model, &link);
    assert_eq!(driver.inputs().read(2, InputKind::Battery, link.clone()).await, Ok(89));
    let cable = toy.join().unwrap();
    // What is no text, and a packet of many reports.
    let packet = |data: &[u8]| Packet { endpoint: Endpoint::TX, data: data.to_vec(), ack: false };
    assert!(link.write(packet(&[0xFF])).await.unwrap_err().to_string().contains("text only"));
    link.write(packet(&[b'x'; 500])).await.unwrap();
    cable.expect(&command(&"x".repeat(500)));
    assert!(link.read(Endpoint::RX).await.unwrap_err().to_string().contains("listened to"));
    // The toy goes, and the link with it.
    cable.say(GONE);
    tokio::time::timeout(PATIENCE, link.lost()).await.expect("the loss is not noticed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_toy_that_is_lost_is_searched_for_and_taken_again() {
    let (dongles, fake) = dongles();
    let cable = fake.plug("/dev/hidraw0");
    dongles.list().unwrap();
    cable.expect(STATUS);
    cable.say(HERE);
    let first = link(&dongles).await;
    cable.say(GONE);
    tokio::time::timeout(PATIENCE, first.lost()).await.unwrap();
    cable.silent(100);
    // Another bus has lost something; then this one.
    dongles.scan(&Scan::LookFor("C0:FF:EE".to_owned()));
    cable.silent(100);
    dongles.scan(&Scan::LookFor("AB12".to_owned()));
    cable.expect(SEARCH);
    cable.say(r#"{"type":"toy","func":"toyData","data":{"id":"AB12"}}"#);
    cable.expect(STOP);
    cable.say(r#"{"type":"toy","func":"search","result":206}"#);
    assert!(!link(&dongles).await.is_lost());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dongle_that_takes_nothing_any_more_is_given_up_and_opened_again() {
    let (mut dongles, fake) = dongles();
    let short = Duration::from_millis(100);
    dongles.deadlines = Deadlines { write: short, read: short };
    let cable = fake.plug("/dev/hidraw0");
    dongles.list().unwrap();
    cable.expect(STATUS);
    cable.say(HERE);
    let first = link(&dongles).await;
    let hang = Packet { endpoint: Endpoint::TX, data: b"HANG;".to_vec(), ack: false };
    assert!(matches!(first.write(hang).await, Err(LinkError::Timeout { .. })));
    tokio::time::timeout(PATIENCE, first.lost()).await.expect("it hangs for ever");
    assert_eq!(dongles.details()["hung_writes"][0]["address"], "/dev/hidraw0");
    // The same socket can be opened again while the old thread still hangs.
    let again = fake.plug("/dev/hidraw0");
    fake.sockets.lock().unwrap().remove(0);
    let _ = dongles.list();
    again.expect(STATUS);
    again.say(HERE);
    assert!(!link(&dongles).await.is_lost());
    drop(cable);
    for _ in 0..500 {
        if dongles.details()["hung_writes"] == serde_json::json!([]) {
            assert!(dongles.plugs.is_open("/dev/hidraw0"), "the place is the new one's");
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the thread that hung does not end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_plugged_and_unplugged_while_the_server_runs() {
    let (dongles, fake) = dongles();
    assert!(dongles.list().unwrap().is_empty());
    dongles.scan(&Scan::Start);
    let cable = fake.plug("/dev/hidraw0");
    dongles.list().unwrap();
    cable.expect(STATUS);
    // Silence, as when no toy is connected.
    cable.expect(SEARCH);
    dongles.scan(&Scan::Stop);
    cable.expect(STOP);
    cable.say(HERE);
    let first = link(&dongles).await;
    fake.unplug(cable);
    tokio::time::timeout(PATIENCE, first.lost()).await.expect("the loss is not noticed");
    let lost = first.write(Packet { endpoint: Endpoint::TX, data: b"x".to_vec(), ack: false }).await;
    assert_eq!(lost, Err(LinkError::Lost));
    assert!(dongles.list().unwrap().is_empty());
    assert_eq!(dongles.details()["dongles"], serde_json::json!([]));
    // In again, by another path, without a scan: its toy was in use.
    let cable = fake.plug("/dev/hidraw3");
    dongles.list().unwrap();
    cable.expect(STATUS);
    cable.expect(SEARCH);
    cable.say(HERE);
    let again = link(&dongles).await;
    // A link that was dropped leaves the toy where it is.
    drop(again);
    while dongles.open_devices().is_open("AB12") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(dongles.open_devices().due_for_retry().contains(&"AB12".to_owned()));
    let third = link(&dongles).await;
    third.disconnect().await;
    tokio::time::timeout(PATIENCE, third.lost()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dongle_that_cannot_be_opened_is_an_error_and_tried_again() {
    let (dongles, fake) = dongles();
    let taken = fake.sockets.lock().unwrap().len();
    assert_eq!(taken, 0);
    fake.sockets.lock().unwrap().push((c"/dev/hidraw0".to_owned(), None));
    assert!(dongles.list().unwrap_err().contains("permission denied"));
    fake.sockets.lock().unwrap().clear();
    let cable = fake.plug("/dev/hidraw0");
    dongles.list().unwrap();
    cable.expect(STATUS);
    cable.say(HERE);
    let way = toy(&dongles).await.connector.unwrap();
    // Without a definition, and without a dongle.
    assert!(way.connect(Vec::new()).await.is_err());
    fake.unplug(cable);
    let library = Library::load(&[], &driver::names());
    let candidates = library.candidates(&Hardware::new(Bus::LovenseDongle, NAME, "AB12"));
    for _ in 0..100 {
        match way.connect(candidates.clone()).await {
            Err(error) if error.to_string().contains("unplugged") => return,
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("the unplugged dongle is not noticed");
}
