/**
 * Appends what a damaged store still holds to a fresh journal.
 *
 * Nothing of the store is believed that does not carry its own checksum or hash. Every block that decodes, from a keyframe
 * on, gives its rows or records; what the store's own acknowledgements say was delivered is left out where they can be read.
 */

import type { KeyValueStore } from '../../base/env.ts';
import { DeltawattError, hasCode } from '../../base/errors.ts';
import { type DecodedBlock, decodeBlock, decodeHeader } from '../../wire/block.ts';
import { decodeDictionary, dictionaryHash } from '../../wire/dictionary.ts';
import { emptyLaneState } from '../../wire/lane-state.ts';
import { LANE_ORDER, LANES, type Lane } from '../../wire/lanes.ts';
import type { DictionaryGroup } from '../../wire/rows.ts';
import type { Sha256 } from '../../wire/topics.ts';
import { entryWith } from '../entry.ts';
import { keptNumberOctets, keptNumberOf } from '../kept-number.ts';
import type { Entry, GroupRows, Journal } from '../ports.ts';
import { getSealed, KEY, keyAfter, keyOf, laneKey, unpackCount, unseal } from './keys.ts';

/** What was found. */
export interface Salvaged {
  /** Blocks that were appended anew. */
  readonly blocks: number;
  /** Unacknowledged blocks that could not be decoded. */
  readonly unreadable: number;
}

/**
 * Appends all that can be read; rejects with JOURNAL_WRITE when the journal takes no more. Kept values under `numbers` are
 * decimal numbers that must never go back: they are taken over where they are higher, marked as salvaged, for a damaged table
 * may have shown an older one in the place of the newest.
 */
export async function salvage(
  store: KeyValueStore,
  journal: Journal,
  sha256: Sha256,
  numbers: string | undefined,
): Promise<Salvaged> {
  if (numbers !== undefined) await takeNumbers(store, journal, numbers);
  const dictionaries = await readDictionaries(store, sha256);
  let [blocks, unreadable] = [0, 0];
  for (const lane of LANE_ORDER) {
    const acked = await ackedOf(store, lane);
    let state = emptyLaneState();
    const from = laneKey(KEY.block, lane);
    for await (const [, octets] of store.scan({ from, below: keyAfter(from) })) {
      try {
        const header = decodeHeader(octets);
        const dictionary = dictionaries.get(header.dictionaryHash ?? '') ?? [];
        const decoded = decodeBlock(octets, state, dictionary);
        state = decoded.state;
        if (header.sequence <= acked || header.tombstone !== undefined) continue;
        await journal.append(entryOf(lane, decoded, dictionary));
        blocks++;
      } catch (error) {
        if (!(error instanceof DeltawattError) || !/^(BLOCK|WIRE)_/.test(error.code)) throw error;
        state = emptyLaneState();
        unreadable++;
      }
    }
  }
  return { blocks, unreadable };
}

async function takeNumbers(store: KeyValueStore, journal: Journal, prefix: string): Promise<void> {
  const keep: Entry['keep'][number][] = [];
  const from = keyOf(KEY.kept, prefix);
  for await (const [octets, sealed] of store.scan({ from, below: keyAfter(from) })) {
    try {
      const value = unseal(octets, sealed);
      const key = new TextDecoder().decode(octets.subarray(1));
      const known = await journal.kept(key);
      const found = keptNumberOf(value).value;
      if (known === undefined || keptNumberOf(known).value < found)
        keep.push({ key, value: keptNumberOctets({ value: found, isSalvaged: true }) });
    } catch (error) {
      if (!hasCode(error, 'JOURNAL_CORRUPT')) throw error;
    }
  }
  if (keep.length === 0) return;
  await journal.append(entryWith(0, { keep }));
}

async function ackedOf(store: KeyValueStore, lane: Lane): Promise<number> {
  try {
    const octets = await getSealed(store, laneKey(KEY.acked, lane));
    return octets === undefined ? 0 : unpackCount(octets, `acknowledged of lane ${lane}`);
  } catch {
    return 0;
  }
}

async function readDictionaries(
  store: KeyValueStore,
  sha256: Sha256,
): Promise<Map<string, readonly DictionaryGroup[]>> {
  const found = new Map<string, readonly DictionaryGroup[]>();
  const from = keyOf(KEY.dictionary);
  for await (const [, octets] of store.scan({ from, below: keyAfter(from) })) {
    try {
      // Found under the hash of what it is, whatever its key says.
      found.set(dictionaryHash(octets, sha256), decodeDictionary(octets));
    } catch (error) {
      if (!(error instanceof DeltawattError)) throw error;
    }
  }
  return found;
}

function entryOf(lane: Lane, decoded: DecodedBlock, dictionary: readonly DictionaryGroup[]): Entry {
  const valueClass = lane === LANES.lowValue ? 'low-value' : 'billing';
  const groups = new Map<number, GroupRows & { rows: GroupRows['rows'][number][] }>();
  for (const { group: number, ...row } of decoded.rows) {
    const group = dictionary[number];
    if (group === undefined) continue;
    const known = groups.get(number) ?? { group, valueClass, rows: [] };
    known.rows.push(row);
    groups.set(number, known);
  }
  const { records, header } = decoded;
  return { line: '', groups: [...groups.values()], records, watermarks: [], keep: [], readAtMs: header.readAtMs };
}
