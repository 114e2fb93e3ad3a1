// A first client: waits for a device that vibrates, runs the first one for a second, stops it.
// Give it the server's address, or none for the usual one, and the seconds to wait, or none for 30.
import { ButtplugClient, ButtplugNodeWebsocketClientConnector, DeviceOutput, OutputType } from "buttplug";

const [address = "ws://127.0.0.1:12345", seconds = 30] = process.argv.slice(2);
const client = new ButtplugClient("first client");
const vibrates = (device) => [...device.features.values()].some((feature) => feature.hasOutput(OutputType.Vibrate));
const found = new Promise((resolve) => {
  client.on("deviceadded", (device) => vibrates(device) && resolve(device));
  setTimeout(resolve, seconds * 1000).unref();
});
await client.connect(new ButtplugNodeWebsocketClientConnector(address)).catch((error) => {
  console.error(`no server at ${address} (${error.message}); start one: hapticd --virtual`);
  process.exit(1);
});
await client.startScanning();
console.log("waiting for a device that vibrates");
const device = [...client.devices.values()].find(vibrates) ?? (await found);
if (device) {
  console.log(`${device.name} vibrates`);
  await device.runOutput(DeviceOutput.Vibrate.percent(0.5));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await device.stop();
} else {
  console.log(`no device that vibrates came within ${seconds} s; switch one on, or play one: hapticd simulate`);
}
await client.disconnect();
