//! The published Rust client drives virtual hardware through the real binary.

use buttplug_client::connector::ButtplugRemoteClientConnector;
use buttplug_client::device::{ButtplugClientDevice, ClientDeviceOutputCommand as Command};
use buttplug_client::{ButtplugClient, ButtplugClientEvent};
use buttplug_core::message::OutputType;
use buttplug_transport_websocket_tungstenite::ButtplugWebsocketClientTransport as Transport;
use futures_util::{Stream, StreamExt};

use crate::support::{Done, PATIENCE, Peripheral, Raw, Server};

async fn connected(server: &Server) -> ButtplugClient {
    let client = ButtplugClient::new("test");
    let transport = Transport::new_insecure_connector(&server.url());
    client.connect(ButtplugRemoteClientConnector::<Transport>::new(transport)).await.unwrap();
    client
}

async fn event<T>(
    events: &mut (impl Stream<Item = ButtplugClientEvent> + Unpin),
    wanted: impl Fn(ButtplugClientEvent) -> Option<T>,
) -> T {
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(found) = wanted(events.next().await.expect("the client has ended")) {
                return found;
            }
        }
    });
    found.await.expect("the event does not come")
}

fn added(event: ButtplugClientEvent) -> Option<ButtplugClientDevice> {
    match event {
        ButtplugClientEvent::DeviceAdded(device) => Some(device),
        _ => None,
    }
}

#[tokio::test]
async fn a_client_finds_a_device_drives_it_and_sees_it_go() {
    let server = Server::start(&["devices.reconnect_grace_ms=100"]);
    let client = connected(&server).await;
    assert_eq!(client.server_name().as_deref(), Some("hapticd"));
    let mut events = client.event_stream();
    client.start_scanning().await.unwrap();

    let mut toy = Peripheral::attach(&server, "LVS-P01", "C0:FF:EE:00:00:01").await;
    assert_eq!(toy.attached().await, "lovense");
    assert_eq!(toy.done().await, Done::Subscribe("rx".to_owned()));
    assert_eq!(toy.done().await, Done::tx("DeviceType;"));
    toy.notify("rx", "P:02:0082059AD3BD;").await;

    let device = event(&mut events, added).await;
    assert_eq!((device.name().as_str(), device.index()), ("Lovense Edge", 0));
    assert_eq!(device.outputs(OutputType::Vibrate).len(), 2);

    device.run_output(&Command::Vibrate(0.25.into())).await.unwrap();
    assert_eq!(toy.done().await, Done::tx("Vibrate1:5;"));
    assert_eq!(toy.done().await, Done::tx("Vibrate2:5;"));

    let battery = device.battery();
    let answer = async {
        assert_eq!(toy.done().await, Done::tx("Battery;"));
        toy.notify("rx", "s89;").await;
    };
    assert_eq!(tokio::join!(battery, answer).0.unwrap(), 89);

    device.stop().await.unwrap();
    assert_eq!(toy.done().await, Done::tx("Vibrate1:0;"));
    assert_eq!(toy.done().await, Done::tx("Vibrate2:0;"));

    toy.detach().await;
    let gone = event(&mut events, |event| match event {
        ButtplugClientEvent::DeviceRemoved(device) => Some(device.index()),
        _ => None,
    });
    assert_eq!(gone.await, 0);
    assert!(client.devices().is_empty());

    // It is known now, so it is taken without a scan, under its old index.
    client.stop_scanning().await.unwrap();
    let mut toy = Peripheral::attach(&server, "LVS-P01", "C0:FF:EE:00:00:01").await;
    toy.attached().await;
    assert_eq!(toy.done().await, Done::Subscribe("rx".to_owned()));
    assert_eq!(toy.done().await, Done::tx("DeviceType;"));
    toy.notify("rx", "P:02:0082059AD3BD;").await;
    assert_eq!(event(&mut events, added).await.index(), 0);
    client.disconnect().await.unwrap();
}

pub fn first_client(server: &Server) -> tokio::process::Command {
    let target = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned();
    let mut command = tokio::process::Command::new(target.join("examples/first_client"));
    command.arg(server.url());
    command
}

#[tokio::test]
async fn the_first_client_of_the_readme_works() {
    let server = Server::start(&[]);
    let mut toy = Peripheral::attach(&server, "Massage Demo", "C0:FF:EE:00:00:02").await;
    let (output, writes) = tokio::join!(first_client(&server).output(), async {
        toy.attached().await;
        [toy.done().await, toy.done().await, toy.done().await, toy.done().await]
    });
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = "waiting for a device that vibrates\nAneros Vivi vibrates\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), said);
    assert_eq!(writes, [[0xF1, 64], [0xF2, 64], [0xF1, 0], [0xF2, 0]].map(Done::tx));
}

/// It runs what it says: the first device that vibrates, neither one that does not nor a second one.
#[tokio::test]
async fn the_first_client_runs_the_first_vibrator_and_nothing_else() {
    let server = Server::start(&[]);
    let mut scanning = Raw::scanning(&server).await;
    let mut stroker = Peripheral::attach(&server, "Onyx2", "a").await;
    stroker.attached().await;
    scanning.devices(1).await;
    let mut first = Peripheral::attach(&server, "REALOV_VIBE", "b").await;
    first.attached().await;
    scanning.devices(2).await;
    let mut second = Peripheral::attach(&server, "Youcups", "c").await;
    second.attached().await;
    scanning.devices(3).await;
    while stroker.done_soon().await.is_some() {}
    let output = first_client(&server).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.ends_with("Realov Device vibrates\n"), "{output:?}");
    assert_eq!(first.done().await, Done::tx([0xC5, 0x55, 25, 0xAA]));
    assert_eq!(first.done().await, Done::tx([0xC5, 0x55, 0, 0xAA]));
    assert_eq!((stroker.done_soon().await, second.done_soon().await), (None, None));
}

#[tokio::test]
async fn the_first_client_ends_with_a_sentence_if_there_is_no_device() {
    let server = Server::start(&[]);
    let mut client = first_client(&server);
    let ended = tokio::time::timeout(PATIENCE, client.arg("1").kill_on_drop(true).output());
    let output = ended.await.expect("it does not end").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(said.starts_with("waiting for a device that vibrates\nno device that vibrates came within 1 s"), "{said}");
}

#[tokio::test]
async fn the_first_client_ends_with_a_sentence_if_there_is_no_server() {
    let server = Server::start(&[]);
    let mut client = first_client(&server);
    drop(server);
    let output = client.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("no server at ws://127.0.0.1:") && said.contains("hapticd --virtual"), "{said}");
}

#[tokio::test]
async fn a_client_that_is_killed_leaves_nothing_running() {
    let server = Server::start(&[]);
    let mut toy = Peripheral::attach(&server, "REALOV_VIBE", "C0:FF:EE:00:00:03").await;
    let mut client = first_client(&server).spawn().unwrap();
    toy.attached().await;
    assert_eq!(toy.done().await, Done::tx([0xC5, 0x55, 25, 0xAA]));
    client.kill().await.unwrap();
    assert_eq!(toy.done().await, Done::tx([0xC5, 0x55, 0, 0xAA]));
}
