/**
 * Keys and small values of the journal's store; docs/formats/journal.md has them with examples.
 *
 * The first octet is a letter, so that a dump reads well: `J` format and epoch, `b` block, `h` lane head, `a` acknowledged,
 * `d` dictionary, `c` current dictionary, `n` names of watermarks, `w` watermarks, `k` kept values, `r` to be read again.
 * Blocks and dictionaries carry their own checksum or hash; every other value is sealed: a CRC-32C over key and value
 * stands behind it, because the store below does not check what it reads.
 */
import { ByteReader, ByteWriter, concat, fromHex, toHex } from '../../base/bytes.ts';
import { crc32C } from '../../base/crc.ts';
import type { KeyValueStore, StoreWrite } from '../../base/env.ts';
import type { Lane } from '../../wire/lanes.ts';
import type { ValueClass } from '../ports.ts';
import { journalError } from './errors.ts';

/** Version of the journal's format that this program writes. */
export const JOURNAL_VERSION = 2;

/** Letters of keys. */
export const KEY = {
  meta: 'J',
  block: 'b',
  head: 'h',
  acked: 'a',
  dictionary: 'd',
  current: 'c',
  names: 'n',
  marks: 'w',
  kept: 'k',
  reread: 'r',
};

const text = new TextEncoder();

/** A letter and what follows it. */
export function keyOf(letter: string, rest: Uint8Array | string = ''): Uint8Array {
  return concat([text.encode(letter), typeof rest === 'string' ? text.encode(rest) : rest]);
}

/** The first key behind all keys of this prefix. */
export function keyAfter(prefix: Uint8Array): Uint8Array {
  return concat([prefix, new Uint8Array(KEY_TAIL_OCTETS).fill(0xff)]);
}

/** No key is longer than its prefix and this: so many octets FF sort behind every one of them. */
const KEY_TAIL_OCTETS = 16;

/** Key of a block: letter, lane (1 octet), sequence (8). */
export function blockKey(lane: Lane, sequence: number): Uint8Array {
  return new ByteWriter(10).u8(KEY.block.charCodeAt(0)).u8(lane).u64(BigInt(sequence)).finish();
}

/** Key of something that each lane has once. */
export function laneKey(letter: string, lane: Lane): Uint8Array {
  return keyOf(letter, Uint8Array.of(lane));
}

/** Key of a dictionary by its hash (16 hex digits). */
export function dictionaryKey(hash: string): Uint8Array {
  return keyOf(KEY.dictionary, fromHex(hash));
}

const CLASS_OCTET: Readonly<Record<ValueClass, number>> = { billing: 0, 'low-value': 1 };

/** Key of the hash of the current dictionary of a value class. */
export function currentKey(valueClass: ValueClass): Uint8Array {
  return keyOf(KEY.current, Uint8Array.of(CLASS_OCTET[valueClass]));
}

/** What a lane's next block needs to know. */
export interface LaneHead {
  /** Highest sequence given; 0 = none. */
  readonly last: number;
  /** Hash of block `last`; zeros while there is none. */
  readonly hash: Uint8Array;
  /** First sequence of the current keyframe group; 0 = none. */
  readonly keyframe: number;
  /** Fresh rows went to lane 3 since: lane 2's next block is a keyframe. */
  readonly paused: boolean;
}

/** The head of a lane without blocks. */
export const EMPTY_HEAD: LaneHead = { last: 0, hash: new Uint8Array(8), keyframe: 0, paused: false };

const VALUE_FORMAT = 1;
const SEAL_OCTETS = 4;

/** A value with the CRC-32C of key and value behind it. */
export function seal(key: Uint8Array, value: Uint8Array): Uint8Array {
  return new ByteWriter(value.length + SEAL_OCTETS)
    .bytes(value)
    .u32(crc32C(concat([key, value])))
    .finish();
}

/** The inverse of {@link seal}; JOURNAL_CORRUPT when value or key are not what was written. */
export function unseal(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  const value = sealed.subarray(0, Math.max(0, sealed.length - SEAL_OCTETS));
  const good =
    sealed.length >= SEAL_OCTETS &&
    new ByteReader(sealed.subarray(value.length)).u32() === crc32C(concat([key, value]));
  if (!good) throw journalError('JOURNAL_CORRUPT', `value of key ${toHex(key)}`);
  return value;
}

/** Reads a sealed value; undefined when there is none. Throws JOURNAL_CORRUPT. */
export async function getSealed(store: KeyValueStore, key: Uint8Array): Promise<Uint8Array | undefined> {
  const sealed = await store.get(key);
  return sealed === undefined ? undefined : unseal(key, sealed);
}

/** The write of a sealed value. */
export function putSealed(key: Uint8Array, value: Uint8Array): StoreWrite {
  return { kind: 'put', key, value: seal(key, value) };
}

/** Octets of a head: format, last, keyframe, flags, hash. */
export function packHead(head: LaneHead): Uint8Array {
  const writer = new ByteWriter(24).u8(VALUE_FORMAT).varint(head.last).varint(head.keyframe);
  return writer
    .u8(head.paused ? 1 : 0)
    .bytes(head.hash)
    .finish();
}

/** Reads a small value; anything odd is JOURNAL_CORRUPT. */
export function unpack<Value>(octets: Uint8Array, what: string, read: (reader: ByteReader) => Value): Value {
  try {
    const reader = new ByteReader(octets);
    const format = reader.u8();
    if (format !== VALUE_FORMAT) throw new RangeError(`format ${format}`);
    const value = read(reader);
    if (reader.remaining > 0) throw new RangeError(`${reader.remaining} octets too many`);
    return value;
  } catch (error) {
    throw journalError('JOURNAL_CORRUPT', what, error);
  }
}

/** The inverse of {@link packHead}. */
export function unpackHead(octets: Uint8Array, lane: Lane): LaneHead {
  return unpack(octets, `head of lane ${lane}`, (reader) => {
    const last = reader.varint();
    const keyframe = reader.varint();
    const paused = reader.u8() !== 0;
    return { last, keyframe, paused, hash: reader.slice(8).slice() };
  });
}

/** Octets of a counter. */
export function packCount(count: number): Uint8Array {
  return new ByteWriter(10).u8(VALUE_FORMAT).varint(count).finish();
}

/** The inverse of {@link packCount}. */
export function unpackCount(octets: Uint8Array, what: string): number {
  return unpack(octets, what, (reader) => reader.varint());
}

/** Octets of format version and epoch (16 hex digits). */
export function packMeta(epoch: string): Uint8Array {
  return new ByteWriter(10).u8(JOURNAL_VERSION).bytes(fromHex(epoch)).finish();
}

/** Format version and epoch; the version stands first in every version, and from version 2 on the value is sealed. */
export function unpackMeta(octets: Uint8Array): { version: number; epoch: string } {
  if (octets.length < 9) throw journalError('JOURNAL_CORRUPT', 'format and epoch');
  const reader = new ByteReader(octets);
  const version = reader.u8();
  if (version === JOURNAL_VERSION) unseal(keyOf(KEY.meta), octets);
  return { version, epoch: toHex(reader.slice(8)) };
}
