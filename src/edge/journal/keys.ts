/**
 * Keys and small values of the journal's store; docs/formats/journal.md has them with examples.
 *
 * The first octet is a letter, so that a dump reads well: `J` format and epoch, `b` block, `h` lane head, `a` acknowledged,
 * `d` dictionary, `c` current dictionary, `n` names of watermarks, `w` watermarks, `k` kept values.
 */
import { ByteReader, ByteWriter, concat, fromHex, toHex } from '../../base/bytes.ts';
import type { Lane } from '../../wire/lanes.ts';
import type { ValueClass } from '../ports.ts';
import { journalError } from './errors.ts';

/** Version of the journal's format that this program writes. */
export const JOURNAL_VERSION = 1;

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

/** Format version and epoch; the version stands first in every version. */
export function unpackMeta(octets: Uint8Array): { version: number; epoch: string } {
  const reader = new ByteReader(octets);
  if (octets.length < 9) throw journalError('JOURNAL_CORRUPT', 'format and epoch');
  return { version: reader.u8(), epoch: toHex(reader.slice(8)) };
}
