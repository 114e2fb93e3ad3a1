//! How long the hub's thread is busy with a `devices.toml` that has changed, for 1 to 300 devices connected with an entry
//! each. `cargo bench --bench reload` prints a table.
//!
//! Every reload changes the limits of every device, which is the worst that one can do. Measured is what the hub does for
//! it: what is in force, the settings of each device, and the descriptions that clients get. It does that in turns, between
//! which it serves others, so the longest turn counts. Reading the file happens on another thread, and is printed beside it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hapticd::device::{DeviceHandle, Identity};
use hapticd::hub::DEVICES_A_TURN;
use hapticd::hub::known_devices::{Key, KnownDevices};
use hapticd::library::Library;
use hapticd::types::Bus;
use hapticd::user_devices::understand;

const DEVICES: [usize; 5] = [1, 10, 30, 100, 300];
const ROUNDS: usize = 201;

fn address(number: usize) -> String {
    format!("C0:FF:EE:00:{:02X}:{:02X}", number / 256, number % 256)
}

fn file(devices: usize, high: u32) -> Vec<u8> {
    let mut text = "version = 1\n".to_owned();
    for number in 0..devices {
        let address = address(number).replace(':', "").to_lowercase();
        write!(text, "[[device]]\naddress = \"{address}\"\n[device.output.\"0.vibrate\"]\nrange = [0, {high}]\n")
            .unwrap();
    }
    text.into_bytes()
}

/// The times for reading the file, for all turns on the hub's thread, and for the longest of them; each shortest first.
fn measure(library: &Library, devices: usize) -> [Vec<Duration>; 3] {
    let definition = library.protocol("lovense").unwrap();
    let model = Arc::new(definition.all_models().next().unwrap().clone());
    let mut known = KnownDevices::empty();
    let handles = (0..devices).map(|number| {
        let (protocol, address) = (definition.protocol.clone(), address(number));
        let key = Key { bus: Bus::Btle, address: address.clone(), protocol, identifier: None };
        let admitted = known.admit(&key, &model, library);
        let (index, bus, identifier) = (admitted.index, Bus::Btle, None);
        let (definition, model) = (Arc::clone(definition), Arc::clone(&model));
        let identity = Identity { index, bus, address, identifier, definition, model };
        (key, DeviceHandle::new(identity, &admitted.user))
    });
    let handles: Vec<_> = handles.collect();
    let (mut reading, mut applying, mut longest) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let bytes = file(devices, if round % 2 == 0 { 7 } else { 11 });
        let begun = Instant::now();
        let read = understand(&bytes).unwrap();
        reading.push(begun.elapsed());
        assert!(read.problems.is_empty(), "{:?}", read.problems);
        let begun = Instant::now();
        assert!(known.apply(Ok(Some(read)), |_| true).changed);
        let (mut turns, mut turn) = (Vec::new(), begun);
        if devices > DEVICES_A_TURN {
            turns.push(turn.elapsed());
            turn = Instant::now();
        }
        let mut changed = 0;
        for devices in handles.chunks(DEVICES_A_TURN) {
            for (key, handle) in devices {
                assert!(known.refuses(&key.address).is_none());
                let user = known.settings_for(key, &model, library);
                changed += usize::from(handle.set_user(&user));
            }
            turns.push(turn.elapsed());
            turn = Instant::now();
        }
        let list: BTreeMap<_, _> =
            handles.iter().map(|(_, handle)| (handle.identity().index, handle.description())).collect();
        // The last turn ends with the list.
        *turns.last_mut().unwrap() += turn.elapsed();
        applying.push(begun.elapsed());
        longest.push(turns.into_iter().max().unwrap());
        assert_eq!((changed, list.len()), (devices, devices), "every device has other limits");
    }
    let mut times = [reading, applying, longest];
    times.iter_mut().for_each(|times| times.sort());
    times
}

fn main() {
    let library = Library::load(&[], &hapticd::driver::names());
    println!(" devices  read p50 µs  hub p50 µs  longest turn p50 µs  longest turn p99 µs");
    for devices in DEVICES {
        let [reading, applying, longest] = measure(&library, devices);
        let at = |times: &[Duration], percent: usize| times[times.len() * percent / 100].as_micros();
        let (read, hub, turn) = (at(&reading, 50), at(&applying, 50), at(&longest, 50));
        println!("{devices:>8} {read:>12} {hub:>11} {turn:>20} {:>20}", at(&longest, 99));
    }
}
