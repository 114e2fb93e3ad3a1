// The last lines of the server's log, read while a view that shows them is open.
import { ask } from "./api.js";

const READ_MS = 2000;

class Log {
  lines = $state.raw([]);
  paused = $state(false);
  #timer = null;

  // Reads until the returned function is called.
  watch() {
    this.#read();
    this.#timer = setInterval(() => !document.hidden && this.#read(), READ_MS);
    return () => clearInterval(this.#timer);
  }

  pause(on) {
    this.paused = on;
    if (!on) this.#read();
  }

  async #read() {
    if (this.paused) return;
    const lines = await ask("/api/v1/log").catch(() => null);
    // Pause may have been pressed while the answer was on its way.
    if (lines && !this.paused) this.lines = lines;
  }
}

export const log = new Log();
