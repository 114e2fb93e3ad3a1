// The published JavaScript client drives virtual hardware through the real binary.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { ButtplugClient, ButtplugNodeWebsocketClientConnector, DeviceOutput, InputType, OutputType } from "buttplug";
import { attach, startServer } from "./support.mjs";

let server;
before(async () => (server = await startServer("devices.reconnect_grace_ms=100")));
after(() => server.stop());

const event = (client, name) => new Promise((resolve) => client.once(name, resolve));

const connected = async () => {
  const client = new ButtplugClient("node test");
  await client.connect(new ButtplugNodeWebsocketClientConnector(server.url));
  return client;
};

test("find, list, vibrate, read the battery, stop, come and go", async () => {
  const client = await connected();
  assert.equal(client.serverInfo.serverName, "hapticd");
  const added = event(client, "deviceadded");
  await client.startScanning();
  const toy = await attach(server, "LVS-P01", "node-1");
  assert.equal(await toy.done(), "attached");
  assert.equal(await toy.done(), "subscribe rx");
  assert.equal(await toy.text(), "DeviceType;");
  toy.notify("rx", "P:02:0082059AD3BD;");
  const device = await added;
  assert.equal(device.name, "Lovense Edge");
  assert.equal(device.messageTimingGap, 75);
  // The device's own hasOutput needs a newer Node than this may be; its features do not.
  const features = [...device.features.values()];
  assert.deepEqual(features.map((feature) => feature.hasOutput(OutputType.Vibrate)), [true, true, false]);
  assert.ok(features[2].hasInput(InputType.Battery));

  await device.runOutput(DeviceOutput.Vibrate.percent(0.25));
  assert.equal(await toy.text(), "Vibrate1:5;");
  assert.equal(await toy.text(), "Vibrate2:5;");

  const battery = device.battery();
  assert.equal(await toy.text(), "Battery;");
  toy.notify("rx", "88;");
  const level = await battery;
  assert.ok(level === 88 || level === 0.88, `battery ${level}`);

  await device.stop();
  assert.equal(await toy.text(), "Vibrate1:0;");
  assert.equal(await toy.text(), "Vibrate2:0;");

  const removed = event(client, "deviceremoved");
  toy.detach();
  assert.equal((await removed).index, device.index);
  await client.stopScanning();
  await client.disconnect();
  toy.close();
});

test("bad values are refused with a reason", async () => {
  const client = await connected();
  const added = event(client, "deviceadded");
  await client.startScanning();
  const toy = await attach(server, "REALOV_VIBE", "node-2");
  const device = await added;
  await assert.rejects(device.runOutput(DeviceOutput.Vibrate.steps(51)));
  await assert.rejects(device.runOutput(DeviceOutput.Rotate.steps(1)));
  await client.disconnect();
  toy.close();
});

test("a client that disconnects leaves nothing running", async () => {
  const client = await connected();
  const added = event(client, "deviceadded");
  await client.startScanning();
  const toy = await attach(server, "Youcups", "node-3");
  const device = await added;
  assert.equal(await toy.done(), "attached");
  await device.runOutput(DeviceOutput.Vibrate.steps(8));
  assert.equal(await toy.text(), "$SYS,8?");
  await client.disconnect();
  assert.equal(await toy.text(), "$SYS,0?");
  toy.close();
});

const run = promisify(execFile);

test("the first client of the README works, by the words of the README", async () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const [, section] = readme.split("## A first client in JavaScript\n");
  const [, block] = /```console\n([^]*?)```/.exec(section);
  const commands = block.split("\n").filter((line) => line.startsWith("$ ")).map((line) => line.slice(2));
  assert.deepEqual(commands.map((command) => command.split(" ")[0]), ["npm", "npm", "node"]);
  // A directory like a user's own, with what the README shows under the name that it gives.
  const directory = mkdtempSync(join(tmpdir(), "hapticd-first-"));
  writeFileSync(join(directory, "first-client.mjs"), /```js\n([^]*?)```/.exec(section)[1]);
  const env = { ...process.env, npm_config_prefer_offline: "true", npm_config_audit: "false", npm_config_fund: "false" };
  // A device that does not vibrate is passed over.
  const stroker = await attach(server, "Onyx2", "node-5");
  const toy = await attach(server, "Massage Demo", "node-4");
  const outputs = [];
  for (const command of commands) {
    // The server of this test is on a port of its own.
    const full = command.startsWith("node ") ? `${command} ${server.url}` : command;
    outputs.push((await run("sh", ["-c", full], { cwd: directory, env })).stdout);
  }
  rmSync(directory, { recursive: true });
  assert.equal(outputs.at(-1), "waiting for a device that vibrates\nAneros Vivi vibrates\n");
  assert.equal(await toy.done(), "attached");
  const writes = [await toy.done(), await toy.done(), await toy.done(), await toy.done()];
  assert.deepEqual(writes, ["tx f140", "tx f240", "tx f100", "tx f200"]);
  toy.close();
  stroker.close();
});

test("the first client ends with a sentence if there is no device", async () => {
  const alone = await startServer();
  after(() => alone.stop());
  const example = new URL("./node_modules/.first-client.mjs", import.meta.url).pathname;
  copyFileSync(new URL("../../examples/first-client.mjs", import.meta.url).pathname, example);
  const { stdout } = await run(process.execPath, [example, alone.url, "1"]);
  assert.match(stdout, /^waiting for a device that vibrates\nno device that vibrates came within 1 s/);
});

test("the first client ends with a sentence if there is no server", async () => {
  const example = new URL("./node_modules/.first-client.mjs", import.meta.url).pathname;
  copyFileSync(new URL("../../examples/first-client.mjs", import.meta.url).pathname, example);
  // Nothing listens on port 1.
  const failed = await run(process.execPath, [example, "ws://127.0.0.1:1"]).catch((error) => error);
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /^no server at ws:\/\/127\.0\.0\.1:1 \(.*\); start one: hapticd --virtual\n$/);
});
