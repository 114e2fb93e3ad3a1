// A small Buttplug client, protocol version 4: this page drives as every other client does.
import { Backoff } from "./backoff.js";

export class ButtplugClient {
  #name;
  #handlers;
  #socket = null;
  #ready = false;
  #id = 0;
  #replies = new Map();
  #backoff = new Backoff();
  #retry = null;
  #ping = null;

  // `handlers` has `ready(serverInfo)`, `lost()` and `scanningFinished()`.
  constructor(name, handlers) {
    this.#name = name;
    this.#handlers = handlers;
  }

  get ready() {
    return this.#ready;
  }

  connect() {
    clearTimeout(this.#retry);
    if (this.#socket) return;
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/`);
    this.#socket = socket;
    socket.onopen = () => this.#handshake();
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = () => this.#closed();
  }

  // Sends a message now, or throws. The promise waits for the reply.
  request(type, fields = {}) {
    if (!this.#ready && type !== "RequestServerInfo") return Promise.reject(new Error("there is no connection to the server"));
    this.#id += 1;
    const id = this.#id;
    this.#socket.send(JSON.stringify([{ [type]: { Id: id, ...fields } }]));
    return new Promise((resolve, reject) => this.#replies.set(id, { resolve, reject }));
  }

  async #handshake() {
    try {
      const version = { ProtocolVersionMajor: 4, ProtocolVersionMinor: 0 };
      const info = await this.request("RequestServerInfo", { ClientName: this.#name, ...version });
      this.#ready = true;
      this.#backoff.reset();
      if (info.MaxPingTime > 0) this.#ping = setInterval(() => this.request("Ping").catch(() => {}), info.MaxPingTime / 3);
      this.#handlers.ready(info);
    } catch {
      this.#socket?.close();
    }
  }

  #receive(messages) {
    for (const message of messages) {
      const [[type, body]] = Object.entries(message);
      const reply = this.#replies.get(body.Id);
      this.#replies.delete(body.Id);
      if (type === "ScanningFinished") this.#handlers.scanningFinished();
      else if (type === "Error") reply?.reject(new Error(body.ErrorMessage));
      else reply?.resolve(body);
    }
  }

  #closed() {
    clearInterval(this.#ping);
    this.#socket = null;
    this.#ready = false;
    for (const { reject } of this.#replies.values()) reject(new Error("the connection to the server was lost"));
    this.#replies.clear();
    this.#handlers.lost();
    this.#retry = setTimeout(() => this.connect(), this.#backoff.next());
  }
}
