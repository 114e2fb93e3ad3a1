// The server's events, for all tabs of this browser together.
//
// A browser opens six connections to a host, and each EventSource keeps one. Eight tabs with one each would leave none for
// a stop. So one visible tab, which holds a lock, reads the events and passes them on to the others.
import { Backoff } from "./backoff.js";

const NAMES = [
  "snapshot", "outputs", "session_opened", "session_named", "session_closed", "device_added", "device_away", "device_back",
  "device_removed", "device_changed", "scan_started", "scan_stopped", "held", "resumed",
];
const LOCK = "hapticd-events";
const ASK_AGAIN_MS = 1500;
// After this many questions without an answer the reading tab is taken for stuck.
const QUESTIONS = 3;

export class Events {
  #handlers;
  #source = null;
  #retry = null;
  #asking = null;
  #turn = null;
  #backoff = new Backoff();
  #channel = globalThis.BroadcastChannel && navigator.locks ? new BroadcastChannel(LOCK) : null;

  // `handlers` has `event(name, data)`, `lost()` and `snapshot()`, which says how everything is or null.
  constructor(handlers) {
    this.#handlers = handlers;
    this.#channel?.addEventListener("message", ({ data }) => this.#heard(data));
  }

  start() {
    if (!this.#channel) return this.#open();
    this.#turn = new AbortController();
    const { signal } = this.#turn;
    const lead = () => {
      this.#follow(false);
      this.#open();
      return new Promise((done) => signal.addEventListener("abort", done));
    };
    navigator.locks.request(LOCK, { signal }, lead).catch(() => {});
    this.#follow(true);
  }

  stop() {
    this.#turn?.abort();
    this.#follow(false);
    this.#close();
  }

  #follow(on) {
    clearInterval(this.#asking);
    this.#asking = null;
    if (!on) return;
    let asked = 0;
    const ask = () => {
      asked += 1;
      if (asked > QUESTIONS) {
        this.#follow(false);
        this.#open();
      } else this.#channel.postMessage({ ask: true });
    };
    this.#asking = setInterval(ask, ASK_AGAIN_MS);
    ask();
  }

  #heard(message) {
    if (message.ask) {
      const snapshot = this.#source && this.#handlers.snapshot();
      if (snapshot) this.#channel.postMessage({ name: "snapshot", data: snapshot });
    } else if (!this.#source && this.#turn && !this.#turn.signal.aborted) {
      if (message.name === "lost") this.#handlers.lost();
      else {
        if (message.name === "snapshot") clearInterval(this.#asking);
        this.#handlers.event(message.name, message.data);
      }
    }
  }

  #open() {
    this.#close();
    const source = new EventSource("/api/v1/events");
    this.#source = source;
    for (const name of NAMES) {
      source.addEventListener(name, (event) => {
        const data = JSON.parse(event.data);
        if (name === "snapshot") this.#backoff.reset();
        this.#handlers.event(name, data);
        this.#channel?.postMessage({ name, data });
      });
    }
    source.onerror = () => {
      this.#close();
      this.#handlers.lost();
      this.#channel?.postMessage({ name: "lost" });
      this.#retry = setTimeout(() => this.#open(), this.#backoff.next());
    };
  }

  #close() {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }
}
