/**
 * What one block of an interval lane leaves to the next: per group the last time, marks and, per column, the last value,
 * the last difference and how well each order of prediction did lately.
 *
 * States are values: coding a block makes a new one and shares what did not change, so a failed append needs no undo.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { crc32C } from '../base/crc.ts';
import type { ExactInteger } from '../model/number.ts';
import { exact } from '../model/number.ts';
import { QUALITIES, type Quality } from '../model/reading.ts';
import { wireError } from './errors.ts';
import { DICTIONARY_MAX_GROUPS, GROUP_MAX_COLUMNS, STATUS_MAX_OCTETS } from './limits.ts';

/** Status, quality and deviation of a row: they rarely change. */
export interface Marks {
  readonly status: Uint8Array;
  readonly quality: Quality;
  /** COSEM deviation in minutes, or null. */
  readonly deviationMin: number | null;
}

/** Marks of a group that had no row since the keyframe. */
export const PLAIN_MARKS: Marks = { status: new Uint8Array(0), quality: 'good', deviationMin: null };

/** A column after at least one value. */
export interface ColumnState {
  value: ExactInteger;
  /** Last difference, null while only one value is known. */
  delta: ExactInteger | null;
  /** Running mean of the zigzag residual of order 1, in sixteenths; 0 while `delta` is null. */
  mean1: number;
  /** The same of order 2. */
  mean2: number;
}

/** A group after at least one row. */
export interface GroupState {
  readonly atMs: number;
  /** Step to the row before, ms; the interval length for groups that have one. */
  readonly stepMs: number;
  readonly marks: Marks;
  /** One per column; null = no value since the keyframe. */
  readonly columns: readonly (ColumnState | null)[];
}

/** State of a lane after block `sequence`. */
export interface LaneState {
  /** 0 = nothing was coded yet. */
  readonly sequence: number;
  /** Sequence of the first block of the keyframe group that `sequence` belongs to. */
  readonly keyframe: number;
  /** By index in the dictionary. */
  readonly groups: ReadonlyMap<number, GroupState>;
}

/** The state before any block, and before each keyframe. */
export function emptyLaneState(): LaneState {
  return { sequence: 0, keyframe: 0, groups: new Map() };
}

const STATE_FORMAT = 1;

function writeExact(writer: ByteWriter, value: ExactInteger): void {
  const wide = BigInt(value);
  let zigzag = wide < 0n ? -2n * wide - 1n : 2n * wide;
  while (zigzag >= 0x80n) {
    writer.u8(Number(zigzag & 0x7fn) | 0x80);
    zigzag >>= 7n;
  }
  writer.u8(Number(zigzag));
}

const EXACT_MAX_OCTETS = 10;

function readExact(reader: ByteReader): ExactInteger {
  let zigzag = 0n;
  for (let octets = 0; octets < EXACT_MAX_OCTETS; octets++) {
    const octet = reader.u8();
    zigzag |= BigInt(octet & 0x7f) << BigInt(7 * octets);
    if (octet < 0x80) return exact((zigzag & 1n) === 1n ? -(zigzag >> 1n) - 1n : zigzag >> 1n);
  }
  throw wireError('BLOCK_STATE', 'a number of a stored lane state is too long');
}

function writeColumn(writer: ByteWriter, column: ColumnState | null): void {
  writer.u8(column === null ? 0 : column.delta === null ? 1 : 2);
  if (column === null) return;
  writeExact(writer, column.value);
  if (column.delta === null) return;
  writeExact(writer, column.delta);
  writer.varint(column.mean1).varint(column.mean2);
}

function readColumn(reader: ByteReader): ColumnState | null {
  const known = reader.u8();
  if (known === 0) return null;
  if (known > 2) throw wireError('BLOCK_STATE', 'a column of a stored lane state is malformed');
  const value = readExact(reader);
  if (known === 1) return { value, delta: null, mean1: 0, mean2: 0 };
  return { value, delta: readExact(reader), mean1: reader.varint(), mean2: reader.varint() };
}

/** The state as octets, groups in ascending order: one text for one state, so that its CRC compares two. */
export function serializeLaneState(state: LaneState): Uint8Array {
  const writer = new ByteWriter(4096);
  writer.u8(STATE_FORMAT).varint(state.sequence).varint(state.keyframe).varint(state.groups.size);
  for (const index of [...state.groups.keys()].sort((a, b) => a - b)) {
    const group = state.groups.get(index);
    if (group === undefined) continue;
    const { status, quality, deviationMin } = group.marks;
    writer.varint(index);
    writeExact(writer, group.atMs);
    writeExact(writer, group.stepMs);
    writer.u8(status.length).bytes(status).u8(QUALITIES.indexOf(quality));
    writer.u8(deviationMin === null ? 0 : 1).i16(deviationMin ?? 0);
    writer.varint(group.columns.length);
    for (const column of group.columns) writeColumn(writer, column);
  }
  return writer.finish();
}

function readGroup(reader: ByteReader): GroupState {
  const atMs = Number(readExact(reader));
  const stepMs = Number(readExact(reader));
  const statusOctets = reader.u8();
  if (statusOctets > STATUS_MAX_OCTETS) throw wireError('BLOCK_STATE', 'a status of a stored lane state is too long');
  const status = reader.slice(statusOctets).slice();
  const quality = QUALITIES[reader.u8()];
  if (quality === undefined) throw wireError('BLOCK_STATE', 'a quality of a stored lane state is unknown');
  const hasDeviation = reader.u8() !== 0;
  const deviation = reader.i16();
  const columnCount = reader.varint();
  if (columnCount > GROUP_MAX_COLUMNS) throw wireError('BLOCK_STATE', 'a stored lane state has too many columns');
  const columns = Array.from({ length: columnCount }, () => readColumn(reader));
  return { atMs, stepMs, marks: { status, quality, deviationMin: hasDeviation ? deviation : null }, columns };
}

/** The state of octets that {@link serializeLaneState} made; throws BLOCK_STATE. */
export function parseLaneState(octets: Uint8Array): LaneState {
  const reader = new ByteReader(octets);
  try {
    const format = reader.u8();
    if (format !== STATE_FORMAT) throw wireError('BLOCK_STATE', `stored lane state of format ${format}`);
    const sequence = reader.varint();
    const keyframe = reader.varint();
    const count = reader.varint();
    if (count > DICTIONARY_MAX_GROUPS) throw wireError('BLOCK_STATE', 'a stored lane state has too many groups');
    const groups = new Map<number, GroupState>();
    for (let at = 0; at < count; at++) groups.set(reader.varint(), readGroup(reader));
    if (reader.remaining > 0) throw wireError('BLOCK_STATE', `${reader.remaining} octets behind a stored lane state`);
    return { sequence, keyframe, groups };
  } catch (error) {
    if (error instanceof RangeError || (error instanceof Error && error.name === 'TruncatedError'))
      throw wireError('BLOCK_STATE', 'a stored lane state is cut or malformed', error);
    throw error;
  }
}

/** CRC-32C of the serialized state: a keyframe carries it, so that a reader notices a chain that went astray. */
export function laneStateCheck(state: LaneState): number {
  return crc32C(serializeLaneState(state));
}
