/** Opens a store as a journal: checks its version, makes a new one in an empty store, reads what is there. */
import { fromHex, toHex } from '../../base/bytes.ts';
import type { KeyValueStore, Random } from '../../base/env.ts';
import { DeltawattError } from '../../base/errors.ts';
import { LANE_ORDER, type Lane } from '../../wire/lanes.ts';
import type { Sha256 } from '../../wire/topics.ts';
import type { ValueClass } from '../ports.ts';
import { journalError } from './errors.ts';
import { type GroupBook, openBook } from './group-book.ts';
import {
  blockKey,
  currentKey,
  dictionaryKey,
  EMPTY_HEAD,
  JOURNAL_VERSION,
  KEY,
  keyAfter,
  keyOf,
  laneKey,
  packMeta,
  unpackCount,
  unpackHead,
  unpackMeta,
} from './keys.ts';
import { type LaneBook, LaneLoader } from './lane-book.ts';
import { WatermarkTable } from './watermarks.ts';

/** Everything that a journal keeps in memory. */
export interface Loaded {
  readonly epoch: string;
  readonly lanes: Map<Lane, LaneBook>;
  readonly groups: Map<ValueClass, GroupBook>;
  readonly watermarks: WatermarkTable;
}

const EPOCH_OCTETS = 8;

/**
 * Steps from an older version to the next, by the version they start from; none yet. A step reads and writes the store and
 * ends with a synced batch that holds the new version, so that a cut in between runs it again.
 */
const MIGRATIONS: ReadonlyMap<number, (store: KeyValueStore) => Promise<void>> = new Map();

/** Finds format and epoch, or makes them; throws JOURNAL_NEWER, JOURNAL_FOREIGN. */
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
  for await (const [key] of store.scan({ limit: 1 })) throw journalError('JOURNAL_FOREIGN', `key ${toHex(key)}`);
  const epoch = toHex(random.bytes(EPOCH_OCTETS));
  await store.batch([{ kind: 'put', key: keyOf(KEY.meta), value: packMeta(epoch) }], { sync: true });
  return epoch;
}

/** Reads the whole journal; blocks are looked at one by one, only the last keyframe group of a lane is decoded. */
export async function loadJournal(store: KeyValueStore, epoch: string, sha256: Sha256): Promise<Loaded> {
  const groups = new Map<ValueClass, GroupBook>();
  for (const valueClass of ['billing', 'low-value'] as const) {
    const hash = await store.get(currentKey(valueClass));
    if (hash === undefined) continue;
    groups.set(valueClass, await loadBook(store, toHex(hash), sha256));
  }
  const lanes = new Map<Lane, LaneBook>();
  for (const lane of LANE_ORDER) lanes.set(lane, await loadLane(store, lane, epoch, groups, sha256));
  return { epoch, lanes, groups, watermarks: await loadWatermarks(store) };
}

async function loadBook(store: KeyValueStore, hash: string, sha256: Sha256): Promise<GroupBook> {
  const octets = await store.get(dictionaryKey(hash));
  try {
    const book = octets === undefined ? undefined : openBook(octets, sha256);
    if (book?.hash === hash) return book;
  } catch (error) {
    throw journalError('JOURNAL_CORRUPT', `dictionary ${hash}`, error);
  }
  throw journalError('JOURNAL_CORRUPT', `dictionary ${hash}`);
}

async function loadLane(
  store: KeyValueStore,
  lane: Lane,
  epoch: string,
  groups: ReadonlyMap<ValueClass, GroupBook>,
  sha256: Sha256,
): Promise<LaneBook> {
  const headOctets = await store.get(laneKey(KEY.head, lane));
  const ackedOctets = await store.get(laneKey(KEY.acked, lane));
  const head = headOctets === undefined ? EMPTY_HEAD : unpackHead(headOctets, lane);
  const acked = ackedOctets === undefined ? 0 : unpackCount(ackedOctets, `acknowledged of lane ${lane}`);
  const loader = new LaneLoader(lane, epoch, sha256);
  let sequence = 0;
  const from = laneKey(KEY.block, lane);
  for await (const [key, octets] of store.scan({ from, below: keyAfter(from) })) {
    sequence = Number(sequence === 0 ? sequenceOf(key) : sequence + 1);
    if (toHex(key) !== toHex(blockKey(lane, sequence)))
      throw journalError('JOURNAL_CORRUPT', `lane ${lane}: block ${sequence} is missing`);
    loader.add(sequence, octets);
  }
  const books = [...groups.values()];
  return loader.finish(head, acked, (hash) => books.find((book) => book.hash === hash)?.groups);
}

function sequenceOf(key: Uint8Array): number {
  return Number.parseInt(toHex(key.subarray(2)), 16);
}

async function loadWatermarks(store: KeyValueStore): Promise<WatermarkTable> {
  const table = new WatermarkTable();
  const from = keyOf(KEY.marks);
  for await (const [key, times] of store.scan({ from, below: keyAfter(from) })) {
    const line = new TextDecoder().decode(key.subarray(1));
    const names = await store.get(keyOf(KEY.names, line));
    if (names === undefined) throw journalError('JOURNAL_CORRUPT', `names of line ${line}`);
    table.load(line, names, times);
  }
  return table;
}

/** Turns what a store throws into JOURNAL_READ; errors of the journal itself pass. */
export async function reading<Value>(read: () => Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof DeltawattError && error.code.startsWith('JOURNAL_')) throw error;
    throw journalError('JOURNAL_READ', '', error);
  }
}

/** A dictionary that no held block and no book names any more. */
export function unusedDictionaries(loaded: Loaded, candidates: Iterable<string>): string[] {
  const used = new Set([...loaded.groups.values()].map((book) => book.hash));
  for (const { held } of loaded.lanes.values())
    for (const { dictionaryHash } of held) if (dictionaryHash !== null) used.add(dictionaryHash);
  return [...new Set(candidates)].filter((hash) => !used.has(hash) && fromHex(hash).length === EPOCH_OCTETS);
}
