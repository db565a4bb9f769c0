/**
 * The journal: the durable log of the edge, the only place where a reading lives between meter and collector.
 *
 * Every append is one synced batch with blocks, lane heads, watermarks, kept values and, when it changed, the dictionary;
 * memory changes after the batch, so it never says more than the medium does. Appends, acknowledgements and deletions run
 * one after the other. When a batch is rejected nobody can know whether it reached the medium: the journal then reads
 * itself again before anything else is written, instead of guessing. What a restart must decode is one keyframe group per lane.
 * Given up: nothing is evicted yet when the quota is full of unacknowledged blocks; the weak point is the scan of all held
 * blocks at start (about 50 MB/s).
 */
import { toHex } from '../../base/bytes.ts';
import type { Clock, KeyValueStore, Random, StoreWrite } from '../../base/env.ts';
import type { MeterId } from '../../model/ids.ts';
import type { ClockQuality } from '../../wire/block.ts';
import { LANE_ORDER, type Lane } from '../../wire/lanes.ts';
import type { Sha256 } from '../../wire/topics.ts';
import type { Entry, Journal, LaneSpan, StoredBlock } from '../ports.ts';
import { journalError } from './errors.ts';
import { blockKey, dictionaryKey, KEY, keyAfter, keyOf, laneKey, packCount } from './keys.ts';
import { recount, spanOf } from './lane-book.ts';
import { QUOTA_DEFAULT_OCTETS, READ_MAX_BLOCKS } from './limits.ts';
import { type Loaded, loadJournal, openEpoch, reading, unusedDictionaries } from './load.ts';
import { type Plan, planAppend } from './plan.ts';
import { planDeletion } from './retention.ts';

/** What a journal needs of its surroundings. */
export interface JournalOptions {
  /** Owned by the journal from now on: it closes the store. */
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly sha256: Sha256;
  /** How good the wall clock is, asked at each append. */
  readonly clockQuality: () => ClockQuality;
  /** Octets that blocks may take; half of it is kept free of acknowledged ones. */
  readonly quotaOctets?: number;
}

type Appended = readonly { readonly lane: Lane; readonly sequence: number }[];

/**
 * Opens the journal in a store, or makes a new one in an empty store. Throws JOURNAL_NEWER, JOURNAL_FOREIGN,
 * JOURNAL_CORRUPT, JOURNAL_READ.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const loaded = await reading(async () => {
    const epoch = await openEpoch(options.store, options.random);
    return loadJournal(options.store, epoch, options.sha256);
  });
  return new StoreJournal(options, loaded);
}

class StoreJournal implements Journal {
  readonly epoch: string;
  readonly #options: JournalOptions;
  readonly #store: KeyValueStore;
  readonly #listeners: ((lanes: readonly Lane[]) => void)[] = [];
  #loaded: Loaded;
  /** A batch was rejected: memory may differ from the medium. */
  #stale = false;
  #closed = false;
  /** The end of the queue of writes. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: JournalOptions, loaded: Loaded) {
    this.#options = options;
    this.#store = options.store;
    this.#loaded = loaded;
    this.epoch = loaded.epoch;
  }

  append(entry: Entry): Promise<Appended> {
    return this.#inTurn(async () => {
      const plan = planAppend(entry, this.#loaded, {
        sha256: this.#options.sha256,
        clockQuality: this.#options.clockQuality(),
        nowMonotonicMs: this.#options.clock.monotonicMs(),
      });
      if (plan.writes.length === 0) return [];
      await this.#write(plan.writes, true);
      const appended = this.#commit(plan);
      const lanes = [...new Set(appended.map(({ lane }) => lane))];
      if (lanes.length > 0) for (const listener of this.#listeners) listener(lanes);
      return appended;
    });
  }

  #commit(plan: Plan): Appended {
    for (const [valueClass, book] of plan.groups) this.#loaded.groups.set(valueClass, book);
    this.#loaded.watermarks.commit(plan.watermarks);
    const appended: { lane: Lane; sequence: number }[] = [];
    for (const change of plan.lanes) {
      const book = this.#loaded.lanes.get(change.lane);
      if (book === undefined) continue;
      book.head = change.head;
      book.coder = change.coder;
      for (const block of change.appended) {
        book.held.push(block);
        book.heldOctets += block.octets;
        book.pendingOctets += block.octets;
        appended.push({ lane: change.lane, sequence: block.sequence });
      }
    }
    return appended;
  }

  watermark(meterId: MeterId, key: string): number | null {
    return this.#loaded.watermarks.at(meterId, key);
  }

  kept(key: string): Promise<Uint8Array | undefined> {
    return this.#read(() => this.#store.get(keyOf(KEY.kept, key)));
  }

  keptUnder(prefix: string): Promise<readonly (readonly [string, Uint8Array])[]> {
    return this.#read(async () => {
      const found: (readonly [string, Uint8Array])[] = [];
      const from = keyOf(KEY.kept, prefix);
      for await (const [key, value] of this.#store.scan({ from, below: keyAfter(from) }))
        found.push([new TextDecoder().decode(key.subarray(1)), value]);
      return found;
    });
  }

  lanes(): readonly LaneSpan[] {
    return LANE_ORDER.flatMap((lane) => {
      const book = this.#loaded.lanes.get(lane);
      return book === undefined ? [] : [spanOf(book)];
    });
  }

  read(lane: Lane, from: number, maxOctets: number): Promise<readonly StoredBlock[]> {
    return this.#read(async () => {
      const blocks: StoredBlock[] = [];
      let octets = 0;
      const range = { from: blockKey(lane, from), below: keyAfter(laneKey(KEY.block, lane)), limit: READ_MAX_BLOCKS };
      for await (const [key, value] of this.#store.scan(range)) {
        octets += value.length;
        if (blocks.length > 0 && octets > maxOctets) break;
        const sequence = Number.parseInt(toHex(key.subarray(2)), 16);
        blocks.push({ lane, sequence, octets: value, appendedAtMs: this.#appendedAt(lane, sequence) });
      }
      return blocks;
    });
  }

  #appendedAt(lane: Lane, sequence: number): number | null {
    const held = this.#loaded.lanes.get(lane)?.held;
    return held?.[sequence - (held[0]?.sequence ?? 0)]?.appendedAtMs ?? null;
  }

  acknowledge(lane: Lane, upTo: number): Promise<void> {
    return this.#inTurn(async () => {
      const book = this.#loaded.lanes.get(lane);
      // An acknowledgement of what was never sent is not ours: it permits nothing.
      if (book === undefined || upTo <= book.acked || upTo > book.head.last) return;
      const acked = packCount(upTo);
      // Not synced: an acknowledgement that a power cut takes back is given again after the next hello.
      await this.#write([{ kind: 'put', key: laneKey(KEY.acked, lane), value: acked }], false);
      book.acked = upTo;
      recount(book);
      await this.#deleteOld();
    });
  }

  rewind(lane: Lane, upTo: number): void {
    const book = this.#loaded.lanes.get(lane);
    if (book === undefined || upTo >= book.acked) return;
    const first = book.held[0]?.sequence ?? book.head.last + 1;
    book.acked = Math.max(upTo, first - 1);
    recount(book);
  }

  /** Deletes what retention permits: after the acknowledgement that permits it is written, never in the same batch. */
  async #deleteOld(): Promise<void> {
    const { quotaOctets = QUOTA_DEFAULT_OCTETS, clock } = this.#options;
    const deletions = planDeletion(this.#loaded.lanes.values(), clock.nowMs(), quotaOctets);
    if (deletions.length === 0) return;
    const writes: StoreWrite[] = [];
    const hashes = new Set<string>();
    for (const { lane, blocks } of deletions)
      for (const { sequence, dictionaryHash } of blocks) {
        writes.push({ kind: 'delete', key: blockKey(lane, sequence) });
        if (dictionaryHash !== null) hashes.add(dictionaryHash);
      }
    await this.#write(writes, false);
    for (const { lane, blocks } of deletions) {
      const book = this.#loaded.lanes.get(lane);
      if (book === undefined) continue;
      book.held = book.held.slice(blocks.length);
      recount(book);
    }
    const unused = unusedDictionaries(this.#loaded, hashes);
    if (unused.length > 0)
      await this.#write(
        unused.map((hash) => ({ kind: 'delete', key: dictionaryKey(hash) })),
        false,
      );
  }

  dictionary(hash: string): Promise<Uint8Array | undefined> {
    return this.#read(() => this.#store.get(dictionaryKey(hash)));
  }

  onAppend(listener: (lanes: readonly Lane[]) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#tail.catch(() => undefined);
    await this.#store.close();
  }

  /** Runs a write after all earlier ones; a journal that lost track of its medium reads it again first. */
  #inTurn<Value>(run: () => Promise<Value>): Promise<Value> {
    const turn = this.#tail
      .catch(() => undefined)
      .then(async () => {
        if (this.#closed) throw journalError('JOURNAL_CLOSED');
        if (this.#stale) await this.#reload();
        try {
          return await run();
        } catch (error) {
          // At once, so that watermarks say what is stored; when that fails too, the next write tries again.
          if (this.#stale) await this.#reload().catch(() => undefined);
          throw error;
        }
      });
    this.#tail = turn;
    // The caller hears of a failure; the queue goes on.
    turn.catch(() => undefined);
    return turn;
  }

  async #reload(): Promise<void> {
    this.#loaded = await reading(() => loadJournal(this.#store, this.epoch, this.#options.sha256));
    this.#stale = false;
  }

  async #write(writes: readonly StoreWrite[], sync: boolean): Promise<void> {
    try {
      await this.#store.batch(writes, { sync });
    } catch (error) {
      this.#stale = true;
      throw journalError('JOURNAL_WRITE', '', error);
    }
  }

  #read<Value>(read: () => Promise<Value>): Promise<Value> {
    if (this.#closed) return Promise.reject(journalError('JOURNAL_CLOSED'));
    return reading(read);
  }
}
