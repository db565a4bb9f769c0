/**
 * When to try again: decorrelated jitter, so that a town of concentrators does not come back in step.
 *
 * Each wait is random between the base and three times the wait before, capped. It starts anew only after a connection
 * that lasted ten minutes: one that comes and goes is not a good one.
 */
import { BACKOFF_BASE_MS, BACKOFF_CAP_MS, STABLE_CONNECTION_MS } from '../limits.ts';

/** The waits between attempts to connect. */
export class Backoff {
  #lastMs = 0;

  /** Ms to wait before the next attempt; 0 for the very first. `below(n)` is random from 0 to n - 1. */
  nextMs(below: (n: number) => number): number {
    if (this.#lastMs === 0) {
      this.#lastMs = BACKOFF_BASE_MS;
      return 0;
    }
    const span = Math.max(1, this.#lastMs * 3 - BACKOFF_BASE_MS);
    this.#lastMs = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS + below(span));
    return this.#lastMs;
  }

  /** A connection ended after it had lasted `lastedMs`. */
  ended(lastedMs: number): void {
    if (lastedMs >= STABLE_CONNECTION_MS) this.#lastMs = 0;
  }
}
