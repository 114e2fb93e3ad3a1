// Waits longer after each failure. The random part keeps eight tabs from knocking at the same moment.
export class Backoff {
  #failures = 0;

  next() {
    const wait = Math.min(500 * 2 ** this.#failures, 8000);
    this.#failures += 1;
    return wait * (0.75 + Math.random() / 2);
  }

  reset() {
    this.#failures = 0;
  }
}
