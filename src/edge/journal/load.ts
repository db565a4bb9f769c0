/** Opens a store as a journal: checks its version, makes a new one in an empty store, reads what is there. */
import { fromHex, toHex } from '../../base/bytes.ts';
import type { KeyValueStore, Random, StoreWrite } from '../../base/env.ts';
import { DeltawattError, hasCode } from '../../base/errors.ts';
import { LANE_ORDER, type Lane } from '../../wire/lanes.ts';
import type { Sha256 } from '../../wire/topics.ts';
import type { Reread, ValueClass } from '../ports.ts';
import { journalError } from './errors.ts';
import { type GroupBook, openBook } from './group-book.ts';
import {
  blockKey,
  currentKey,
  EMPTY_HEAD,
  getSealed,
  JOURNAL_VERSION,
  KEY,
  keyAfter,
  keyOf,
  laneKey,
  packMeta,
  putSealed,
  unpackCount,
  unpackHead,
  unpackMeta,
  unseal,
} from './keys.ts';
import type { LaneBook } from './lane-book.ts';
import { type DictionaryOf, LaneLoader, type LoadedLane } from './lane-loader.ts';
import { migrateFrom1 } from './migrate.ts';
import { RereadList, rereadsOf } from './rereads.ts';
import { WatermarkTable } from './watermarks.ts';

/** Everything that a journal keeps in memory. */
export interface Loaded {
  readonly epoch: string;
  readonly lanes: Map<Lane, LaneBook>;
  readonly groups: Map<ValueClass, GroupBook>;
  readonly watermarks: WatermarkTable;
  readonly rereads: RereadList;
  /** What was healed while reading. */
  readonly troubles: readonly JournalTrouble[];
}

/** Something of the journal that was lost and how it is made good. */
export type JournalTrouble =
  | {
      readonly kind: 'lost-blocks';
      readonly lane: Lane;
      readonly from: number;
      readonly to: number;
      readonly cause: string;
    }
  /** The watermarks of a line were unreadable: its meters are read from their oldest rows. */
  | { readonly kind: 'lost-watermarks'; readonly line: string }
  /** Nothing more fits on the medium; from now on less is held. */
  | { readonly kind: 'disk-full'; readonly heldOctets: number };

const EPOCH_OCTETS = 8;

/**
 * Steps from an older version to the next, by the version they start from. A step reads and writes the store and ends with
 * a synced batch that holds the new version, so that a cut in between runs it again.
 */
const MIGRATIONS: ReadonlyMap<number, (store: KeyValueStore) => Promise<void>> = new Map([[1, migrateFrom1]]);

/** Finds format and epoch, or makes them; throws JOURNAL_NEWER, JOURNAL_FOREIGN, JOURNAL_CORRUPT. */
export async function openEpoch(store: KeyValueStore, random: Random): Promise<string> {
  const octets = await store.get(keyOf(KEY.meta));
  if (octets === undefined) return newEpoch(store, random);
  let { version, epoch } = unpackMeta(octets);
  while (version < JOURNAL_VERSION) {
    const migrate = MIGRATIONS.get(version);
    if (migrate === undefined) throw journalError('JOURNAL_FOREIGN', `version ${version}`);
    await migrate(store);
    version++;
    epoch = unpackMeta((await store.get(keyOf(KEY.meta))) ?? octets).epoch;
  }
  if (version > JOURNAL_VERSION)
    throw journalError('JOURNAL_NEWER', `version ${version}, known up to ${JOURNAL_VERSION}`);
  return epoch;
}

async function newEpoch(store: KeyValueStore, random: Random): Promise<string> {
  for await (const [key] of store.scan({ limit: 1 })) {
    // LevelDB leaves out what is damaged in its log: the rest of a journal of ours is damage, not another kind of store.
    if (await hasHead(store)) throw journalError('JOURNAL_CORRUPT', 'format and epoch are gone');
    throw journalError('JOURNAL_FOREIGN', `key ${toHex(key)}`);
  }
  const epoch = toHex(random.bytes(EPOCH_OCTETS));
  await store.batch([putSealed(keyOf(KEY.meta), packMeta(epoch))], { sync: true });
  return epoch;
}

/** Whether something in the store carries our seal: the head of a lane, which every journal in use has. */
async function hasHead(store: KeyValueStore): Promise<boolean> {
  for (const lane of LANE_ORDER) {
    const head = await getSealed(store, laneKey(KEY.head, lane)).catch((error: unknown) => {
      if (!hasCode(error, 'JOURNAL_CORRUPT')) throw error;
    });
    if (head !== undefined) return true;
  }
  return false;
}

/** Throws JOURNAL_CORRUPT unless the store is still that of the epoch. */
export async function checkEpoch(store: KeyValueStore, epoch: string): Promise<void> {
  const octets = await store.get(keyOf(KEY.meta));
  if (octets === undefined || unpackMeta(octets).epoch !== epoch)
    throw journalError('JOURNAL_CORRUPT', 'the store that was opened again is not the one that was written');
}

/** What reading a journal needs beside its store. */
export interface LoadContext {
  readonly epoch: string;
  readonly sha256: Sha256;
  /** UTC ms, for tombstones. */
  readonly nowMs: number;
}

/**
 * Reads the whole journal; blocks are looked at one by one, only the last keyframe group of a lane is decoded. Unreadable
 * blocks are replaced by tombstones in one synced batch with the intervals to be read again. Throws JOURNAL_CORRUPT when
 * something is damaged that nothing else can tell.
 */
export async function loadJournal(store: KeyValueStore, context: LoadContext): Promise<Loaded> {
  const { epoch, sha256 } = context;
  const groups = new Map<ValueClass, GroupBook>();
  const books = await loadBooks(store, sha256);
  for (const valueClass of ['billing', 'low-value'] as const) {
    const hash = await store.get(currentKey(valueClass));
    const known = hash === undefined ? undefined : books.get(toHex(unseal(currentKey(valueClass), hash)));
    if (known !== undefined) groups.set(valueClass, known);
    else if (hash !== undefined) throw journalError('JOURNAL_CORRUPT', `current dictionary of ${valueClass}`);
  }
  const rereads = new RereadList();
  for await (const [key, value] of scanOf(store, keyOf(KEY.reread))) rereads.load(key, value);
  for await (const [key, value] of scanOf(store, keyOf(KEY.kept))) unseal(key, value);
  const troubles: JournalTrouble[] = [];
  const lanes = new Map<Lane, LaneBook>();
  const dictionaryOf = (hash: string) => books.get(hash)?.groups;
  const lost: LoadedLane['lost'][number][] = [];
  for (const lane of LANE_ORDER) {
    const loaded = await loadLane(store, lane, context, dictionaryOf);
    lanes.set(lane, loaded.book);
    lost.push(...loaded.lost);
  }
  await storeLost(store, lost, rereads, dictionaryOf);
  for (const { tombstone } of lost) {
    const { lane, from, to, cause } = tombstone;
    troubles.push({ kind: 'lost-blocks', lane, from, to, cause });
  }
  return { epoch, lanes, groups, watermarks: await loadWatermarks(store, troubles), rereads, troubles };
}

function scanOf(store: KeyValueStore, prefix: Uint8Array) {
  return store.scan({ from: prefix, below: keyAfter(prefix) });
}

/** Tombstones go into the places of their blocks, together with what must be read again. */
async function storeLost(
  store: KeyValueStore,
  lost: LoadedLane['lost'],
  rereads: RereadList,
  dictionaryOf: DictionaryOf,
): Promise<void> {
  if (lost.length === 0) return;
  const writes: StoreWrite[] = [];
  const wanted: Reread[] = [];
  for (const { tombstone, octets } of lost) {
    const { lane, from, to, fromMs, toMs, dictionaryHash } = tombstone;
    const below = blockKey(lane, to);
    for await (const [key] of store.scan({ from: blockKey(lane, from), below })) writes.push({ kind: 'delete', key });
    writes.push({ kind: 'put', key: below, value: octets });
    wanted.push(...rereadsOf(dictionaryHash === null ? [] : (dictionaryOf(dictionaryHash) ?? []), fromMs, toMs));
  }
  const planned = rereads.plan(wanted);
  await store.batch([...writes, ...planned.writes], { sync: true });
  rereads.commit(planned.entries);
}

/** All dictionaries by hash; a damaged one makes blocks undecodable, so it counts as damage of the whole. */
async function loadBooks(store: KeyValueStore, sha256: Sha256): Promise<Map<string, GroupBook>> {
  const books = new Map<string, GroupBook>();
  for await (const [key, octets] of scanOf(store, keyOf(KEY.dictionary))) {
    const hash = toHex(key.subarray(1));
    books.set(hash, checkedBook(hash, octets, sha256));
  }
  return books;
}

function checkedBook(hash: string, octets: Uint8Array, sha256: Sha256): GroupBook {
  try {
    const book = openBook(octets, sha256);
    if (book.hash === hash) return book;
  } catch (error) {
    throw journalError('JOURNAL_CORRUPT', `dictionary ${hash}`, error);
  }
  throw journalError('JOURNAL_CORRUPT', `dictionary ${hash}`);
}

async function loadLane(
  store: KeyValueStore,
  lane: Lane,
  context: LoadContext,
  dictionaryOf: DictionaryOf,
): Promise<LoadedLane> {
  const headOctets = await getSealed(store, laneKey(KEY.head, lane));
  const ackedOctets = await getSealed(store, laneKey(KEY.acked, lane));
  const head = headOctets === undefined ? EMPTY_HEAD : unpackHead(headOctets, lane);
  const acked = ackedOctets === undefined ? 0 : unpackCount(ackedOctets, `acknowledged of lane ${lane}`);
  const loader = new LaneLoader(lane, context.epoch, context.sha256);
  for await (const [key, octets] of scanOf(store, laneKey(KEY.block, lane))) loader.add(sequenceOf(key), octets);
  return loader.finish(head, acked, context.nowMs, dictionaryOf);
}

function sequenceOf(key: Uint8Array): number {
  return Number.parseInt(toHex(key.subarray(2)), 16);
}

/** A line whose watermarks cannot be read has none: its meters are read from the start, which changes nothing that is equal. */
async function loadWatermarks(store: KeyValueStore, troubles: JournalTrouble[]): Promise<WatermarkTable> {
  const table = new WatermarkTable();
  for await (const [key, times] of scanOf(store, keyOf(KEY.marks))) {
    const line = new TextDecoder().decode(key.subarray(1));
    try {
      const names = await getSealed(store, keyOf(KEY.names, line));
      if (names === undefined) throw journalError('JOURNAL_CORRUPT', `names of line ${line}`);
      table.load(line, names, unseal(key, times));
    } catch (error) {
      if (!hasCode(error, 'JOURNAL_CORRUPT')) throw error;
      troubles.push({ kind: 'lost-watermarks', line });
    }
  }
  return table;
}

/** Turns what a store throws into JOURNAL_READ; errors of the journal itself pass. */
export async function reading<Value>(read: () => Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof DeltawattError && error.code.startsWith('JOURNAL_')) throw error;
    // What is damaged below the journal stays so until the store is set aside; a failing read may pass.
    throw journalError(hasCode(error, 'STORE_CORRUPT') ? 'JOURNAL_CORRUPT' : 'JOURNAL_READ', '', error);
  }
}

/** A dictionary that no held block and no book names any more. */
export function unusedDictionaries(loaded: Loaded, candidates: Iterable<string>): string[] {
  const used = new Set([...loaded.groups.values()].map((book) => book.hash));
  for (const { held } of loaded.lanes.values())
    for (const { dictionaryHash } of held) if (dictionaryHash !== null) used.add(dictionaryHash);
  return [...new Set(candidates)].filter((hash) => !used.has(hash) && fromHex(hash).length === EPOCH_OCTETS);
}
