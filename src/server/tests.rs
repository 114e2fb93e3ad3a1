use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::*;
use crate::settings::{Settings, Sources};

const PATIENCE: Duration = Duration::from_secs(10);

fn settings(state: &tempfile::TempDir, more: &[&str]) -> Settings {
    let state = format!("state.dir={}", state.path().display());
    let none = ["btle", "serial", "hid", "lovense_dongle", "gamepad"].map(|bus| format!("buses.{bus}.enabled=false"));
    let set = [state, "server.listen=127.0.0.1:0".to_owned(), "server.threads=1".to_owned()];
    let set = set.into_iter().chain(none).chain(more.iter().map(|set| (*set).to_owned()));
    Settings::load(&Sources { set: set.collect(), ..Sources::default() }).unwrap()
}

#[test]
fn a_server_that_is_dropped_on_its_own_threads_ends_without_waiting_for_itself() {
    let state = tempfile::tempdir().unwrap();
    let server = Server::builder(settings(&state, &[])).start().unwrap();
    let (address, system) = (server.addresses()[0], server.system.clone());
    TcpStream::connect(address).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    system.arbiter().spawn_fn(move || {
        let begun = Instant::now();
        drop(server);
        tell.send(begun.elapsed()).unwrap();
    });
    let took = told.recv_timeout(PATIENCE).expect("it waits for itself");
    assert!(took < PATIENCE / 2, "{took:?}");
    let end = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < end, "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_is_in_use_and_what_is_missing_is_told_by_type() {
    let state = tempfile::tempdir().unwrap();
    let first = Server::builder(settings(&state, &[])).start().unwrap();
    let address = first.addresses()[0];
    let start = |more: &[&str]| Server::builder(settings(&state, more)).start().unwrap_err();
    let error = start(&[&format!("server.listen={address}")]);
    assert!(matches!(&error, StartError::Listen { address: at, .. } if *at == address), "{error}");
    let error = start(&[]);
    assert!(
        matches!(&error, StartError::StateInUse { holder, .. } if holder.contains(&address.to_string())),
        "{error}"
    );
    let error = start(&["devices.definitions_dir=/nonexistent"]);
    assert!(matches!(&error, StartError::Definitions { path, .. } if path.ends_with("nonexistent")), "{error}");
    // The directory is free again once the first has ended.
    assert_eq!(first.stop(PATIENCE), Vec::<String>::new());
    drop(Server::builder(settings(&state, &[])).start().unwrap());
}

#[test]
fn a_server_whose_thread_hangs_is_given_up_in_time() {
    const fn can_be_shared<T: Send + Sync>(_: &T) {}
    let state = tempfile::tempdir().unwrap();
    let server = Server::builder(settings(&state, &[])).start().unwrap();
    can_be_shared(&server);
    let (release, released) = std::sync::mpsc::channel::<()>();
    server.system.arbiter().spawn_fn(move || {
        let _ = released.recv();
    });
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || tell.send(server.stop(Duration::ZERO)));
    assert_eq!(told.recv_timeout(options::CLOSING + PATIENCE), Ok(vec![]), "it is waited for without end");
    drop(release);
}
