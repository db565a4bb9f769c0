/**
 * Dictionaries: what the numbers of interval blocks mean. A block names its dictionary by hash, so the two can never be
 * confused; the encoding is canonical (protobuf fields in ascending order, defaults left out), one dictionary has one hash.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { concat, toHex } from '../base/bytes.ts';
import { parseMeterId } from '../model/ids.ts';
import { SOURCES } from '../model/reading.ts';
import { wireError } from './errors.ts';
import { DictionarySchema } from './gen/deltawatt_pb.ts';
import { DICTIONARY_MAX_GROUPS, DICTIONARY_MAX_OCTETS, GROUP_MAX_COLUMNS } from './limits.ts';
import type { DictionaryGroup } from './rows.ts';
import type { Sha256 } from './topics.ts';

/** Octets of a dictionary's hash. */
export const DICTIONARY_HASH_OCTETS = 8;
/** Longest interval: ten years, in seconds. */
const INTERVAL_MAX_S = 315_360_000;
/** Powers of ten that DLMS scalers can express. */
const EXPONENT_MAX = 127;

/** The canonical octets of a dictionary; throws WIRE_VALUE when it exceeds a limit. */
export function encodeDictionary(groups: readonly DictionaryGroup[]): Uint8Array {
  if (groups.length > DICTIONARY_MAX_GROUPS) throw wireError('WIRE_VALUE', `${groups.length} groups`);
  const message = create(DictionarySchema, {
    groups: groups.map(({ columns, ...rest }) => ({
      ...rest,
      columns: columns.map(({ obis, exponent, unit }) => ({ obis, exponent, unit })),
    })),
  });
  const octets = toBinary(DictionarySchema, message);
  if (octets.length > DICTIONARY_MAX_OCTETS) throw wireError('WIRE_VALUE', `a dictionary of ${octets.length} octets`);
  return octets;
}

/**
 * The canonical octets of a dictionary with more groups behind those of `octets`: the same as encoding all of them, without
 * doing so, because a repeated field is one group after the other. Throws WIRE_VALUE when it exceeds a limit.
 */
export function extendDictionary(octets: Uint8Array, count: number, more: readonly DictionaryGroup[]): Uint8Array {
  if (count + more.length > DICTIONARY_MAX_GROUPS) throw wireError('WIRE_VALUE', `${count + more.length} groups`);
  const extended = concat([octets, encodeDictionary(more)]);
  if (extended.length > DICTIONARY_MAX_OCTETS)
    throw wireError('WIRE_VALUE', `a dictionary of ${extended.length} octets`);
  return extended;
}

/** What groups of one dictionary have in common is kept once: the meters of a site are of few kinds. */
class Alike {
  readonly #texts = new Map<string, string>();
  readonly #columns = new Map<string, DictionaryGroup['columns']>();

  text(text: string): string {
    const first = this.#texts.get(text);
    if (first !== undefined) return first;
    this.#texts.set(text, text);
    return text;
  }

  columns(columns: DictionaryGroup['columns']): DictionaryGroup['columns'] {
    // Not with plain separators, as in groupIdentity: what a stranger wrote may hold them.
    const identity = JSON.stringify(columns.map(({ obis, exponent, unit }) => [obis, exponent, unit]));
    const first = this.#columns.get(identity);
    if (first !== undefined) return first;
    const own = columns.map(({ obis, exponent, unit }) => ({ obis, exponent, unit }));
    this.#columns.set(identity, own);
    return own;
  }
}

function checkGroup(group: DictionaryGroup): void {
  const badColumn = group.columns.some(({ obis, exponent, unit }) => {
    return obis.length > 32 || unit.length > 32 || Math.abs(exponent) > EXPONENT_MAX;
  });
  const bad =
    parseMeterId(group.meterId) === null ||
    group.columns.length === 0 ||
    group.columns.length > GROUP_MAX_COLUMNS ||
    group.intervalS > INTERVAL_MAX_S ||
    SOURCES[group.source] === undefined ||
    group.timeZone.length > 64;
  if (bad || badColumn) throw wireError('WIRE_MALFORMED', `dictionary group of meter '${group.meterId.slice(0, 64)}'`);
}

/** The groups of a dictionary; throws WIRE_MALFORMED or WIRE_TOO_LONG. */
export function decodeDictionary(octets: Uint8Array): DictionaryGroup[] {
  if (octets.length > DICTIONARY_MAX_OCTETS)
    throw wireError('WIRE_TOO_LONG', `a dictionary of ${octets.length} octets`);
  let groups: DictionaryGroup[];
  try {
    const alike = new Alike();
    groups = fromBinary(DictionarySchema, octets).groups.map((group) => ({
      meterId: group.meterId,
      intervalS: group.intervalS,
      source: group.source,
      timeZone: alike.text(group.timeZone),
      columns: alike.columns(group.columns),
    }));
  } catch (error) {
    throw wireError('WIRE_MALFORMED', 'dictionary', error);
  }
  if (groups.length > DICTIONARY_MAX_GROUPS) throw wireError('WIRE_TOO_LONG', `${groups.length} groups`);
  for (const group of groups) checkGroup(group);
  return groups;
}

/** The hash by which blocks name a dictionary: first 8 octets of SHA-256 of its octets, 16 hex digits. */
export function dictionaryHash(octets: Uint8Array, sha256: Sha256): string {
  return toHex(sha256(octets).subarray(0, DICTIONARY_HASH_OCTETS));
}

/** Text that two groups share exactly when they are the same group: the key under which a journal numbers it. */
export function groupIdentity(group: DictionaryGroup): string {
  const columns = group.columns.map(({ obis, exponent, unit }) => `${obis} ${exponent} ${unit}`);
  return [group.meterId, group.intervalS, group.source, group.timeZone, ...columns].join('|');
}
