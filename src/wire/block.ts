/**
 * The block: what the edge appends to its journal, what travels, and what the collector appends to its own, unchanged.
 *
 * Header, body, CRC-32C. The header names epoch, lane, sequence and the hash of the block before, so a lane is a chain; it
 * names the sequence of its keyframe group's first block, at which decoding may start from nothing. Interval bodies are
 * coded against the state that the block before left (`lane-state`), record bodies need no other block.
 * docs/formats/block.md is the format; W-numbers below are its sentences.
 */
import { ByteReader, ByteWriter, fromHex, toHex } from '../base/bytes.ts';
import { crc32C } from '../base/crc.ts';
import { DeltawattError } from '../base/errors.ts';
import { BLOCK_HASH_OCTETS, CRC_OCTETS, readSigned, TIME_BASE_MS, writeSigned } from './block-fields.ts';
import { wireError } from './errors.ts';
import { decodeIntervalBody } from './interval-decode.ts';
import { encodeIntervalBody } from './interval-encode.ts';
import { emptyLaneState, type LaneState, laneStateCheck } from './lane-state.ts';
import { isSelfContained, LANES, type Lane } from './lanes.ts';
import { BLOCK_MAX_OCTETS, TIME_MAX_MS, URGENT_BLOCK_MAX_OCTETS } from './limits.ts';
import { decodeRecordBody, encodeRecordBody } from './record-body.ts';
import { type JournalRecord, recordTimeMs } from './records.ts';
import type { DictionaryGroup, Row } from './rows.ts';
import { inBodyOrder, unitOf } from './run.ts';
import { decodeTombstone, TOMBSTONE_FORMAT, type Tombstone } from './tombstone.ts';
import type { Sha256 } from './topics.ts';

/** Where the edge's clock stood. The wire number is the index; `unspecified` is what an older peer says. */
export const CLOCK_QUALITIES = ['unspecified', 'unset', 'rtc', 'network', 'ntp', 'collector'] as const;

/** One of {@link CLOCK_QUALITIES}. */
export type ClockQuality = (typeof CLOCK_QUALITIES)[number];

/** Format number of blocks as written here. */
export const BLOCK_FORMAT = 1;
/** The hash before block 1. */
export const NO_BLOCK_HASH: Uint8Array = new Uint8Array(BLOCK_HASH_OCTETS);

const FLAG_SECONDS = 0x10;
const FLAG_STATE_CHECK = 0x20;
const FLAGS_KNOWN = FLAG_SECONDS | FLAG_STATE_CHECK;

/** What a block says of itself. */
export interface BlockHeader {
  readonly lane: Lane;
  /** 16 hex digits. */
  readonly epoch: string;
  /** From 1. */
  readonly sequence: number;
  /** Sequence of the first block of its keyframe group; in lanes 0, 1 and 5 its own. */
  readonly keyframe: number;
  /** First 8 octets of SHA-256 of the block before; zeros in block 1. */
  readonly prevHash: Uint8Array;
  /** 16 hex digits; null in lanes 0, 1 and 5. */
  readonly dictionaryHash: string | null;
  /** Time of the first row or record, UTC ms. */
  readonly fromMs: number;
  /** Time of the last row or record, UTC ms. */
  readonly toMs: number;
  /** When the edge had read it, UTC ms of the edge's clock. */
  readonly readAtMs: number;
  readonly clockQuality: ClockQuality;
  /** Only in the first block of a keyframe group: CRC of the state that the group before left, null when there was none. */
  readonly stateCheck: number | null;
  /** Only in a tombstone: what it stands for. Its sequence is the last lost one, and it is its own keyframe. */
  readonly tombstone?: Tombstone;
}

/** What a block carries. */
export type BlockContent =
  | {
      readonly kind: 'rows';
      readonly dictionaryHash: string;
      readonly dictionary: readonly DictionaryGroup[];
      readonly rows: readonly Row[];
    }
  | { readonly kind: 'records'; readonly records: readonly JournalRecord[] };

/** All that a block is made of; what follows from the content (times, dictionary hash, state check) is not repeated. */
export interface BlockInput
  extends Pick<BlockHeader, 'lane' | 'epoch' | 'sequence' | 'keyframe' | 'prevHash' | 'readAtMs' | 'clockQuality'> {
  readonly content: BlockContent;
}

/** A block taken apart. */
export interface DecodedBlock {
  readonly header: BlockHeader;
  /** Rows in body order, each at its index; empty in lanes 0, 1 and 5. */
  readonly rows: readonly Row[];
  /** Records; empty in interval lanes. */
  readonly records: readonly JournalRecord[];
  /** What the lane's next block is coded against. */
  readonly state: LaneState;
  /** The state handed in is not the one that the writer had: a reader must raise an alarm (W-31). */
  readonly stateDiffers: boolean;
}

/** Most octets of a block of this lane. */
export function blockMaxOctets(lane: Lane): number {
  return lane === LANES.alarms || lane === LANES.results ? URGENT_BLOCK_MAX_OCTETS : BLOCK_MAX_OCTETS;
}

/** The hash of a block in its lane's chain: first octets of SHA-256, and for a tombstone the hash of the last lost block. */
export function blockHash(octets: Uint8Array, sha256: Sha256): Uint8Array {
  if (isTombstone(octets)) return decodeTombstone(octets).headHash;
  return sha256(octets).slice(0, BLOCK_HASH_OCTETS);
}

function writeHeader(writer: ByteWriter, header: BlockHeader, unitMs: number): void {
  const flags = (unitMs === 1000 ? FLAG_SECONDS : 0) | (header.stateCheck === null ? 0 : FLAG_STATE_CHECK);
  writer
    .u8(BLOCK_FORMAT)
    .u8(header.lane | flags)
    .u8(CLOCK_QUALITIES.indexOf(header.clockQuality));
  writer.bytes(fromHex(header.epoch)).varint(header.sequence).bytes(header.prevHash);
  if (header.dictionaryHash !== null)
    writer.bytes(fromHex(header.dictionaryHash)).varint(header.sequence - header.keyframe);
  if (header.stateCheck !== null) writer.u32(header.stateCheck);
  writeSigned(writer, header.readAtMs - TIME_BASE_MS);
  writeSigned(writer, Math.floor(header.readAtMs / unitMs) - header.fromMs / unitMs);
  writer.varint((header.toMs - header.fromMs) / unitMs);
}

function checkInput(header: BlockHeader): void {
  const times = [header.fromMs, header.toMs, header.readAtMs];
  const good =
    Number.isSafeInteger(header.sequence) &&
    header.sequence >= 1 &&
    header.keyframe >= 1 &&
    header.keyframe <= header.sequence &&
    header.prevHash.length === BLOCK_HASH_OCTETS &&
    header.epoch.length === 2 * BLOCK_HASH_OCTETS &&
    times.every((time) => Number.isSafeInteger(time) && Math.abs(time) <= TIME_MAX_MS);
  if (!good) throw wireError('BLOCK_INPUT', `header of lane ${header.lane}, sequence ${header.sequence}`);
}

function seal(header: BlockHeader, unitMs: number, body: Uint8Array): Uint8Array {
  checkInput(header);
  const writer = new ByteWriter(64 + body.length);
  writeHeader(writer, header, unitMs);
  writer.bytes(body);
  return writer.u32(crc32C(writer.written())).finish();
}

/**
 * Makes a block. The state must be the one that block `sequence - 1` of the lane left; a block whose keyframe is itself
 * starts from nothing and only notes a check of that state. Rows may come in any order. The block may be longer than its
 * lane allows: `packRows` and `packRecords` see to that. Throws BLOCK_INPUT, BLOCK_DICTIONARY, BLOCK_STATE.
 */
export function encodeBlock(input: BlockInput, state: LaneState): { octets: Uint8Array; state: LaneState } {
  const { content, ...rest } = input;
  if (isSelfContained(input.lane) !== (content.kind === 'records'))
    throw wireError('BLOCK_INPUT', `${content.kind} in lane ${input.lane}`);
  if (content.kind === 'records') {
    const times = content.records.map(recordTimeMs);
    const [fromMs, toMs] = spanOf(times);
    const header: BlockHeader = { ...rest, fromMs, toMs, dictionaryHash: null, stateCheck: null };
    return { octets: seal(header, 1, encodeRecordBody(content.records)), state };
  }
  return encodeIntervalBlock(rest, content, state);
}

function encodeIntervalBlock(
  rest: Omit<BlockInput, 'content'>,
  content: BlockContent & { kind: 'rows' },
  state: LaneState,
): { octets: Uint8Array; state: LaneState } {
  const isKeyframe = rest.keyframe === rest.sequence;
  if (!isKeyframe && (state.sequence !== rest.sequence - 1 || state.keyframe !== rest.keyframe))
    throw wireError('BLOCK_STATE', `state of ${state.sequence} for block ${rest.sequence}`);
  const groups = isKeyframe ? emptyLaneState().groups : state.groups;
  const rows = inBodyOrder(content.rows);
  const [fromMs, toMs] = spanOf(rows.map((row) => row.atMs));
  const unitMs = unitOf(rows, groups);
  const body = encodeIntervalBody(rows, groups, { dictionary: content.dictionary, fromMs, unitMs });
  const knowsBefore = isKeyframe && state.sequence > 0 && state.sequence === rest.sequence - 1;
  const stateCheck = knowsBefore ? laneStateCheck(state) : null;
  const header: BlockHeader = { ...rest, fromMs, toMs, dictionaryHash: content.dictionaryHash, stateCheck };
  const next = { sequence: rest.sequence, keyframe: rest.keyframe, groups: body.groups };
  return { octets: seal(header, unitMs, body.octets), state: next };
}

function spanOf(times: readonly number[]): [fromMs: number, toMs: number] {
  const [first] = times;
  if (first === undefined) throw wireError('BLOCK_INPUT', 'nothing to put into a block');
  let [from, to] = [first, first];
  for (const time of times) {
    from = Math.min(from, time);
    to = Math.max(to, time);
  }
  return [from, to];
}

/** Reads header and body apart; the octets have passed the CRC. */
function open(octets: Uint8Array): { header: BlockHeader; unitMs: number; body: Uint8Array } {
  const reader = new ByteReader(octets.subarray(0, octets.length - CRC_OCTETS));
  reader.skip(1);
  const laneAndFlags = reader.u8();
  const lane = laneAndFlags & 0x0f;
  const flags = laneAndFlags & 0xf0;
  const clockQuality = CLOCK_QUALITIES[reader.u8()];
  if (lane > LANES.logs || (flags & ~FLAGS_KNOWN) !== 0 || clockQuality === undefined)
    throw wireError('BLOCK_MALFORMED', `lane and flags ${laneAndFlags}`);
  const knownLane = lane as Lane;
  const unitMs = (flags & FLAG_SECONDS) === 0 ? 1 : 1000;
  const epoch = toHex(reader.slice(8));
  const sequence = reader.varint();
  const prevHash = reader.slice(BLOCK_HASH_OCTETS).slice();
  const selfContained = isSelfContained(knownLane);
  const dictionaryHash = selfContained ? null : toHex(reader.slice(8));
  const keyframe = sequence - (selfContained ? 0 : reader.varint());
  const hasCheck = (flags & FLAG_STATE_CHECK) !== 0;
  const stateCheck = hasCheck ? reader.u32() : null;
  const readAtMs = readSigned(reader) + TIME_BASE_MS;
  const fromMs = (Math.floor(readAtMs / unitMs) - readSigned(reader)) * unitMs;
  const toMs = fromMs + reader.varint() * unitMs;
  const goodTimes = [readAtMs, fromMs, toMs].every((time) => Math.abs(time) <= TIME_MAX_MS);
  if (sequence < 1 || keyframe < 1 || !goodTimes || (hasCheck && keyframe !== sequence))
    throw wireError('BLOCK_MALFORMED', `header of lane ${lane}, sequence ${sequence}`);
  const header: BlockHeader = {
    lane: knownLane,
    epoch,
    sequence,
    keyframe,
    prevHash,
    dictionaryHash,
    fromMs,
    toMs,
    readAtMs,
    clockQuality,
    stateCheck,
  };
  return { header, unitMs, body: reader.rest() };
}

/** Turns what parsers below throw into BLOCK_MALFORMED; errors of other meaning pass. */
function asBlockError(error: unknown): unknown {
  if (error instanceof DeltawattError) {
    return error.code === 'WIRE_MALFORMED' ? wireError('BLOCK_MALFORMED', error.detail, error) : error;
  }
  if (error instanceof RangeError || (error instanceof Error && error.name === 'TruncatedError'))
    return wireError('BLOCK_MALFORMED', error.message, error);
  return error;
}

function checkOctets(octets: Uint8Array): void {
  if (octets.length > BLOCK_MAX_OCTETS) throw wireError('WIRE_TOO_LONG', `a block of ${octets.length} octets`);
  const format = new ByteReader(octets).peek();
  if (octets.length <= CRC_OCTETS) throw wireError('BLOCK_CRC', `a block of ${octets.length} octets`);
  if (format !== BLOCK_FORMAT && format !== TOMBSTONE_FORMAT) throw wireError('BLOCK_FORMAT', `format ${format}`);
  const body = octets.subarray(0, octets.length - CRC_OCTETS);
  if (crc32C(body) !== new ByteReader(octets.subarray(body.length)).u32())
    throw wireError('BLOCK_CRC', `${octets.length} octets`);
}

/** Whether these octets are a tombstone, by their format. */
function isTombstone(octets: Uint8Array): boolean {
  return octets.length > 0 && new ByteReader(octets).peek() === TOMBSTONE_FORMAT;
}

/** A tombstone as a header: the acceptance rules of blocks hold for it. */
function headerOfTombstone(octets: Uint8Array): BlockHeader {
  const tombstone = decodeTombstone(octets);
  const { lane, epoch, to, prevHash, dictionaryHash, fromMs, toMs, writtenAtMs } = tombstone;
  const place = { lane, epoch, sequence: to, keyframe: to, prevHash, dictionaryHash };
  return { ...place, fromMs, toMs, readAtMs: writtenAtMs, clockQuality: 'unspecified', stateCheck: null, tombstone };
}

/** The header of a block after a check of length, format and CRC; throws WIRE_TOO_LONG, BLOCK_FORMAT, BLOCK_CRC, BLOCK_MALFORMED. */
export function decodeHeader(octets: Uint8Array): BlockHeader {
  checkOctets(octets);
  try {
    return isTombstone(octets) ? headerOfTombstone(octets) : open(octets).header;
  } catch (error) {
    throw asBlockError(error);
  }
}

/**
 * Takes a block apart. `state` is what the lane's block before left (any state for a keyframe's first block, and for
 * records); `dictionary` the groups that the header's hash names (ignored for records). Throws what {@link decodeHeader}
 * throws, BLOCK_STATE when the block before was not decoded, BLOCK_DICTIONARY when the dictionary does not fit.
 */
export function decodeBlock(
  octets: Uint8Array,
  state: LaneState,
  dictionary: readonly DictionaryGroup[],
): DecodedBlock {
  checkOctets(octets);
  try {
    if (isTombstone(octets))
      return { header: headerOfTombstone(octets), rows: [], records: [], state: emptyLaneState(), stateDiffers: false };
    const { header, unitMs, body } = open(octets);
    if (header.dictionaryHash === null)
      return { header, rows: [], records: decodeRecordBody(body), state, stateDiffers: false };
    const isKeyframe = header.keyframe === header.sequence;
    if (!isKeyframe && (state.sequence !== header.sequence - 1 || state.keyframe !== header.keyframe))
      throw wireError('BLOCK_STATE', `state of ${state.sequence} for block ${header.sequence}`);
    const groups = isKeyframe ? emptyLaneState().groups : state.groups;
    const decoded = decodeIntervalBody(body, groups, { dictionary, fromMs: header.fromMs, unitMs });
    const [fromMs, toMs] = spanOf(decoded.rows.map((row) => row.atMs));
    if (fromMs !== header.fromMs || toMs !== header.toMs)
      throw wireError('BLOCK_MALFORMED', `rows of ${fromMs}..${toMs} in a block of ${header.fromMs}..${header.toMs}`);
    const comparable = header.stateCheck !== null && state.sequence > 0 && state.sequence === header.sequence - 1;
    const next = { sequence: header.sequence, keyframe: header.keyframe, groups: decoded.groups };
    const stateDiffers = comparable && laneStateCheck(state) !== header.stateCheck;
    return { header, rows: decoded.rows, records: [], state: next, stateDiffers };
  } catch (error) {
    throw asBlockError(error);
  }
}
