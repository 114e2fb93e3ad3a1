//! A first client: waits for a device that vibrates, runs the first one for a second, stops it.
//! Give it the server's address, or none for the usual one, and the seconds to wait, or none for 30.

use std::time::Duration;

use buttplug_client::device::ClientDeviceOutputCommand::Vibrate;
use buttplug_client::{ButtplugClient, connector::ButtplugRemoteClientConnector};
use buttplug_core::message::OutputType;
use buttplug_transport_websocket_tungstenite::ButtplugWebsocketClientTransport as Transport;
use futures_util::StreamExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "ws://127.0.0.1:12345".to_owned());
    let seconds = arguments.next().map_or(Ok(30), |seconds| seconds.parse())?;
    let client = ButtplugClient::new("first client");
    let mut events = client.event_stream();
    let transport = Transport::new_insecure_connector(&address);
    if let Err(error) = client.connect(ButtplugRemoteClientConnector::<Transport>::new(transport)).await {
        eprintln!("no server at {address} ({error}); start one: hapticd --virtual");
        std::process::exit(1);
    }
    client.start_scanning().await?;
    println!("waiting for a device that vibrates");
    let found = async {
        loop {
            let mut devices = client.devices().into_values();
            if let Some(device) = devices.find(|device| device.output_available(OutputType::Vibrate)) {
                return Some(device);
            }
            events.next().await?;
        }
    };
    let Ok(Some(device)) = tokio::time::timeout(Duration::from_secs(seconds), found).await else {
        println!("no device that vibrates came within {seconds} s; switch one on, or play one: hapticd simulate");
        return Ok(client.disconnect().await?);
    };
    println!("{} vibrates", device.name());
    device.run_output(&Vibrate(0.5.into())).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    device.stop().await?;
    Ok(client.disconnect().await?)
}
