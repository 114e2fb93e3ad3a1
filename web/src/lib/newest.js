// At most one send in this time for each output, which is 30 a second.
const GAP_MS = 34;

// Passes values on at a limited rate. A newer value replaces one that still waits.
export class Newest {
  #send;
  #timer = null;
  #last = -Infinity;
  #waiting = null;

  constructor(send) {
    this.#send = send;
  }

  set(value) {
    this.#waiting = { value };
    if (this.#timer !== null) return;
    const wait = this.#last + GAP_MS - performance.now();
    if (wait <= 0) this.#pass();
    else this.#timer = setTimeout(() => this.#pass(), wait);
  }

  // A stop must not be followed by a value from before it.
  drop() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#waiting = null;
  }

  #pass() {
    this.#timer = null;
    const { value } = this.#waiting;
    this.#waiting = null;
    this.#last = performance.now();
    this.#send(value);
  }
}
