// How the page drives: an ordinary Buttplug session named "hapticd page", and for a stop every way that there is.
import { ask } from "./api.js";
import { ButtplugClient } from "./buttplug.js";
import { Newest } from "./newest.js";
import { server } from "./server.svelte.js";

const complain = (error) => server.say(`${error.message[0].toUpperCase()}${error.message.slice(1)}.`, true);

export const SESSION = "hapticd page";

export const client = new ButtplugClient(SESSION, {
  ready: () => {
    server.driving = true;
    if (scanWanted) client.request("StartScanning").catch(complain);
  },
  lost: () => {
    server.driving = false;
    dropAll();
  },
  scanningFinished: () => server.readHealth(),
});

const senders = new Map();
const dropAll = () => {
  for (const sender of senders.values()) sender.drop();
};

// `command` is what an OutputCmd carries, such as `{ Vibrate: { Value: 7 } }`.
export const set = (device, feature, type, command) => {
  const name = `${device}.${feature}.${type}`;
  let sender = senders.get(name);
  if (!sender) {
    const fields = { DeviceIndex: device, FeatureIndex: feature };
    sender = new Newest((value) => client.request("OutputCmd", { ...fields, Command: { [type]: value } }).catch(complain));
    senders.set(name, sender);
  }
  sender.set(command);
};

// Both ways at once: the WebSocket needs no free connection of the browser, and HTTP answers when the hardware has confirmed.
const stop = async (fields, path, method, done) => {
  server.stops += 1;
  dropAll();
  const overSocket = client.ready ? client.request("StopCmd", fields) : Promise.reject(new Error());
  overSocket.catch(() => {});
  const overHttp = ask(path, method, { priority: "high" });
  server.say("The stop is sent.");
  try {
    await overHttp;
    server.say(done);
  } catch (error) {
    if (error.status === 504) {
      server.say(`Not confirmed yet, the stop is repeated: ${error.body?.unconfirmed?.join(", ") ?? error.message}`, true);
      return;
    }
    const sent = await overSocket.then(() => true, () => false);
    if (sent) server.say(done);
    else server.say(`THE STOP DID NOT ARRIVE: ${error.message}. Switch the devices off by hand.`, true);
  }
};

export const stopAll = () => stop({}, "/stop", "POST", "Everything is stopped.");
export const hold = () => stop({}, "/stop?hold=true", "POST", "Everything is stopped and held.");
export const stopDevice = (device) =>
  stop({ DeviceIndex: device.index }, `/api/v1/devices/${device.index}/stop`, "PUT", `${device.label} is stopped.`);

export const resume = async () => {
  try {
    await ask("/resume", "POST");
    server.held = false;
    server.say("Outputs are taken again. Nothing that was stopped starts by it.");
  } catch (error) {
    complain(error);
  }
};

let scanWanted = false;
export const scan = async (on) => {
  scanWanted = on;
  if (on) server.found = [];
  try {
    await client.request(on ? "StartScanning" : "StopScanning");
    server.scanning = on;
    await server.readHealth();
  } catch (error) {
    complain(error);
  }
};

const BATTERY_MS = 60_000;
export const readBattery = async (device) => {
  const now = Date.now();
  const features = Object.values(device.info.features ?? {});
  const feature = features.find(({ Input }) => Input?.Battery?.Command.includes("Read"));
  if (!feature || !device.connected || !client.ready || now - device.batteryAt < BATTERY_MS) return;
  device.batteryAt = now;
  const fields = { DeviceIndex: device.index, FeatureIndex: feature.FeatureIndex, Type: "Battery", Command: "Read" };
  const reply = await client.request("InputCmd", fields).catch(() => null);
  device.battery = reply?.Reading?.Battery?.Value ?? null;
};
