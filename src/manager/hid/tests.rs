//! Devices that are not there: a system of this process, with plugs.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::devices::{Devices, named};
use super::system::{Info, System};
use crate::library::{Candidate, Hardware, Library};
use crate::link::{Deadlines, LinkError, Packet};
use crate::manager::{blocking_link::Ends, blocking_link::Reader, blocking_link::Writer, polling_manager::Enumerator};
use crate::types::{Bus, Endpoint};

/// Reports of the device, or its unplugging.
type Says = mpsc::Receiver<Result<Vec<u8>, String>>;

#[derive(Debug, Default)]
struct Fake {
    infos: Mutex<Vec<Info>>,
    says: Mutex<Option<Says>>,
    told: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl System for Fake {
    fn list(&self) -> Result<Vec<Info>, String> {
        Ok(self.infos.lock().unwrap().clone())
    }

    fn open(&self, _: &std::ffi::CStr, _: (u16, u16)) -> Result<Ends, String> {
        let says = self.says.lock().unwrap().take().ok_or("permission denied")?;
        Ok((Box::new(FakeWriter(Arc::clone(&self.told))), Box::new(FakeReader(says))))
    }
}

struct FakeWriter(Arc<Mutex<Vec<Vec<u8>>>>);

impl Writer for FakeWriter {
    fn write(&mut self, data: &[u8]) -> Result<(), String> {
        if data == [0xEE] {
            return Err("No such device (os error 19)".to_owned());
        }
        self.0.lock().unwrap().push(data.to_vec());
        Ok(())
    }
}

struct FakeReader(Says);

impl Reader for FakeReader {
    fn read(&mut self) -> Result<Option<Vec<u8>>, String> {
        match self.0.recv_timeout(Duration::from_millis(5)) {
            Ok(said) => said.map(Some),
            Err(_) => Ok(None),
        }
    }
}

fn info(path: &str, ids: (u16, u16), serial: &str, interface: i32) -> Info {
    let (path, serial) = (CString::new(path).unwrap(), serial.to_owned());
    Info { path, ids, serial, name: "Pro Controller".to_owned(), interface }
}

/// Makes the device report something, or unplugs it.
type Say = mpsc::Sender<Result<Vec<u8>, String>>;

fn devices(infos: Vec<Info>) -> (Devices, Arc<Fake>, Say) {
    let (say, says) = mpsc::channel();
    let fake = Arc::new(Fake { infos: Mutex::new(infos), says: Mutex::new(Some(says)), told: Arc::default() });
    let system = Arc::clone(&fake) as Arc<dyn System>;
    let devices = Devices::new(Arc::new(ArcSwap::from_pointee(library())), system, Deadlines::default());
    (devices, fake, say)
}

fn library() -> Library {
    let text = r#"
        name = "Test"
        [[match]]
        hid.ids = ["057e:2009"]
        [default]
        name = "Test"
        features = [{ vibrate = [0, 10] }]
        [write]
        vibrate = 'tx: {v}'
        "#;
    Library::from_texts([("test", text)], &[])
}

fn candidates() -> Vec<Candidate> {
    let library = library();
    assert_eq!(named(&library), BTreeSet::from([(0x057e, 0x2009)]));
    let found = Hardware { usb: Some((0x057e, 0x2009)), ..Hardware::new(Bus::Hid, "n", "a") };
    library.candidates(&found)
}

fn packet(data: &[u8]) -> Packet {
    Packet { endpoint: Endpoint::TX, data: data.to_vec(), ack: false }
}

#[test]
fn addresses_are_serial_numbers_or_ids_and_every_device_is_listed_once() {
    let ids = (0x057e, 0x2009);
    let (devices, ..) = devices(vec![
        info("raw0", ids, "98:b6", -1),
        // The second usage of the same one.
        info("raw0", ids, "98:b6", -1),
        info("raw1", ids, "", -1),
        info("raw2", ids, "", -1),
        // The second interface of a device, listed first.
        info("raw4", ids, "twin", 1),
        info("raw3", ids, "twin", 0),
        info("raw5", (0x046d, 0xc52b), "mouse", 0),
    ]);
    let listed = devices.list().unwrap();
    let mut addresses: Vec<_> = listed.iter().map(|listed| listed.hardware.address.as_str()).collect();
    addresses.sort_unstable();
    assert_eq!(addresses, ["057e:2009", "057e:2009#2", "98:b6", "twin"]);
    assert!(listed.iter().all(|listed| listed.hardware.usb == Some(ids)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_go_as_they_are_and_unplugging_is_a_lost_link() {
    let (devices, fake, say) = devices(vec![info("raw0", (0x057e, 0x2009), "98:b6", -1)]);
    let way = devices.list().unwrap().remove(0).connector.unwrap();
    let (which, link) = way.connect(candidates()).await.unwrap();
    assert_eq!(which, 0);
    assert!(devices.open_devices().is_open("98:b6"));
    let mut heard = link.listen();
    link.subscribe(Endpoint::RX).await.unwrap();
    link.write(packet(&[0x10, 1, 2, 3])).await.unwrap();
    assert_eq!(*fake.told.lock().unwrap(), [vec![0x10, 1, 2, 3]]);
    say.send(Ok(vec![0x21, 7])).unwrap();
    assert_eq!(heard.next_on(Endpoint::RX, Duration::from_secs(5)).await, Ok(vec![0x21, 7]));
    let refused = link.write(packet(&[0xEE])).await.unwrap_err().to_string();
    assert!(refused.contains("No such device"), "{refused}");
    say.send(Err("unexpected poll error (device disconnected)".to_owned())).unwrap();
    tokio::time::timeout(Duration::from_secs(5), link.lost()).await.expect("the loss is not noticed");
    for _ in 0..100 {
        if !devices.open_devices().is_open("98:b6") {
            assert_eq!(devices.open_devices().due_for_retry(), ["98:b6"]);
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the device is still held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letting_go_closes_the_device_and_what_failed_is_tried_again_later() {
    let (devices, _, _say) = devices(vec![info("raw0", (0x057e, 0x2009), "", -1)]);
    let way = devices.list().unwrap().remove(0).connector.unwrap();
    let (_, link) = way.connect(candidates()).await.unwrap();
    link.disconnect().await;
    tokio::time::timeout(Duration::from_secs(5), link.lost()).await.expect("the device stays open");
    while devices.open_devices().is_open("057e:2009") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(devices.open_devices().due_for_retry(), ["057e:2009"]);
    // The fake opens once only.
    assert_eq!(way.connect(candidates()).await.unwrap_err(), LinkError::Failed("permission denied".to_owned()));
    assert!(devices.open_devices().due_for_retry().is_empty());
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(devices.open_devices().due_for_retry(), ["057e:2009"]);
    assert!(devices.open_devices().due_for_retry().is_empty());
}

#[test]
fn definitions_that_are_replaced_while_it_runs_count_from_the_next_list_on() {
    let system =
        Arc::new(Fake { infos: Mutex::new(vec![info("raw0", (0x057e, 0x2009), "s1", -1)]), ..Fake::default() });
    let known = Arc::new(ArcSwap::from_pointee(Library::from_texts([], &[])));
    let devices = Devices::new(Arc::clone(&known), system, Deadlines::default());
    assert!(devices.wanted().is_empty() && devices.list().unwrap().is_empty());
    known.store(Arc::new(library()));
    assert_eq!(devices.wanted(), ["057e:2009"]);
    assert_eq!(devices.list().unwrap()[0].hardware.address, "s1");
    known.store(Arc::new(Library::from_texts([], &[])));
    assert!(devices.list().unwrap().is_empty());
}
