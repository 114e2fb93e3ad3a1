// A real hapticd on a free port, and virtual hardware for it.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import WebSocket from "ws";

export const binary = process.env.HAPTICD ?? new URL("../../target/debug/hapticd", import.meta.url).pathname;
// The hardware of whoever runs the tests is none of theirs.
const noHardware = ["btle", "serial", "hid", "lovense_dongle", "gamepad"].map((bus) => `buses.${bus}.enabled=false`);
// Another build of the page than the one within the binary, such as ../../src/web/dist before the binary is built again.
const page = process.env.HAPTICD_PAGE ? ["--page", process.env.HAPTICD_PAGE] : [];
const patience = 10_000;

export const startServer = async (...settings) => {
  const state = mkdtempSync(join(tmpdir(), "hapticd-node-"));
  const sets = [`state.dir=${state}`, "server.listen=127.0.0.1:0", ...noHardware, ...settings].flatMap((set) => ["--set", set]);
  const child = spawn(binary, ["serve", "--virtual", ...page, ...sets], { stdio: ["ignore", "pipe", "ignore"] });
  const url = await new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (part) => {
      text += part;
      const match = /ws:\/\/\S+/.exec(text);
      if (match) resolve(match[0]);
    });
    child.on("exit", () => reject(new Error(`the server did not start: ${text}`)));
  });
  const stop = () => {
    child.removeAllListeners("exit");
    child.kill("SIGKILL");
    rmSync(state, { recursive: true });
  };
  return { url, stop };
};

// Frames in order, each waited for.
class Frames {
  #waiting = [];
  #frames = [];
  push(frame) {
    const next = this.#waiting.shift();
    next ? next(frame) : this.#frames.push(frame);
  }
  next() {
    if (this.#frames.length) return Promise.resolve(this.#frames.shift());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("nothing comes")), patience);
      this.#waiting.push((frame) => (clearTimeout(timer), resolve(frame)));
    });
  }
}

export const attach = async (server, name, address) => {
  const socket = new WebSocket(`${server.url}/hardware`);
  const frames = new Frames();
  socket.on("message", (data) => frames.push(JSON.parse(data)));
  await new Promise((resolve) => socket.on("open", resolve));
  const send = (frame) => socket.send(JSON.stringify(frame));
  send({ type: "attach", bus: "btle", name, address });
  return {
    notify: (endpoint, text) => send({ type: "notify", endpoint, data: Buffer.from(text).toString("hex") }),
    detach: () => send({ type: "detach" }),
    close: () => socket.close(),
    // What the server does next: "tx f140", "subscribe rx", "attached".
    done: async () => {
      const frame = await frames.next();
      return frame.type === "write" ? `${frame.endpoint} ${frame.data}` : [frame.type, frame.endpoint].filter(Boolean).join(" ");
    },
    text: async () => Buffer.from((await frames.next()).data, "hex").toString(),
  };
};

// Plays a model in a process of its own until `stop` is called. `levels` has what the hardware was told, such as { output: "vibrate", value: 7 }.
export const simulate = (server, model, ...options) => {
  const child = spawn(binary, ["simulate", model, ...options, "--json", "--server", server.url], { stdio: ["ignore", "pipe", "ignore"] });
  const levels = [];
  createInterface(child.stdout).on("line", (line) => {
    const event = JSON.parse(line);
    if (event.event === "level") levels.push({ output: event.output, value: event.value });
  });
  return { levels, stop: () => child.kill("SIGKILL") };
};

// A client that speaks the protocol by hand.
export const connect = async (server, name, options = {}) => {
  const socket = new WebSocket(server.url, options);
  await new Promise((resolve, reject) => {
    socket.on("open", resolve);
    socket.on("error", reject);
  });
  let id = 0;
  const send = (type, fields = {}) => socket.send(JSON.stringify([{ [type]: { Id: ++id, ...fields } }]));
  const greeted = new Promise((resolve) => socket.once("message", resolve));
  send("RequestServerInfo", { ClientName: name, ProtocolVersionMajor: 4, ProtocolVersionMinor: 0 });
  await greeted;
  return { send, close: () => socket.close(), closed: new Promise((resolve) => socket.on("close", resolve)) };
};
