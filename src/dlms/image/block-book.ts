/** Which blocks of an image are still to be sent: all of them, then what the meter says is missing. */

import type { Data } from '../axdr/data.ts';
import { missingBlocks, wholeNumber } from './image-object.ts';
import type { BlockSpan } from './image-requests.ts';
import { BLOCK_RETRIES_MAX, REPAIR_ROUNDS_MAX } from './limits.ts';

/** What a look at the meter's blocks says: nothing is missing, these will be sent, or it is of no use. */
export type BlockCheck = 'whole' | 'missing' | 'no-progress' | 'not-there';

/** See the head of the file. */
export class BlockBook {
  #blockOctets = 0;
  #count: number;
  #todo: readonly number[] = [];
  #at = 0;
  #retries = 0;
  #idleRounds = 0;
  #lastMissing = Number.POSITIVE_INFINITY;
  #lastFirst = -1;

  constructor(
    private readonly imageOctets: number,
    /** As known from before a restart, 0 = not known. */
    count: number,
  ) {
    this.#count = count;
  }

  /** Blocks of the image; 0 = the meter has not told its block size yet. */
  get count(): number {
    return this.#count;
  }

  /** Blocks that need not be sent any more, as far as is known. */
  get done(): number {
    return this.#count - (this.#todo.length - this.#at);
  }

  /** Whether all was sent that was to be sent. */
  get isSent(): boolean {
    return this.#at >= this.#todo.length;
  }

  /** The meter takes blocks of so many octets. */
  size(blockOctets: number): void {
    this.#blockOctets = blockOctets;
    this.#count = Math.ceil(this.imageOctets / blockOctets);
  }

  /** Numbers of the blocks that are still to be sent, as far as is known. */
  get missing(): readonly number[] {
    return this.#todo.slice(this.#at);
  }

  /** Sends every block, from 0. */
  begin(): void {
    this.#lastMissing = Number.POSITIVE_INFINITY;
    this.#idleRounds = 0;
    this.#lastFirst = -1;
    this.#take(this.#from(0));
  }

  /** The block to send now. */
  current(): BlockSpan {
    const number = this.#todo[this.#at] ?? this.#count;
    return { number, from: number * this.#blockOctets, to: (number + 1) * this.#blockOctets };
  }

  /** The meter took the block. */
  sent(): void {
    this.#retries = 0;
    this.#at++;
  }

  /** All went out at once, to whoever heard them. */
  allSent(): void {
    this.#at = this.#todo.length;
  }

  /** The meter cannot take the block now; false when it said so too often. */
  mayRetry(): boolean {
    return this.#retries++ < BLOCK_RETRIES_MAX;
  }

  /**
   * Attributes 4 and 3 of the meter. The bitmap is believed where there is one that speaks of all blocks; attribute 4 alone
   * shows one hole at a time: after a break everything from there is sent, after a whole round only the hole.
   */
  check(first: Data | null, bitmap: Data | null): BlockCheck {
    const number = first === null ? null : wholeNumber(first);
    const missing = bitmap === null ? null : missingBlocks(bitmap, this.#count);
    if (missing === null && number === null) return 'not-there';
    const holes = missing ?? this.#holesFrom(number ?? 0);
    if (holes.length === 0) {
      this.#take([]);
      return 'whole';
    }
    const [hole = 0] = holes;
    const moved = missing === null ? hole > this.#lastFirst : holes.length < this.#lastMissing;
    // A round that broke off says nothing of the meter: the line was bad.
    const wasRound = this.isSent && this.#todo.length > 0;
    this.#idleRounds = moved || !wasRound ? 0 : this.#idleRounds + 1;
    this.#lastMissing = holes.length;
    this.#lastFirst = hole;
    if (this.#idleRounds >= REPAIR_ROUNDS_MAX) return 'no-progress';
    this.#take(holes);
    return 'missing';
  }

  #holesFrom(number: number): readonly number[] {
    if (number >= this.#count) return [];
    return this.isSent && this.#todo.length > 0 ? [number] : this.#from(number);
  }

  #from(first: number): number[] {
    return Array.from({ length: this.#count - first }, (_, at) => first + at);
  }

  #take(todo: readonly number[]): void {
    this.#todo = todo;
    this.#at = 0;
    this.#retries = 0;
  }
}
