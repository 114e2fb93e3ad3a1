//! A first client: finds devices, runs the first vibrator for a second, stops it.
//! Give it the server's address, or none for the usual one.

use buttplug_client::device::ClientDeviceOutputCommand::Vibrate;
use buttplug_client::{ButtplugClient, ButtplugClientEvent, connector::ButtplugRemoteClientConnector};
use buttplug_core::message::OutputType;
use buttplug_transport_websocket_tungstenite::ButtplugWebsocketClientTransport as Transport;
use futures_util::StreamExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:12345".to_owned());
    let client = ButtplugClient::new("first client");
    let mut events = client.event_stream();
    client
        .connect(ButtplugRemoteClientConnector::<Transport>::new(Transport::new_insecure_connector(&address)))
        .await?;
    client.start_scanning().await?;
    while !client.devices().values().any(|device| device.output_available(OutputType::Vibrate)) {
        while !matches!(events.next().await, Some(ButtplugClientEvent::DeviceAdded(_)) | None) {}
    }
    for device in client.devices().values().filter(|device| device.output_available(OutputType::Vibrate)) {
        println!("{} vibrates", device.name());
        device.run_output(&Vibrate(0.5.into())).await?;
    }
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    client.stop_all_devices().await?;
    Ok(client.disconnect().await?)
}
