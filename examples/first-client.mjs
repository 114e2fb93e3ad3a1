// A first client: finds devices, runs the first vibrator for a second, stops it. Give it the server's address.
import { ButtplugClient, ButtplugNodeWebsocketClientConnector, DeviceOutput } from "buttplug";

const client = new ButtplugClient("first client");
const found = new Promise((resolve) => client.on("deviceadded", (device) => resolve(device)));
await client.connect(new ButtplugNodeWebsocketClientConnector(process.argv[2] ?? "ws://127.0.0.1:12345"));
await client.startScanning();
const device = [...client.devices.values()][0] ?? (await found);
await device.runOutput(DeviceOutput.Vibrate.percent(0.5));
console.log(`${device.name} vibrates`);
await new Promise((resolve) => setTimeout(resolve, 1000));
await device.stop();
await client.disconnect();
