/**
 * An ordered key-value store in memory that behaves as LevelDB does where it matters: batches are all or nothing, a scan
 * sees the store as it was when it began, and what was not synced may be gone after a crash.
 *
 * The entries live in a medium that outlasts its handles; `reopen` gives a new handle as a restart would. A crash undoes
 * unsynced batches from the newest on, which is what losing the tail of a log does.
 */
import { toHex } from '../base/bytes.ts';
import type { KeyValueStore, StoreRange, StoreWrite } from '../base/env.ts';

interface Stored {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What a batch replaced: undone in reverse order. */
interface Undo {
  readonly hex: string;
  readonly before: Stored | undefined;
}

/** Entries in key order; hex digits sort as octets do. */
class Medium {
  readonly entries = new Map<string, Stored>();
  /** Keys in order. */
  readonly order: string[] = [];
  /** Of each unsynced batch, oldest first. */
  unsynced: Undo[][] = [];

  /** Everything that is held, as if it were synced. */
  copy(): Medium {
    const copy = new Medium();
    for (const [hex, stored] of this.entries) copy.entries.set(hex, stored);
    copy.order.push(...this.order);
    return copy;
  }

  /** Index of the first key that is not below `hex`. */
  indexOf(hex: string): number {
    let [low, high] = [0, this.order.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.order[middle] ?? '') < hex) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  set(hex: string, stored: Stored | undefined): void {
    const known = this.entries.has(hex);
    if (stored !== undefined) {
      this.entries.set(hex, stored);
      if (!known) this.order.splice(this.indexOf(hex), 0, hex);
    } else if (known) {
      this.entries.delete(hex);
      this.order.splice(this.indexOf(hex), 1);
    }
  }
}

/** How the next batch shall fail: with nothing written, or after all was written. */
export type BatchFailure = 'nothing-written' | 'all-written';

/** The store; see the file's head. */
export class MemoryStore implements KeyValueStore {
  readonly #medium: Medium;
  #open = true;
  #failure: BatchFailure | null = null;
  #octetsWritten = 0;
  #batches = 0;

  /** A new, empty medium unless one is handed in. */
  constructor(medium: Medium = new Medium()) {
    this.#medium = medium;
  }

  /** Keys and values of all batches so far, in octets. */
  get octetsWritten(): number {
    return this.#octetsWritten;
  }

  /** Batches so far. */
  get batches(): number {
    return this.#batches;
  }

  /** Entries held. */
  get size(): number {
    return this.#medium.entries.size;
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.#mustBeOpen();
    return this.#medium.entries.get(toHex(key))?.value.slice();
  }

  async batch(writes: readonly StoreWrite[], options: { readonly sync: boolean }): Promise<void> {
    this.#mustBeOpen();
    const failure = this.#failure;
    this.#failure = null;
    if (failure === 'nothing-written') throw new Error('the batch failed, as was ordered');
    const undo: Undo[] = [];
    for (const write of writes) {
      const hex = toHex(write.key);
      undo.push({ hex, before: this.#medium.entries.get(hex) });
      const stored = write.kind === 'put' ? { key: write.key.slice(), value: write.value.slice() } : undefined;
      this.#medium.set(hex, stored);
      this.#octetsWritten += write.key.length + (write.kind === 'put' ? write.value.length : 0);
    }
    this.#batches++;
    // Syncing one batch syncs the log up to it.
    if (options.sync) this.#medium.unsynced = [];
    else this.#medium.unsynced.push(undo);
    if (failure === 'all-written') throw new Error('the batch failed after it was written, as was ordered');
  }

  async *scan(range: StoreRange): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]> {
    this.#mustBeOpen();
    const { entries, order } = this.#medium;
    const from = range.from === undefined ? 0 : this.#medium.indexOf(toHex(range.from));
    const below = range.below === undefined ? order.length : this.#medium.indexOf(toHex(range.below));
    const keys = order.slice(from, Math.max(from, below));
    if (range.reverse === true) keys.reverse();
    const limit = range.limit ?? keys.length;
    const seen = keys.slice(0, limit).map((hex) => entries.get(hex));
    for (const stored of seen) {
      this.#mustBeOpen();
      if (stored !== undefined) yield [stored.key.slice(), stored.value.slice()];
    }
  }

  compact(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.#open = false;
  }

  /** The next batch is rejected. */
  failNextBatch(failure: BatchFailure): void {
    this.#failure = failure;
  }

  /** The machine lost power: this handle is dead, all but the oldest `kept` unsynced batches are gone. */
  crash(kept = 0): void {
    this.#open = false;
    const lost = this.#medium.unsynced.splice(kept);
    for (const undo of lost.reverse()) for (const { hex, before } of undo.reverse()) this.#medium.set(hex, before);
    this.#medium.unsynced = [];
  }

  /** A store of its own with the same entries; the values are shared, nobody changes them. */
  copy(): MemoryStore {
    return new MemoryStore(this.#medium.copy());
  }

  /** A new handle on the same medium; the old one is dead, as after the end of its process. */
  reopen(): MemoryStore {
    this.#open = false;
    return new MemoryStore(this.#medium);
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new Error('the store is closed');
  }
}
