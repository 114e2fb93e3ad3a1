// The JavaScript client of protocol version 3, as it was last published, drives virtual hardware through the real binary.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import client from "buttplug-v3";
import { attach, startServer } from "./support.mjs";

const { ButtplugClient, ButtplugNodeWebsocketClientConnector, SensorType } = client;

let server;
before(async () => (server = await startServer("devices.reconnect_grace_ms=100")));
after(() => server.stop());

const event = (emitter, name) => new Promise((resolve) => emitter.once(name, resolve));

const connected = async (name) => {
  const client = new ButtplugClient(name);
  await client.connect(new ButtplugNodeWebsocketClientConnector(server.url));
  return client;
};

const nora = async (address) => {
  const toy = await attach(server, "LVS-A01", address);
  assert.equal(await toy.done(), "attached");
  assert.equal(await toy.done(), "subscribe rx");
  assert.equal(await toy.text(), "DeviceType;");
  toy.notify("rx", "A:11:0082059AD3BD;");
  return toy;
};

test("find, list, vibrate, turn, read the battery, stop, come and go", async () => {
  const player = await connected("player");
  const added = event(player, "deviceadded");
  await player.startScanning();
  const toy = await nora("v3-1");
  const device = await added;
  assert.equal(device.name, "Lovense Nora");
  assert.deepEqual([device.vibrateAttributes.length, device.rotateAttributes.length], [1, 1]);
  assert.equal(device.vibrateAttributes[0].StepCount, 20);
  assert.ok(device.hasBattery);

  await device.vibrate(0.25);
  assert.equal(await toy.text(), "Vibrate:5;");
  await device.rotate(0.5, false);
  assert.equal(await toy.text(), "RotateChange;");
  assert.equal(await toy.text(), "Rotate:10;");

  const battery = device.battery();
  assert.equal(await toy.text(), "Battery;");
  toy.notify("rx", "88;");
  assert.equal(await battery, 0.88);
  const raw = device.sensorRead(0, SensorType.Battery);
  assert.equal(await toy.text(), "Battery;");
  toy.notify("rx", "77;");
  assert.deepEqual(await raw, [77]);

  await device.stop();
  const stopped = [await toy.text(), await toy.text()].sort();
  assert.deepEqual(stopped, ["Rotate:0;", "Vibrate:0;"]);

  const removed = event(player, "deviceremoved");
  toy.detach();
  assert.equal((await removed).index, device.index);
  await player.stopScanning();
  await player.disconnect();
  toy.close();
});

test("a machine moves, and what cannot be done is refused with a reason", async () => {
  const player = await connected("player of moves");
  const added = event(player, "deviceadded");
  await player.startScanning();
  const machine = await attach(server, "Launch", "v3-2");
  const device = await added;
  while ((await machine.done()) !== "firmware 00") {}
  assert.equal(device.linearAttributes.length, 1);
  await device.linear(0.5, 500);
  // The place (half of 99 steps, cut off as old clients expect it) and the speed that takes half a second.
  assert.match(await machine.done(), /^tx 31[0-9a-f]{2}$/);
  await assert.rejects(device.vibrate(0.5));
  await assert.rejects(device.rawWrite("tx", new Uint8Array([1]), false), /raw/i);
  await player.disconnect();
  machine.close();
});

test("a client that comes later is given what is there, and both drive it", async () => {
  const first = await connected("first");
  const added = event(first, "deviceadded");
  await first.startScanning();
  const toy = await nora("v3-3");
  const device = await added;
  const second = await connected("second");
  // This client asks for the list by itself when it has connected.
  const same = second.devices.find((other) => other.index === device.index);
  assert.equal(same.name, "Lovense Nora");
  await device.vibrate(1);
  assert.equal(await toy.text(), "Vibrate:20;");
  await same.vibrate(0.5);
  assert.equal(await toy.text(), "Vibrate:10;");
  await first.stopAllDevices();
  assert.equal(await toy.text(), "Vibrate:0;");
  await first.disconnect();
  await second.disconnect();
  toy.close();
});
