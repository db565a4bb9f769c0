/**
 * The tombstone: what stands in a lane for blocks that the edge no longer has.
 *
 * It has the sequence of the last block for which it stands and travels as a block does. It names the hash before the first
 * lost block and the hash of the last one, so the chain goes on behind it as if nothing were missing: its own hash in the
 * chain is the one that it names. docs/formats/block.md, W-32 to W-36.
 */
import { ByteReader, ByteWriter, fromHex, toHex } from '../base/bytes.ts';
import { crc32C } from '../base/crc.ts';
import { BLOCK_HASH_OCTETS, CRC_OCTETS, readSigned, TIME_BASE_MS, writeSigned } from './block-fields.ts';
import { wireError } from './errors.ts';
import { isSelfContained, LANES, type Lane } from './lanes.ts';
import { DICTIONARY_MAX_GROUPS, TIME_MAX_MS } from './limits.ts';

/** Format number of tombstones. */
export const TOMBSTONE_FORMAT = 2;

/** Why blocks are gone. The wire number is the index: append only. */
export const TOMBSTONE_CAUSES = ['unspecified', 'quota', 'age', 'disk-full', 'unreadable'] as const;

/** One of {@link TOMBSTONE_CAUSES}. */
export type TombstoneCause = (typeof TOMBSTONE_CAUSES)[number];

/** Blocks that are gone. */
export interface Tombstone {
  readonly lane: Lane;
  /** 16 hex digits. */
  readonly epoch: string;
  /** First lost sequence. */
  readonly from: number;
  /** Last lost sequence. */
  readonly to: number;
  /** Hash of block `from - 1`; zeros when `from` is 1. */
  readonly prevHash: Uint8Array;
  /** Hash of block `to`, which block `to + 1` names. */
  readonly headHash: Uint8Array;
  readonly cause: TombstoneCause;
  /** When it was written, UTC ms of the edge's clock. */
  readonly writtenAtMs: number;
  /** Times of the lost rows or records lie within these, UTC ms. */
  readonly fromMs: number;
  readonly toMs: number;
  /** 16 hex digits; null in lanes 0, 1 and 5. */
  readonly dictionaryHash: string | null;
  /** Numbers of the groups that may have lost rows, ascending; empty in lanes 0, 1 and 5. */
  readonly groups: readonly number[];
}

function isWellFormed(tombstone: Tombstone): boolean {
  const { from, to, fromMs, toMs, writtenAtMs, groups } = tombstone;
  return (
    Number.isSafeInteger(to) &&
    from >= 1 &&
    from <= to &&
    tombstone.prevHash.length === BLOCK_HASH_OCTETS &&
    tombstone.headHash.length === BLOCK_HASH_OCTETS &&
    fromMs <= toMs &&
    [fromMs, toMs, writtenAtMs].every((time) => Number.isSafeInteger(time) && Math.abs(time) <= TIME_MAX_MS) &&
    groups.every((group, at) => group > (groups[at - 1] ?? -1) && group < DICTIONARY_MAX_GROUPS) &&
    (tombstone.dictionaryHash === null) === isSelfContained(tombstone.lane) &&
    (tombstone.dictionaryHash !== null || groups.length === 0)
  );
}

/** The octets of a tombstone; throws BLOCK_INPUT. */
export function encodeTombstone(tombstone: Tombstone): Uint8Array {
  if (!isWellFormed(tombstone)) throw wireError('BLOCK_INPUT', `tombstone of lane ${tombstone.lane}`);
  const { lane, epoch, from, to, prevHash, headHash, cause, writtenAtMs, fromMs, toMs } = tombstone;
  const writer = new ByteWriter(96).u8(TOMBSTONE_FORMAT).u8(lane).u8(TOMBSTONE_CAUSES.indexOf(cause));
  writer.bytes(fromHex(epoch)).varint(to).bytes(prevHash);
  writer.varint(to - from).bytes(headHash);
  writeSigned(writer, writtenAtMs - TIME_BASE_MS);
  writeSigned(writer, writtenAtMs - fromMs);
  writer.varint(toMs - fromMs);
  if (tombstone.dictionaryHash !== null) writer.bytes(fromHex(tombstone.dictionaryHash)).bytes(packGroups(tombstone));
  return writer.u32(crc32C(writer.written())).finish();
}

/** One bit a group, the first group in the highest bit of the first octet. */
function packGroups({ groups }: Tombstone): Uint8Array {
  const count = (groups.at(-1) ?? -1) + 1;
  const members = new Set(groups);
  const writer = new ByteWriter(8 + count / 8).varint(count);
  for (let first = 0; first < count; first += 8) {
    let octet = 0;
    for (let bit = 0; bit < 8; bit++) if (members.has(first + bit)) octet |= 0x80 >> bit;
    writer.u8(octet);
  }
  return writer.finish();
}

function unpackGroups(reader: ByteReader): number[] {
  const count = reader.varint();
  if (count > DICTIONARY_MAX_GROUPS) throw wireError('BLOCK_MALFORMED', `${count} groups`);
  const groups: number[] = [];
  for (let first = 0; first < count; first += 8) {
    const octet = reader.u8();
    for (let bit = 0; bit < 8; bit++) if ((octet & (0x80 >> bit)) !== 0) groups.push(first + bit);
  }
  return groups;
}

/** Reads a tombstone whose CRC was right; throws BLOCK_MALFORMED, or the truncation error of the reader. */
export function decodeTombstone(octets: Uint8Array): Tombstone {
  const reader = new ByteReader(octets.subarray(0, octets.length - CRC_OCTETS));
  reader.skip(1);
  const lane = reader.u8();
  const cause = TOMBSTONE_CAUSES[reader.u8()] ?? 'unspecified';
  if (lane > LANES.logs) throw wireError('BLOCK_MALFORMED', `lane ${lane}`);
  const knownLane = lane as Lane;
  const epoch = toHex(reader.slice(8));
  const to = reader.varint();
  const prevHash = reader.slice(BLOCK_HASH_OCTETS).slice();
  const from = to - reader.varint();
  const headHash = reader.slice(BLOCK_HASH_OCTETS).slice();
  const writtenAtMs = readSigned(reader) + TIME_BASE_MS;
  const fromMs = writtenAtMs - readSigned(reader);
  const toMs = fromMs + reader.varint();
  const dictionaryHash = isSelfContained(knownLane) ? null : toHex(reader.slice(8));
  const groups = dictionaryHash === null ? [] : unpackGroups(reader);
  const tombstone: Tombstone = {
    lane: knownLane,
    epoch,
    from,
    to,
    prevHash,
    headHash,
    cause,
    writtenAtMs,
    fromMs,
    toMs,
    dictionaryHash,
    groups,
  };
  if (!isWellFormed(tombstone) || reader.remaining > 0)
    throw wireError('BLOCK_MALFORMED', `tombstone of lane ${lane}, sequence ${to}`);
  return tombstone;
}
