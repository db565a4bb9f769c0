/** How much of a line's time meters that do not answer may still use: a tenth, saved up for at most a minute. */
import { DEAD_SAVED_MAX_MS, DEAD_SHARE } from '../limits.ts';

/** A purse of milliseconds that fills with time; it may go into debt once, then it must fill again. */
export class DeadBudget {
  #savedMs = DEAD_SAVED_MAX_MS;
  #atMs: number | null = null;

  /** Takes `tookMs` out. */
  spend(tookMs: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#savedMs -= tookMs;
  }

  /** Ms until there is something to spend; 0 = now. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs);
    return this.#savedMs > 0 ? 0 : Math.ceil((1 - this.#savedMs) / DEAD_SHARE);
  }

  #fill(nowMs: number): void {
    const passedMs = this.#atMs === null ? 0 : Math.max(0, nowMs - this.#atMs);
    this.#atMs = nowMs;
    this.#savedMs = Math.min(DEAD_SAVED_MAX_MS, this.#savedMs + passedMs * DEAD_SHARE);
  }
}
