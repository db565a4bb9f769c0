/**
 * One clock and one queue of timers for a whole virtual system.
 *
 * Time moves only when every promise has settled: the world takes the earliest timer, sets the clock to it, runs it and
 * lets all microtasks drain before it takes the next. Timers of one instant fire in the order in which they were made,
 * so a run depends on its seed and on nothing else. Given up: code under test must not wait for real input or output.
 */
import type { Timer, Timers } from '../base/env.ts';
import { macrotask } from '../host/loop.ts';

interface Pending {
  readonly dueMs: number;
  readonly serial: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** A binary heap of timers, earliest first, ties by age. */
class TimerHeap {
  readonly #items: Pending[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The earliest that was not cancelled; most timeouts are, and a cancelled one is no event. */
  first(): Pending | undefined {
    while (this.#items[0]?.cancelled === true) this.pop();
    return this.#items[0];
  }

  push(item: Pending): void {
    const items = this.#items;
    items.push(item);
    let at = items.length - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!earlier(item, items[up] as Pending)) break;
      items[at] = items[up] as Pending;
      at = up;
    }
    items[at] = item;
  }

  pop(): Pending | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (top === undefined || last === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let down = at * 2 + 1;
      if (down >= items.length) break;
      if (down + 1 < items.length && earlier(items[down + 1] as Pending, items[down] as Pending)) down++;
      if (!earlier(items[down] as Pending, last)) break;
      items[at] = items[down] as Pending;
      at = down;
    }
    items[at] = last;
    return top;
  }
}

function earlier(a: Pending, b: Pending): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.serial < b.serial);
}

/** The monotonic clock of a virtual system and its timers. */
export class VirtualClock implements Timers {
  #nowMs = 0;
  #serial = 0;
  readonly #heap = new TimerHeap();
  readonly #failures: unknown[] = [];

  /** Monotonic ms since the start of the world. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#heap.size;
  }

  after(delayMs: number, run: () => void): Timer {
    const pending: Pending = {
      dueMs: this.#nowMs + Math.max(0, delayMs),
      serial: this.#serial++,
      run,
      cancelled: false,
    };
    this.#heap.push(pending);
    return {
      cancel: () => {
        pending.cancelled = true;
      },
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = () => {
        timer.cancel();
        reject(signal?.reason as Error);
      };
      const timer = this.after(delayMs, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Runs everything that is due up to and including `untilMs`, then stands there. Throws the first error of a timer. */
  async runUntil(untilMs: number): Promise<void> {
    await macrotask();
    for (;;) {
      const next = this.#heap.first();
      if (next === undefined || next.dueMs > untilMs) break;
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      this.#runInstant();
      await macrotask();
      if (this.#failures.length > 0) throw this.#failures[0];
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** Moves on by `durationMs`. */
  async advance(durationMs: number): Promise<void> {
    await this.runUntil(this.#nowMs + durationMs);
  }

  /** Moves on, at most `limitMs`, until `done` holds after some event; false when the limit came first. */
  async runWhile(pending: () => boolean, limitMs: number): Promise<boolean> {
    const untilMs = this.#nowMs + limitMs;
    await macrotask();
    while (pending()) {
      const next = this.#heap.first();
      if (next === undefined || next.dueMs > untilMs) return false;
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      this.#runInstant();
      await macrotask();
      if (this.#failures.length > 0) throw this.#failures[0];
    }
    return true;
  }

  /** All timers of this instant that exist now; those they make for the same instant come after the microtasks. */
  #runInstant(): void {
    const serialBefore = this.#serial;
    for (;;) {
      const next = this.#heap.first();
      if (next === undefined || next.dueMs > this.#nowMs || next.serial >= serialBefore) return;
      this.#heap.pop();
      try {
        next.run();
      } catch (error) {
        this.#failures.push(error);
      }
    }
  }
}
