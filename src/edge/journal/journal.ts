/**
 * The journal: the durable log of the edge, the only place where a reading lives between meter and collector.
 *
 * Every append is one synced batch with blocks, lane heads, watermarks, kept values and, when it changed, the dictionary;
 * memory changes after the batch, so it never says more than the medium does. Appends, acknowledgements and deletions run
 * one after the other. When a batch is rejected nobody can know whether it reached the medium: the journal then reads
 * itself again before anything else is written, instead of guessing; where the store can be opened again that is done first,
 * because LevelDB takes no more writes after a failed sync. What a restart must decode is one keyframe group per lane.
 * Loss is a record: what the quota, its age, a full disk or a damaged medium took becomes a tombstone in its lane, and its
 * intervals are listed to be read again. The weak point is the scan of all held blocks at start (about 50 MB/s).
 */
import { toHex } from '../../base/bytes.ts';
import type { Clock, KeyValueStore, Random, StoreWrite } from '../../base/env.ts';
import { hasCode } from '../../base/errors.ts';
import type { MeterId } from '../../model/ids.ts';
import { type BlockHeader, type ClockQuality, decodeHeader } from '../../wire/block.ts';
import { decodeDictionary } from '../../wire/dictionary.ts';
import { LANE_ORDER, type Lane } from '../../wire/lanes.ts';
import type { DictionaryGroup } from '../../wire/rows.ts';
import { encodeTombstone, type TombstoneCause } from '../../wire/tombstone.ts';
import type { Sha256 } from '../../wire/topics.ts';
import { EVICTION_ORDER, type EvictionClass } from '../eviction-order.ts';
import { REREAD_QUOTA_SHARE } from '../limits.ts';
import type { Entry, Journal, JournalRoom, LaneSpan, Reread, StoredBlock } from '../ports.ts';
import { pendingOctetsOf, roomOf } from './autonomy.ts';
import type { Ballast } from './ballast.ts';
import { journalError } from './errors.ts';
import { type Eviction, planEviction } from './eviction.ts';
import { blockKey, dictionaryKey, KEY, keyAfter, keyOf, laneKey, packCount, putSealed, unseal } from './keys.ts';
import { confirmedAtMs, type HeldBlock, heldOf, indexAbove, isTrusted, recount, spanOf } from './lane-book.ts';
import { COMPACT_MIN_OCTETS, QUOTA_DEFAULT_OCTETS, READ_MAX_BLOCKS, STAGED_MAX_MS } from './limits.ts';
import {
  checkEpoch,
  type JournalTrouble,
  type Loaded,
  loadJournal,
  openEpoch,
  reading,
  unusedDictionaries,
} from './load.ts';
import { type Plan, planAppend } from './plan.ts';
import { rereadsOf } from './rereads.ts';
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
  /** What is given up first when the quota is full. */
  readonly evictionOrder?: readonly EvictionClass[];
  /** Unacknowledged groups older than this are given up; absent = never. Counts only while the clock is trusted. */
  readonly keepMs?: number;
  /** Opens the store again after a write failed; absent = it is used as it is. */
  readonly reopen?: () => Promise<KeyValueStore>;
  /** Room for a full disk. */
  readonly ballast?: Pick<Ballast, 'restore' | 'release'>;
  /** Hears of everything that was lost, for health and log. */
  readonly trouble?: (trouble: JournalTrouble) => void;
}

/** Share of what was held when the disk was full that is held at most until there is room again. */
const FULL_DISK_SHARE = 0.9;

type Appended = readonly { readonly lane: Lane; readonly sequence: number }[];

/**
 * Opens the journal in a store, or makes a new one in an empty store. Throws JOURNAL_NEWER, JOURNAL_FOREIGN,
 * JOURNAL_CORRUPT, JOURNAL_READ.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const loaded = await reading(async () => {
    const epoch = await openEpoch(options.store, options.random);
    return loadJournal(options.store, { epoch, sha256: options.sha256, nowMs: options.clock.nowMs() });
  });
  for (const trouble of loaded.troubles) options.trouble?.(trouble);
  return new StoreJournal(options, loaded);
}

class StoreJournal implements Journal {
  readonly epoch: string;
  readonly #options: JournalOptions;
  #store: KeyValueStore;
  readonly #listeners: ((lanes: readonly Lane[]) => void)[] = [];
  #loaded: Loaded;
  /** A batch was rejected: memory may differ from the medium. */
  #stale = false;
  #closed = false;
  /** While the disk is full: octets that blocks may take at most. */
  #fullDiskOctets = Number.POSITIVE_INFINITY;
  #deletedOctets = 0;
  #compaction: Promise<void> = Promise.resolve();
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
        clockQuality: this.#qualityOf(entry),
        nowMonotonicMs: this.#options.clock.monotonicMs(),
      });
      if (plan.writes.length === 0) return [];
      await this.#makeRoom(plan);
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

  /** Deletes what may go and evicts what must, so that the plan's blocks fit. It never touches the groups that grow. */
  async #makeRoom({ lanes }: Plan): Promise<void> {
    const { keepMs, evictionOrder = EVICTION_ORDER } = this.#options;
    const wanted = lanes.flatMap(({ appended }) => appended).reduce((sum, { octets }) => sum + octets, 0);
    await this.#deleteOld();
    const nowMs = this.#confirmedNowMs();
    const keepFromMs = keepMs === undefined || nowMs === null ? null : nowMs - keepMs;
    const rules = { quotaOctets: this.#quotaOctets, order: evictionOrder, keepFromMs };
    for (;;) {
      const eviction = planEviction(this.#loaded.lanes, rules, wanted);
      if (eviction === null) return;
      await this.#evict(eviction, this.#fullDiskOctets === this.#quotaOctets ? 'disk-full' : eviction.cause);
    }
  }

  /** What the time of an entry is worth: it may have waited in memory while somebody set the clock. */
  #qualityOf({ readAtMs }: Entry): ClockQuality {
    const quality = this.#options.clockQuality();
    const isOfThisClock = Math.abs(this.#options.clock.nowMs() - readAtMs) <= STAGED_MAX_MS;
    return isOfThisClock || !isTrusted(quality) ? quality : 'unset';
  }

  /** UTC ms, null while nobody confirmed it. */
  #confirmedNowMs(): number | null {
    const { clock, clockQuality } = this.#options;
    return isTrusted(clockQuality()) ? clock.nowMs() : null;
  }

  get #quotaOctets(): number {
    return Math.min(this.#options.quotaOctets ?? QUOTA_DEFAULT_OCTETS, this.#fullDiskOctets);
  }

  /** A stretch of a lane gives way to its tombstone, in one batch with what is to be read again. */
  async #evict({ lane, at, blocks }: Eviction, cause: TombstoneCause): Promise<void> {
    const book = this.#loaded.lanes.get(lane);
    const [first, last] = [blocks[0], blocks.at(-1)];
    const next = book?.held[at + blocks.length];
    if (book === undefined || first === undefined || last === undefined || next === undefined) return;
    const groups = last.dictionaryHash === null ? [] : await this.#groups(last.dictionaryHash);
    const octets = encodeTombstone({
      lane,
      epoch: this.epoch,
      from: first.from,
      to: last.sequence,
      prevHash: (await this.#header(lane, first)).prevHash,
      headHash: (await this.#header(lane, next)).prevHash,
      cause,
      writtenAtMs: this.#options.clock.nowMs(),
      fromMs: Math.min(...blocks.map((block) => block.fromMs)),
      toMs: Math.max(...blocks.map((block) => block.toMs)),
      dictionaryHash: last.dictionaryHash,
      groups: groups.map((_, number) => number),
    });
    const tombstone = heldOf(decodeHeader(octets), octets.length);
    // What was given up for its age is not wanted any more.
    const lost = cause === 'age' ? [] : rereadsOf(groups, tombstone.fromMs, tombstone.toMs);
    const rereads = this.#loaded.rereads.plan(lost);
    const writes: StoreWrite[] = blocks.map(({ sequence }) => ({ kind: 'delete', key: blockKey(lane, sequence) }));
    writes.push({ kind: 'put', key: blockKey(lane, last.sequence), value: octets }, ...rereads.writes);
    await this.#write(writes, false);
    this.#loaded.rereads.commit(rereads.entries);
    book.held = [...book.held.slice(0, at), tombstone, ...book.held.slice(at + blocks.length)];
    recount(book);
    this.#deleted(blocks);
    this.#options.trouble?.({ kind: 'lost-blocks', lane, from: tombstone.from, to: tombstone.sequence, cause });
  }

  async #groups(hash: string): Promise<readonly DictionaryGroup[]> {
    const octets = await this.#store.get(dictionaryKey(hash));
    return octets === undefined ? [] : decodeDictionary(octets);
  }

  /** The header of a held block; one that cannot be read any more is healed by reading the journal again. */
  async #header(lane: Lane, { sequence }: HeldBlock): Promise<BlockHeader> {
    const octets = await this.#store.get(blockKey(lane, sequence));
    try {
      return decodeHeader(octets ?? new Uint8Array(0));
    } catch (error) {
      this.#stale = true;
      throw journalError('JOURNAL_CORRUPT', `lane ${lane}, block ${sequence}`, error);
    }
  }

  /** Deleted blocks still take room until the store is compacted, which runs beside everything else. */
  #deleted(blocks: readonly HeldBlock[]): void {
    for (const { octets } of blocks) this.#deletedOctets += octets;
    if (this.#deletedOctets < COMPACT_MIN_OCTETS && this.#fullDiskOctets === Number.POSITIVE_INFINITY) return;
    this.#deletedOctets = 0;
    const store = this.#store;
    this.#compaction = this.#compaction.then(() => store.compact()).catch(() => undefined);
  }

  watermark(meterId: MeterId, key: string): number | null {
    return this.#loaded.watermarks.at(meterId, key);
  }

  kept(key: string): Promise<Uint8Array | undefined> {
    return this.#read(async () => {
      const octets = keyOf(KEY.kept, key);
      const sealed = await this.#store.get(octets);
      return sealed === undefined ? undefined : unseal(octets, sealed);
    });
  }

  keptUnder(prefix: string): Promise<readonly (readonly [string, Uint8Array])[]> {
    return this.#read(async () => {
      const found: (readonly [string, Uint8Array])[] = [];
      const from = keyOf(KEY.kept, prefix);
      for await (const [key, value] of this.#store.scan({ from, below: keyAfter(from) }))
        found.push([new TextDecoder().decode(key.subarray(1)), unseal(key, value)]);
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
        blocks.push({ lane, sequence, octets: value, ...this.#placeOf(lane, sequence) });
      }
      return blocks;
    });
  }

  #placeOf(lane: Lane, sequence: number): Pick<StoredBlock, 'from' | 'appendedAtMs'> {
    const held = this.#loaded.lanes.get(lane)?.held ?? [];
    const block = held[indexAbove(held, sequence - 1)];
    if (block === undefined || block.sequence !== sequence) return { appendedAtMs: null };
    const { from, appendedAtMs } = block;
    return from === sequence ? { appendedAtMs } : { from, appendedAtMs };
  }

  acknowledge(lane: Lane, upTo: number): Promise<void> {
    return this.#inTurn(async () => {
      const book = this.#loaded.lanes.get(lane);
      // An acknowledgement of what was never sent is not ours: it permits nothing.
      if (book === undefined || upTo <= book.acked || upTo > book.head.last) return;
      const acked = packCount(upTo);
      // Not synced: an acknowledgement that a power cut takes back is given again after the next hello.
      await this.#write([putSealed(laneKey(KEY.acked, lane), acked)], false);
      book.acked = upTo;
      recount(book);
      await this.#deleteOld();
      await this.#restoreBallast();
    });
  }

  rewind(lane: Lane, upTo: number): void {
    const book = this.#loaded.lanes.get(lane);
    if (book === undefined || upTo >= book.acked) return;
    const first = book.held[0]?.from ?? book.head.last + 1;
    book.acked = Math.max(upTo, first - 1);
    recount(book);
  }

  /** Room is back when the ballast fits again; until then what is held may not grow. */
  async #restoreBallast(): Promise<void> {
    if (this.#fullDiskOctets === Number.POSITIVE_INFINITY) return;
    await this.#compaction;
    if (await this.#options.ballast?.restore()) this.#fullDiskOctets = Number.POSITIVE_INFINITY;
  }

  /** Deletes what retention permits: after the acknowledgement that permits it is written, never in the same batch. */
  async #deleteOld(): Promise<void> {
    const deletions = planDeletion(this.#loaded.lanes.values(), this.#confirmedNowMs(), this.#quotaOctets);
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
      this.#deleted(blocks);
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

  rereads(): readonly Reread[] {
    const pendingOctets = pendingOctetsOf(this.#loaded.lanes.values());
    return pendingOctets > this.#quotaOctets * REREAD_QUOTA_SHARE ? [] : this.#loaded.rereads.list();
  }

  rereadDone(reread: Reread): Promise<void> {
    return this.#inTurn(async () => {
      const write = this.#loaded.rereads.planRemoval(reread);
      if (write === null) return;
      await this.#write([write], false);
      this.#loaded.rereads.remove(reread);
    });
  }

  confirmedAtMs(): number | null {
    return confirmedAtMs(this.#loaded.lanes.values());
  }

  room(): JournalRoom {
    return roomOf(this.#loaded.lanes.values(), this.#quotaOctets);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#tail.catch(() => undefined);
    await this.#compaction;
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
    const { reopen, sha256, clock, trouble } = this.#options;
    this.#loaded = await reading(async () => {
      if (reopen !== undefined) {
        await this.#compaction;
        // A store that was closed by an earlier attempt is closed again, which does nothing.
        await this.#store.close().catch(() => undefined);
        this.#store = await reopen();
      }
      // Another store in its place must not go on under this epoch, which collector and uplink know.
      await checkEpoch(this.#store, this.epoch);
      return loadJournal(this.#store, { epoch: this.epoch, sha256, nowMs: clock.nowMs() });
    });
    this.#stale = false;
    for (const each of this.#loaded.troubles) trouble?.(each);
  }

  async #write(writes: readonly StoreWrite[], sync: boolean): Promise<void> {
    try {
      await this.#store.batch(writes, { sync });
    } catch (error) {
      this.#stale = true;
      if (hasCode(error, 'DISK_FULL')) await this.#diskFull();
      throw journalError('JOURNAL_WRITE', '', error);
    }
  }

  /** The ballast gives way; from now on less is held than when the disk became full. */
  async #diskFull(): Promise<void> {
    let held = 0;
    for (const book of this.#loaded.lanes.values()) held += book.heldOctets;
    this.#fullDiskOctets = Math.min(this.#fullDiskOctets, held * FULL_DISK_SHARE);
    this.#options.trouble?.({ kind: 'disk-full', heldOctets: held });
    await this.#options.ballast?.release().catch(() => undefined);
  }

  #read<Value>(read: () => Promise<Value>): Promise<Value> {
    if (this.#closed) return Promise.reject(journalError('JOURNAL_CLOSED'));
    return reading(read);
  }
}
