//! Writes that hang, in a library of this process.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use std::time::Duration;

use super::*;
use crate::link::{Deadlines, Link, LinkError, Packet};
use crate::manager::open_devices::OpenDevices;
use crate::types::{Bus, Endpoint};

/// Every packet is told; a write of FF hangs until it is let go.
struct Hanging {
    told: Arc<Mutex<Vec<u8>>>,
    hold: mpsc::Receiver<()>,
    abandoned: mpsc::Sender<()>,
}

impl Writer for Hanging {
    fn write(&mut self, data: &[u8]) -> Result<(), String> {
        assert_ne!(data, [0xEE], "a library that panics");
        self.told.lock().unwrap().extend(data);
        if data == [0xFF] {
            let _ = self.hold.recv();
        }
        Ok(())
    }

    fn abandon(&self) -> Option<Abandon> {
        let abandoned = self.abandoned.clone();
        Some(Box::new(move || abandoned.send(()).unwrap()))
    }
}

/// Says nothing, for ever.
struct Silent;

impl Reader for Silent {
    fn read(&mut self) -> Result<Option<Vec<u8>>, String> {
        std::thread::sleep(Duration::from_millis(5));
        Ok(None)
    }
}

struct Hardware {
    link: Link,
    told: Arc<Mutex<Vec<u8>>>,
    let_go: mpsc::Sender<()>,
    abandoned: mpsc::Receiver<()>,
}

fn open_one(open_devices: &OpenDevices) -> Hardware {
    let told = Arc::<Mutex<Vec<u8>>>::default();
    let (let_go, hold) = mpsc::channel();
    let (tell, abandoned) = mpsc::channel();
    let writer = Hanging { told: Arc::clone(&told), hold, abandoned: tell };
    let ends: Ends = (Box::new(writer), Box::new(Silent));
    let deadlines = Deadlines { write: Duration::from_millis(100), read: Duration::from_millis(100) };
    let link = start("a", ends, info(Bus::Hid, deadlines), open_devices.mark_open("a")).unwrap();
    Hardware { link, told, let_go, abandoned }
}

async fn write(link: &Link, value: u8) -> Result<(), LinkError> {
    link.write(Packet { endpoint: Endpoint::TX, data: vec![value], ack: false }).await
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_hangs_loses_the_link_and_frees_the_place_of_the_hardware() {
    let open_devices = OpenDevices::default();
    let old = open_one(&open_devices);
    write(&old.link, 1).await.unwrap();
    let hung = write(&old.link, 0xFF).await.unwrap_err();
    assert!(matches!(hung, LinkError::Timeout { .. }), "{hung}");
    // What waits behind it, and is never to be written.
    let behind = tokio::spawn({
        let link = old.link.clone();
        async move { write(&link, 2).await }
    });
    tokio::time::timeout(Duration::from_secs(20), old.link.lost()).await.expect("it hangs for ever");
    assert!(behind.await.unwrap().is_err());
    until("its place is not free", || !open_devices.is_open("a")).await;
    assert_eq!(open_devices.due_for_retry(), ["a"], "it is found again");
    assert_eq!(open_devices.hung()[0]["address"], "a");
    old.abandoned.recv_timeout(Duration::from_secs(20)).expect("the library is not told");
    // A thread of its own for the new one.
    let new = open_one(&open_devices);
    write(&new.link, 3).await.unwrap();
    assert!(open_devices.is_open("a"));
    // The old one returns: it writes nothing more, and takes nothing away from the new one.
    old.let_go.send(()).unwrap();
    until("the thread that hung does not end", || open_devices.hung().as_array().unwrap().is_empty()).await;
    assert_eq!(*old.told.lock().unwrap(), [1, 0xFF]);
    assert!(open_devices.is_open("a") && open_devices.due_for_retry().is_empty(), "the place is the new one's");
    write(&new.link, 4).await.unwrap();
    new.link.disconnect().await;
    until("the new one does not free its place", || !open_devices.is_open("a")).await;
    assert_eq!(*new.told.lock().unwrap(), [3, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_that_hang_do_not_become_ever_more() {
    let open_devices = OpenDevices::default();
    let mut hung = Vec::new();
    let refused = loop {
        if let Err(why) = open_devices.begin_opening("a") {
            break why;
        }
        let hardware = open_one(&open_devices);
        let _ = write(&hardware.link, 0xFF).await;
        until("it is not given up", || !open_devices.is_open("a")).await;
        hung.push(hardware);
        assert!(hung.len() < 100, "ever more threads");
    };
    assert_eq!(refused, format!("{} threads hang in writes to a; it is opened again when one returns", hung.len()));
    assert!(open_devices.begin_opening("b").is_ok(), "that is no matter of others");
    hung.pop().unwrap().let_go.send(()).unwrap();
    until("it is not opened again", || open_devices.begin_opening("a").is_ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_library_that_hangs_or_panics_while_it_opens_costs_one_thread() {
    let open_devices = OpenDevices::default();
    let (let_go, hold) = mpsc::channel::<()>();
    let opening = tokio::spawn(open("a".to_owned(), open_devices.clone(), move |_, _| {
        let _ = hold.recv();
        Err(LinkError::Lost)
    }));
    until("it is not shown", || open_devices.opening()[0]["address"] == "a").await;
    let again = open("a".to_owned(), open_devices.clone(), |_, _| Err(LinkError::Lost)).await.unwrap_err().to_string();
    assert!(again.starts_with("a is being opened since 0 s"), "{again}");
    let_go.send(()).unwrap();
    assert_eq!(opening.await.unwrap().unwrap_err(), LinkError::Lost);
    assert!(open("a".to_owned(), open_devices.clone(), |_, _| panic!("a library that panics")).await.is_err());
    assert!(open_devices.begin_opening("a").is_ok(), "what panicked may be tried again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_library_that_panics_in_a_write_is_a_lost_link() {
    let open_devices = OpenDevices::default();
    let hardware = open_one(&open_devices);
    assert!(write(&hardware.link, 0xEE).await.is_err());
    tokio::time::timeout(Duration::from_secs(20), hardware.link.lost()).await.expect("the link stays open");
    until("its place is not free", || !open_devices.is_open("a")).await;
}
