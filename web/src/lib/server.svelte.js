// What the page knows of the server. Views read it, events.js and drive.js fill it.
import { ask } from "./api.js";
import { forget, record } from "./history.js";
import { busName } from "./words.js";

// Fifty devices change 1500 times a second. Nobody reads faster than this.
const SHOW_MS = 100;
// `owned_ms` comes with each event, a little late. A smaller difference is no new owner.
const SAME_OWNER_MS = 1500;

// What went well is soon old news. What went wrong stays until something else happens.
const NOTICE_MS = 10_000;

class DeviceState {
  index;
  info = $state.raw({});
  outputs = $state.raw([]);
  battery = $state(null);
  batteryAt = 0;

  constructor(index) {
    this.index = index;
  }

  get label() {
    return this.info.display_name ?? this.info.name ?? `Device ${this.index}`;
  }

  get connected() {
    return this.info.state === "connected";
  }

  output(feature, name) {
    return this.outputs.find((output) => output.feature === feature && output.output === name);
  }

  show(outputs, now = Date.now()) {
    this.outputs = outputs.map((output) => {
      if (output.owner == null) return output;
      const before = this.output(output.feature, output.output);
      let since = now - (output.owned_ms ?? 0);
      if (before?.owner === output.owner && Math.abs(before.since - since) < SAME_OWNER_MS) since = before.since;
      return { ...output, since, until: output.left_ms == null ? null : now + output.left_ms };
    });
  }
}

class Server {
  name = $state("hapticd");
  // The WebSocket through which the page drives, and the events through which it watches.
  driving = $state(false);
  watching = $state(false);
  held = $state(false);
  scanning = $state(false);
  found = $state.raw([]);
  devices = $state.raw([]);
  operators = $state.raw([]);
  health = $state.raw(null);
  // Grows with each stop, so that a slider that is still held down starts nothing again.
  stops = $state(0);
  notice = $state.raw({ text: "", bad: false });

  #byIndex = new Map();
  #changed = new Map();
  #timer = null;
  #silence = null;
  #asked = 0;
  #met = 0;

  get away() {
    return !this.driving || !this.watching;
  }

  get running() {
    let running = 0;
    for (const device of this.devices) for (const output of device.outputs) if (output.wanted != null && output.wanted !== 0) running += 1;
    return running;
  }

  get clients() {
    return this.operators.filter((operator) => operator.kind === "session").length;
  }

  // What a person should do something about.
  get problems() {
    const { error, outputs_refused: refused, state, buses } = this.health ?? {};
    const failed = (buses ?? []).filter((bus) => bus.state === "not working");
    return [
      error,
      refused && `No output is taken: ${refused}`,
      ...failed.map((bus) => `${busName(bus.bus)} does not work: ${bus.error}`),
      ...(state?.problems ?? []),
    ].filter(Boolean);
  }

  say(text, bad = false) {
    this.notice = { text, bad };
    clearTimeout(this.#silence);
    if (!bad) this.#silence = setTimeout(() => (this.notice = { text: "", bad }), NOTICE_MS);
  }

  device(index) {
    return this.devices.find((device) => device.index === index);
  }

  operatorName(id) {
    const operator = this.operators.find((one) => one.id === id);
    return operator ? operator.name || `client ${id}` : `client ${id}, which is gone`;
  }

  snapshot() {
    if (!this.watching) return null;
    const devices = {};
    for (const { index, info, outputs } of this.devices) devices[index] = { ...info, outputs };
    return { devices, operators: this.operators, held: this.held };
  }

  handle(name, data) {
    if (name === "snapshot") this.#begin(data);
    else if (name === "outputs") this.#outputs(data);
    else if (name === "held" || name === "resumed") this.held = name === "held";
    else if (name.startsWith("session_")) this.readOperators();
    else if (name.startsWith("scan_")) this.readHealth();
    else if (name === "device_removed") this.#remove(data.index);
    else this.#read(data.index, name === "device_added");
  }

  #begin({ devices, operators, held }) {
    this.#listOperators(operators);
    this.held = held;
    const indexes = Object.keys(devices).map(Number);
    for (const index of this.#byIndex.keys()) {
      if (indexes.includes(index)) continue;
      this.#byIndex.delete(index);
      forget(index);
    }
    for (const index of indexes) this.#put(index, devices[index]);
    this.#list();
    this.watching = true;
    this.readHealth();
  }

  #outputs({ device, outputs }) {
    record(device, outputs);
    this.#changed.set(device, outputs);
    this.#timer ??= setTimeout(() => this.#show(), SHOW_MS);
  }

  #show() {
    this.#timer = null;
    const known = new Set(this.operators.map(({ id }) => id));
    let stranger = false;
    for (const [index, outputs] of this.#changed) {
      this.#byIndex.get(index)?.show(outputs);
      stranger ||= outputs.some(({ owner }) => owner != null && !known.has(owner));
    }
    this.#changed.clear();
    if (stranger) this.#meet();
  }

  // Reads who drives, once a second at most: an owner may be gone already, and then no list has it.
  #meet() {
    if (Date.now() - this.#met < 1000) return;
    this.#met = Date.now();
    this.readOperators();
  }

  #put(index, info) {
    const device = this.#byIndex.get(index) ?? new DeviceState(index);
    this.#byIndex.set(index, device);
    device.info = info;
    device.show(info.outputs ?? []);
    record(index, info.outputs ?? []);
  }

  #remove(index) {
    this.#byIndex.delete(index);
    forget(index);
    this.#list();
  }

  #list() {
    this.devices = [...this.#byIndex.values()].sort((a, b) => a.index - b.index);
  }

  async #read(index, isNew) {
    if (isNew && !this.found.includes(index)) this.found = [...this.found, index];
    const info = await ask(`/api/v1/devices/${index}`).catch(() => null);
    if (!info) return;
    this.#put(index, info);
    this.#list();
  }

  #listOperators(operators) {
    this.operators = operators;
  }

  async readOperators() {
    this.#asked += 1;
    const asked = this.#asked;
    const operators = await ask("/api/v1/operators").catch(() => null);
    // Answers may overtake each other; that of the last question is the newest.
    if (!operators || asked !== this.#asked) return;
    this.#listOperators(operators);
  }

  async readHealth() {
    const health = await ask("/api/v1/server").catch(() => null);
    if (!health) return;
    this.health = health;
    this.name = health.name;
    document.title = health.name;
  }
}

export const server = new Server();

// Ticks while somebody looks, for "12 s ago" and the like.
export const clock = $state({ now: Date.now() });
setInterval(() => {
  if (!document.hidden) clock.now = Date.now();
}, 1000);
