/** What one decoding run has spent: nesting and elements, so that octets cannot ask for more than the limits. */

import { dlmsError } from '../errors.ts';
import { DATA_DEPTH_MAX, DATA_ELEMENTS_MAX } from '../limits.ts';
import type { Data } from './data.ts';

/** Spending of one run over one value (or over all values of one APDU). */
export class DataWalk {
  #elements = 0;
  #depth = 0;

  /** Enters a list of `count` elements before anything is allocated for them; `offset` is for the error. */
  enter(count: number, offset: number): void {
    this.#depth += 1;
    if (this.#depth > DATA_DEPTH_MAX) throw dlmsError('DLMS_DEPTH', `offset ${offset}: level ${this.#depth}`);
    this.charge(count, offset);
  }

  /** Counts elements that were not announced by a count. */
  charge(count: number, offset: number): void {
    this.#elements += count;
    if (this.#elements > DATA_ELEMENTS_MAX)
      throw dlmsError('DLMS_ELEMENTS', `offset ${offset}: ${this.#elements} elements`);
  }

  /**
   * Told of each tagged value after it was read, inner ones first; `start` is the offset of its tag, `end` that behind it.
   * Does nothing here: `explain` listens.
   */
  seen(_data: Data, _start: number, _end: number): void {
    return;
  }

  /** Leaves the list entered last. */
  leave(): void {
    this.#depth -= 1;
  }
}
