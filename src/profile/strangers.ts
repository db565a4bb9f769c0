/**
 * Rows of an answer that nobody asked for. Some meters take the end of a range from its start or pass the range over; a
 * watermark that followed such rows would skip what lies between.
 */
import { DAYLIGHT_SHIFT_MS } from './limits.ts';
import type { AskedRange } from './plan.ts';

/** Counts them while the rows are read. */
export class Strangers {
  readonly #asked: AskedRange | null;
  readonly #toleranceMs: number;
  #count = 0;
  #firstIndex = 0;

  /** `asked` null = everything was asked for. A row may be an interval off, and an hour where a clock says no deviation. */
  constructor(asked: AskedRange | null, intervalMs: number) {
    this.#asked = asked;
    this.#toleranceMs = intervalMs + DAYLIGHT_SHIFT_MS;
  }

  /** Whether the row with this stamp is one; it is then counted. */
  takes(stampMs: number, index: number): boolean {
    if (this.#asked === null) return false;
    const { fromMs, toMs } = this.#asked;
    if (stampMs >= fromMs - this.#toleranceMs && stampMs <= toMs + this.#toleranceMs) return false;
    if (this.#count++ === 0) this.#firstIndex = index;
    return true;
  }

  /** What to tell of them: one problem, or none. */
  problems(): { readonly index: number; readonly sentence: string }[] {
    if (this.#count === 0) return [];
    const sentence = `${this.#count} rows lie outside the range that was asked for: look at the clock and the access of the buffer in the profile.`;
    return [{ index: this.#firstIndex, sentence }];
  }
}
