/** The current dictionary of a value class: which groups have a number, and under which hash blocks name it. */
import {
  decodeDictionary,
  dictionaryHash,
  encodeDictionary,
  extendDictionary,
  groupIdentity,
} from '../../wire/dictionary.ts';
import { DICTIONARY_MAX_GROUPS, DICTIONARY_MAX_OCTETS } from '../../wire/limits.ts';
import type { DictionaryGroup } from '../../wire/rows.ts';
import type { Sha256 } from '../../wire/topics.ts';

/** A dictionary with its octets, hash and the number of each group. */
export interface GroupBook {
  /** 16 hex digits. */
  readonly hash: string;
  readonly octets: Uint8Array;
  readonly groups: readonly DictionaryGroup[];
  /** Number of a group by its identity. */
  readonly numbers: ReadonlyMap<string, number>;
}

function bookOf(groups: readonly DictionaryGroup[], sha256: Sha256): GroupBook {
  const octets = encodeDictionary(groups);
  const numbers = new Map(groups.map((group, number) => [groupIdentity(group), number]));
  return { hash: dictionaryHash(octets, sha256), octets, groups, numbers };
}

/** The book of stored octets; throws WIRE_MALFORMED. */
export function openBook(octets: Uint8Array, sha256: Sha256): GroupBook {
  return bookOf(decodeDictionary(octets), sha256);
}

/** The book with more groups behind its own; what is there is not encoded again. */
function extendedBook(book: GroupBook, missing: ReadonlyMap<string, DictionaryGroup>, sha256: Sha256): GroupBook {
  const octets = extendDictionary(book.octets, book.groups.length, [...missing.values()]);
  const numbers = new Map(book.numbers);
  for (const identity of missing.keys()) numbers.set(identity, numbers.size);
  return { hash: dictionaryHash(octets, sha256), octets, groups: [...book.groups, ...missing.values()], numbers };
}

/** Room for one more meter's groups below the limit of octets. */
const OCTETS_SPARE = 16 * 1024;

/**
 * A book that has all of `groups`: the one at hand when it does, otherwise a new one behind whose old groups the new ones
 * stand, or one with only the new groups when the old book is full.
 */
export function bookWith(book: GroupBook | null, groups: readonly DictionaryGroup[], sha256: Sha256): GroupBook {
  const known = book?.numbers ?? new Map<string, number>();
  const missing = new Map<string, DictionaryGroup>();
  for (const group of groups) {
    const identity = groupIdentity(group);
    if (!known.has(identity)) missing.set(identity, group);
  }
  if (book !== null && missing.size === 0) return book;
  const kept = book?.groups ?? [];
  const full =
    kept.length + missing.size > DICTIONARY_MAX_GROUPS ||
    (book?.octets.length ?? 0) > DICTIONARY_MAX_OCTETS - OCTETS_SPARE;
  if (book !== null && !full) return extendedBook(book, missing, sha256);
  const distinct = new Map(groups.map((group) => [groupIdentity(group), group]));
  return bookOf([...distinct.values()], sha256);
}
