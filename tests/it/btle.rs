//! The Bluetooth LE bus, against a BlueZ of our own.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bluez::{Bluez, Device, World, characteristic};
use crate::support::{PATIENCE, QUIET, Raw, Server, run_with};

const TOY: &str = "F0:F1:F2:F3:F4:F5";
const WRITE: &[&str] = &["write", "write-without-response"];

/// An Aneros Vivi: no handshake, every packet is a level.
fn aneros() -> Device {
    Device::new(TOY, "Massage Demo", vec![("ff00", vec![characteristic("ff01", WRITE, &[])])])
}

/// A Lovense Max, which is asked who it is.
fn lovense() -> Device {
    let service = "5a300001-0024-4bd4-bbd5-a6920e4c5653";
    let (tx, rx) = ("5a300002-0024-4bd4-bbd5-a6920e4c5653", "5a300003-0024-4bd4-bbd5-a6920e4c5653");
    let services = vec![(service, vec![characteristic(tx, WRITE, &[]), characteristic(rx, &["notify"], &[])])];
    let mut device = Device::new(TOY, "LVS-Z36", services);
    device.brain = |told| {
        let rx = "5a300003-0024-4bd4-bbd5-a6920e4c5653";
        match told {
            b"DeviceType;" => Some((rx, b"Z:36:0082059AD3BD;".to_vec())),
            b"Battery;" => Some((rx, b"85;".to_vec())),
            _ => Some((rx, b"OK;".to_vec())),
        }
    };
    device
}

struct Fixture {
    bluez: Bluez,
    server: Server,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // What the server says arrives a little after what it does.
            std::thread::sleep(Duration::from_millis(300));
            let asked = self.bluez.with(|world| world.log.join("\n"));
            eprintln!("the server's log:\n{}\nBlueZ was asked:\n{asked}", self.server.log());
        }
    }
}

fn start(devices: Vec<Device>, settings: &[&str]) -> Fixture {
    start_in(Arc::new(tempfile::tempdir().unwrap()), devices, settings)
}

fn start_in(state: Arc<tempfile::TempDir>, devices: Vec<Device>, settings: &[&str]) -> Fixture {
    let bluez = Bluez::start();
    for device in devices {
        bluez.add(device);
    }
    let server = serve(&bluez, state, settings);
    Fixture { bluez, server }
}

fn serve(bluez: &Bluez, state: Arc<tempfile::TempDir>, settings: &[&str]) -> Server {
    let (name, value) = bluez.environment();
    let settings: Vec<_> = ["buses.btle.enabled=true"].iter().chain(settings).copied().collect();
    Server::start_with(state, &settings, &[(name, &value)])
}

async fn bus(server: &Server) -> Value {
    let health = server.health().await;
    let buses = health["buses"].as_array().unwrap();
    buses.iter().find(|bus| bus["bus"] == "btle").unwrap().clone()
}

#[tokio::test]
async fn hardware_is_found_driven_and_stopped_at_the_end() {
    let mut fixture = start(vec![aneros()], &[]);
    let mut client = Raw::scanning(&fixture.server).await;
    let devices = client.devices(1).await;
    assert_eq!(devices["0"]["DeviceName"], "Aneros Vivi");
    assert_eq!(devices["0"]["DeviceMessageTimingGap"], 75);
    client.output(0, 0, "Vibrate", 64).await;
    client.output(0, 1, "Vibrate", 13).await;
    // The example in the definition, byte for byte.
    fixture.bluez.written(TOY, "ff01 command F1 40").await;
    fixture.bluez.written(TOY, "ff01 command F2 0D").await;
    fixture.server.signal("TERM");
    client.closed().await;
    assert_eq!(fixture.server.wait(), Some(0));
    let writes = fixture.bluez.writes(TOY);
    assert_eq!(writes[writes.len() - 2..], ["ff01 command F1 00", "ff01 command F2 00"]);
    fixture.bluez.until("it is let go", || !fixture.bluez.device(TOY, |device| device.connected)).await;
}

#[tokio::test]
async fn answers_arrive_and_batteries_are_read() {
    let fixture = start(vec![lovense()], &[]);
    let mut client = Raw::scanning(&fixture.server).await;
    let devices = client.devices(1).await;
    assert!(devices["0"]["DeviceName"].as_str().unwrap().starts_with("Lovense"), "{devices}");
    let battery = devices["0"]["DeviceFeatures"]
        .as_object()
        .unwrap()
        .iter()
        .find(|(_, feature)| feature["Input"].get("Battery").is_some());
    let (feature, _) = battery.unwrap();
    let feature: u32 = feature.parse().unwrap();
    let ask = json!({"DeviceIndex": 0, "FeatureIndex": feature, "Type": "Battery", "Command": "Read"});
    let answer = client.ask("InputCmd", ask).await;
    assert_eq!(answer["InputReading"]["Reading"]["Battery"]["Value"], 85, "{answer}");
}

#[tokio::test]
async fn a_lost_link_comes_back_without_a_scan_and_a_goodbye_too() {
    let fixture = start(vec![aneros()], &["devices.reconnect_grace_ms=2000"]);
    let mut client = Raw::scanning(&fixture.server).await;
    client.devices(1).await;
    client.ok("StopScanning", json!({})).await;
    client.output(0, 0, "Vibrate", 64).await;
    fixture.bluez.written(TOY, "ff01 command F1 40").await;
    fixture.bluez.drop_link(TOY);
    fixture.server.logged("is out of reach");
    fixture.server.logged("is back");
    // It is stopped first and then gets what is wanted.
    let sent = || fixture.bluez.writes(TOY).iter().filter(|write| *write == "ff01 command F1 40").count();
    fixture.bluez.until("the level is sent again", || sent() == 2).await;

    // Out of reach for longer than its grace: gone, and taken back when it comes, as the same device.
    fixture.bluez.device(TOY, |device| device.in_reach = false);
    client.until(|message| message["DeviceList"]["Devices"].as_object().is_some_and(serde_json::Map::is_empty)).await;
    fixture.bluez.device(TOY, |device| device.in_reach = true);
    let devices = client.devices(1).await;
    assert_eq!(devices["0"]["DeviceName"], "Aneros Vivi");
}

#[tokio::test]
async fn writes_to_one_characteristic_wait_for_each_other() {
    // Only requests: the hardware must acknowledge each, and refuses a second one meanwhile.
    let device = Device::new(TOY, "Massage Demo", vec![("ff00", vec![characteristic("ff01", &["write"], &[])])]);
    let fixture = start(vec![device], &[]);
    let mut client = Raw::scanning(&fixture.server).await;
    client.devices(1).await;
    for level in 1..=20 {
        client.output(0, 0, "Vibrate", level).await;
        client.output(0, 1, "Vibrate", level).await;
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    fixture.bluez.written(TOY, "ff01 request F1 14").await;
    fixture.bluez.written(TOY, "ff01 request F2 14").await;
    let metrics = fixture.server.get("/metrics").await;
    assert!(metrics.contains("hapticd_failed_writes_total 0\n"), "{metrics}");
}

#[tokio::test]
async fn connecting_is_tried_again_and_given_up_in_time() {
    let mut device = aneros();
    device.failures = 2;
    let fixture = start(vec![device], &[]);
    let mut client = Raw::scanning(&fixture.server).await;
    client.devices(1).await;
    assert_eq!(fixture.bluez.device(TOY, |device| device.attempts), 3);

    let mut device = aneros();
    device.hangs = true;
    let fixture = start(vec![device], &["links.connect_timeout_ms=300"]);
    let mut client = Raw::scanning(&fixture.server).await;
    fixture.server.logged("it did not connect within 300 ms");
    fixture.bluez.device(TOY, |device| device.hangs = false);
    // BlueZ is told to give the attempt up, and the next one succeeds.
    client.devices(1).await;
    assert!(fixture.bluez.with(|world| world.log.iter().any(|call| call.ends_with("Disconnect"))));
}

#[tokio::test]
async fn hardware_without_a_name_is_not_called_by_its_address() {
    let mut device = aneros();
    device.name = None;
    device.advertised = vec!["ff00".to_owned()];
    let fixture = start(vec![device], &[]);
    let _client = Raw::scanning(&fixture.server).await;
    fixture.server.logged("\"\" at F0:F1:F2:F3:F4:F5 on btle is not taken: no definition matches it");
}

#[tokio::test]
async fn hardware_that_is_connected_already_is_adopted() {
    let state = Arc::new(tempfile::tempdir().unwrap());
    let mut fixture = start_in(Arc::clone(&state), vec![aneros()], &[]);
    let mut client = Raw::scanning(&fixture.server).await;
    client.devices(1).await;
    client.output(0, 0, "Vibrate", 64).await;
    fixture.bluez.written(TOY, "ff01 command F1 40").await;
    // An index that is not yet written when a server is killed is given anew, and its hardware is a stranger.
    let file = state.path().join("devices.json");
    fixture.bluez.until("the device is remembered", || file.exists()).await;
    fixture.server.signal("KILL");
    fixture.server.wait();
    // BlueZ holds the connection, and the toy runs: the next server stops it without being asked.
    assert!(fixture.bluez.device(TOY, |device| device.connected));
    // Nor does it matter that BlueZ, started anew, does not know its services at once.
    fixture.bluez.device(TOY, |device| {
        device.writes.clear();
        (device.attempts, device.resolved, device.resolving) = (0, false, 40);
    });
    let server = serve(&fixture.bluez, state, &[]);
    fixture.bluez.written(TOY, "ff01 command F1 00").await;
    assert_eq!(fixture.bluez.device(TOY, |device| device.attempts), 0);
    assert!(!server.log().contains("could not be opened"), "{}", server.log());
}

#[tokio::test]
async fn a_daemon_that_dies_costs_no_session() {
    let fixture = start(vec![aneros()], &["devices.reconnect_grace_ms=20000"]);
    let mut client = Raw::scanning(&fixture.server).await;
    client.devices(1).await;
    client.output(0, 0, "Vibrate", 64).await;
    fixture.bluez.written(TOY, "ff01 command F1 40").await;
    fixture.bluez.kill();
    fixture.server.logged("is out of reach");
    fixture.server.logged("BlueZ is not running");
    let bus = bus(&fixture.server).await;
    assert!(bus["error"].as_str().unwrap().contains("BlueZ is not running"), "{bus}");
    fixture.bluez.device(TOY, |device| device.writes.clear());
    fixture.bluez.revive();
    fixture.server.logged("is back");
    fixture.bluez.written(TOY, "ff01 command F1 40").await;
    client.output(0, 0, "Vibrate", 0).await;
    fixture.bluez.written(TOY, "ff01 command F1 00").await;
}

#[tokio::test]
async fn what_is_missing_is_said_once_and_waited_for() {
    type Change = fn(&mut World);
    let cases: [(&str, Change, Change); 3] = [
        ("there is no Bluetooth adapter", |world| world.adapter = false, |world| world.adapter = true),
        ("is switched off", |world| world.powered = false, |world| world.powered = true),
        ("this user may not use Bluetooth", |world| world.denied = true, |world| world.denied = false),
    ];
    for (sentence, take, give) in cases {
        let bluez = Bluez::start();
        bluez.add(aneros());
        bluez.with(take);
        let server = serve(&bluez, Arc::new(tempfile::tempdir().unwrap()), &[]);
        let mut client = Raw::scanning(&server).await;
        server.logged(sentence);
        server.logged("still does not work");
        bluez.with(give);
        client.devices(1).await;
        let warnings = server.log().lines().filter(|line| line.contains("WARN") && line.contains(sentence)).count();
        assert_eq!(warnings, 1, "{}", server.log());
    }
}

#[tokio::test]
async fn without_a_bus_or_with_another_adapter_the_rest_works() {
    let nowhere = [("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")];
    let state = || Arc::new(tempfile::tempdir().unwrap());
    let server = Server::start_with(state(), &["buses.btle.enabled=true"], &nowhere);
    server.logged("there is no D-Bus system bus");
    Raw::hello(&server).await.ok("StartScanning", json!({})).await;

    let bluez = Bluez::start();
    let server = serve(&bluez, state(), &["buses.btle.adapter=hci7"]);
    server.logged("`buses.btle.adapter` = \"hci7\" is not there; there is: hci0 (usb:v1D6Bp0246d0542)");
}

#[tokio::test]
async fn a_bus_that_accepts_and_says_nothing_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bus");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let address = format!("unix:path={}", path.display());
    let environment = [("DBUS_SYSTEM_BUS_ADDRESS", address.as_str())];
    let state = Arc::new(tempfile::tempdir().unwrap());
    let mut server = Server::start_with(state, &["buses.btle.enabled=true"], &environment);
    tokio::time::timeout(PATIENCE * 2, async {
        while !server.log().contains("does not answer within") {
            Raw::hello(&server).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
    .await
    .unwrap();
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn a_scan_shows_what_is_around_and_connects_nothing() {
    let bluez = Bluez::start();
    bluez.add(aneros());
    bluez.add(Device::new("F0:F1:F2:F3:F4:F6", "", vec![]));
    bluez.device("F0:F1:F2:F3:F4:F6", |device| device.advertised = vec!["fd6f".to_owned()]);
    let (name, value) = bluez.environment();
    let environment = [(name.to_owned(), value)];
    let others = ["serial", "hid", "gamepad"].map(|bus| format!("buses.{bus}.enabled=false"));
    let off = others.iter().flat_map(|set| ["--set", set]);
    let args: Vec<_> = ["scan", "--seconds", "3"].into_iter().chain(off).collect();
    let done = run_with(&environment, &args);
    let text = String::from_utf8_lossy(&done.stdout);
    let rows: Vec<_> = text.lines().collect();
    assert_eq!(done.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&done.stderr));
    assert!(rows[0].contains("Massage Demo") && rows[0].contains("-50 dBm") && rows[0].ends_with("Aneros (aneros)"));
    assert!(
        rows[1].contains("(no name)") && rows[1].contains("F0:F1:F2:F3:F4:F6") && rows[1].ends_with(" -"),
        "{text}"
    );
    assert_eq!(bluez.device(TOY, |device| device.attempts), 0);

    let json: Vec<_> = args.iter().copied().chain(["--json"]).collect();
    let done = run_with(&environment, &json);
    let found: Vec<Value> =
        String::from_utf8_lossy(&done.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(found.iter().any(|one| one["address"] == TOY && one["known_as"] == "Aneros (aneros)"), "{found:?}");

    bluez.with(|world| world.adapter = false);
    let done = run_with(&environment, &args);
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&done.stderr).contains("there is no Bluetooth adapter"));
}

#[tokio::test]
async fn an_adapter_that_is_pulled_out_and_deaf_discovery_are_got_over() {
    let fixture = start(vec![aneros()], &["devices.reconnect_grace_ms=30000"]);
    let mut client = Raw::scanning(&fixture.server).await;
    client.devices(1).await;
    // The objects of an adapter that is pulled out vanish, and no event says so.
    fixture.bluez.with(|world| {
        world.forget();
        (world.running, world.adapter, world.deaf) = (true, false, true);
    });
    fixture.server.logged("is out of reach");
    fixture.server.logged("there is no Bluetooth adapter");
    fixture.bluez.with(|world| world.adapter = true);
    // It is back, takes the order to listen, and hears nothing until it is told again.
    fixture.server.logged("discovery is begun anew");
    fixture.bluez.with(|world| world.deaf = false);
    fixture.server.logged("is back");
}

#[tokio::test]
async fn the_standard_battery_service_is_read() {
    let definition = "name = \"Own\"\n[[match]]\nbtle = { names = [\"Own Toy\"] }\nservices.\"ff00\" = { tx = \"ff01\" }\n\
        services.\"180f\" = { rxblebattery = \"2a19\" }\n[default]\nname = \"Own Toy\"\n\
        features = [{ vibrate = [0, 10] }, { battery = [0, 100] }]\n[write]\nvibrate = 'tx: {v}'\n";
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("own.toml"), definition).unwrap();
    let services = vec![
        ("ff00", vec![characteristic("ff01", WRITE, &[])]),
        ("180f", vec![characteristic("2a19", &["read", "notify"], &[73])]),
    ];
    let set = format!("devices.definitions_dir={}", directory.path().display());
    let fixture = start(vec![Device::new(TOY, "Own Toy", services)], &[&set]);
    let mut client = Raw::scanning(&fixture.server).await;
    client.devices(1).await;
    let ask = json!({"DeviceIndex": 0, "FeatureIndex": 1, "Type": "Battery", "Command": "Read"});
    let answer = client.ask("InputCmd", ask).await;
    assert_eq!(answer["InputReading"]["Reading"]["Battery"]["Value"], 73, "{answer}");
}

#[tokio::test]
async fn a_scan_may_be_for_certain_services_only() {
    let mut advertises = aneros();
    advertises.advertised = vec!["ff00".to_owned()];
    let mut silent = aneros();
    silent.address = "F0:F1:F2:F3:F4:F6".to_owned();
    let fixture = start(vec![silent, advertises], &["buses.btle.services=FF00"]);
    let mut client = Raw::scanning(&fixture.server).await;
    client.devices(1).await;
    // The other is never heard of.
    tokio::time::sleep(QUIET).await;
    assert!(!fixture.server.log().contains("F0:F1:F2:F3:F4:F6"), "{}", fixture.server.log());
    assert!(fixture.bluez.device(TOY, |device| device.connected));
}
