/**
 * The ledger: every value that the simulated meters produced, written before any answer that could show it is sent. The
 * oracle joins it with the store at the end of a run, so it must be complete and small: 1,000 meters with two weeks of
 * quarter-hours are 6.7 million values.
 *
 * Plan: values are written by rows (one meter, one buffer, one interval end), as differences to the row before; a row of
 * five columns takes 8 to 12 octets. Many answers share one sync: whoever waits while a batch is on its way to the disk
 * goes with the next one.
 *
 * File: frames, each `44 57 4C 31` ("DWL1"), length u32 of the content, CRC-32C u32 of the content, content. Content: records,
 * each one octet of kind and varints (7 bits an octet, low ones first; signed values are zigzag):
 *
 *   0  session   forget all groups: written when a program opens the file
 *   1  group     number, length + UTF-8 of the meter's id, interval in s, count of columns, and for each column
 *                length + text of the OBIS code, exponent (zigzag), length + text of the unit
 *   2  row       number of the group, interval end in s minus that of the row before (zigzag), and for each column its value
 *                minus the one of the row before (zigzag; a difference of 2^51 or more: the varint 2^53 - 1, then 16 octets
 *                of two's complement)
 *
 * A reader stops believing a frame at a wrong checksum and looks for the next "DWL1": a frame torn by a power cut was never
 * followed by the answer that it would have allowed. Known weak point: the file grows for ever; a run has one ledger.
 */

import { ByteReader, ByteWriter, concat } from '../base/bytes.ts';
import { crc32C } from '../base/crc.ts';
import type { AppendFile } from '../base/env.ts';
import { addExact, type ExactInteger, subtractExact } from '../model/number.ts';
import { simError } from './errors.ts';
import { LEDGER_FRAME_MAX_OCTETS, LEDGER_PENDING_MAX_OCTETS } from './limits.ts';

const MAGIC = 0x4457_4c31;
const KIND = { session: 0, group: 1, row: 2 } as const;
const TEXT = new TextEncoder();

/** A column of a ledger row. */
export interface LedgerColumn {
  readonly obis: string;
  readonly exponent: number;
  readonly unit: string;
}

/** The rows of one buffer of one meter. */
export interface LedgerGroup {
  readonly meterId: string;
  readonly intervalS: number;
  readonly columns: readonly LedgerColumn[];
}

/** A value that was produced: the shape that the oracle takes. */
export interface LedgerEntry extends LedgerColumn {
  readonly meterId: string;
  readonly intervalS: number;
  /** Interval end, UTC ms. */
  readonly atMs: number;
  readonly value: ExactInteger;
}

interface OpenGroup {
  readonly group: LedgerGroup;
  readonly number: number;
  atS: number;
  values: ExactInteger[];
}

/** Writes a ledger. `note` is cheap and immediate; `flush` makes everything noted so far durable. */
export class Ledger {
  readonly #groups = new Map<LedgerGroup, OpenGroup>();
  #writer = newFrame();
  #full: Uint8Array[] = [];
  #pendingOctets = 0;
  #flushing: Promise<void> | null = null;
  /** A disk that failed once has lost rows: from then on nothing is durable. */
  #failure: { readonly error: unknown } | null = null;
  #rows = 0;
  #values = 0;

  /** `file` may hold earlier sessions. */
  constructor(private readonly file: AppendFile) {
    this.#writer.u8(KIND.session);
  }

  /** Rows and values noted since the start. */
  get noted(): { readonly rows: number; readonly values: number } {
    return { rows: this.#rows, values: this.#values };
  }

  /** Whether anything waits for {@link flush}. */
  get isDirty(): boolean {
    return this.#writer.length > 0 || this.#full.length > 0;
  }

  /** Notes the row of one interval; `atMs` is a whole second. The group is told apart by its object. */
  note(group: LedgerGroup, atMs: number, values: readonly ExactInteger[]): void {
    const open = this.#open(group);
    const atS = atMs / 1000;
    this.#writer.u8(KIND.row).varint(open.number);
    writeSigned(this.#writer, atS - open.atS);
    values.forEach((value, at) => {
      writeDelta(this.#writer, subtractExact(value, open.values[at] ?? 0));
    });
    open.atS = atS;
    open.values = [...values];
    this.#rows++;
    this.#values += values.length;
    if (this.#writer.length > LEDGER_FRAME_MAX_OCTETS / 2) this.#closeFrame();
  }

  /** Resolves when everything noted before the call is on the medium; rejects when the disk does. */
  async flush(): Promise<void> {
    while (this.#flushing !== null) await this.#flushing;
    this.#assertSound();
    if (!this.isDirty) return;
    this.#flushing = this.#write()
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#flushing = null;
      });
    await this.#flushing;
    this.#assertSound();
  }

  #assertSound(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Flushes and closes the file. */
  async close(): Promise<void> {
    await this.flush();
    await this.file.close();
  }

  #open(group: LedgerGroup): OpenGroup {
    const known = this.#groups.get(group);
    if (known !== undefined) return known;
    const open = { group, number: this.#groups.size, atS: 0, values: group.columns.map(() => 0) };
    this.#groups.set(group, open);
    const writer = this.#writer.u8(KIND.group).varint(open.number);
    writeText(writer, group.meterId);
    writer.varint(group.intervalS).varint(group.columns.length);
    for (const column of group.columns) {
      writeText(writer, column.obis);
      writeSigned(writer, column.exponent);
      writeText(writer, column.unit);
    }
    return open;
  }

  #closeFrame(): void {
    if (this.#writer.length === 0) return;
    const content = this.#writer.finish();
    this.#full.push(framed(content));
    this.#pendingOctets += content.length;
    this.#writer = newFrame();
    if (this.#pendingOctets > LEDGER_PENDING_MAX_OCTETS)
      throw simError('SIM_LEDGER', `${this.#pendingOctets} octets wait`);
  }

  async #write(): Promise<void> {
    this.#closeFrame();
    const frames = this.#full;
    this.#full = [];
    this.#pendingOctets = 0;
    await this.file.append(concat(frames), { sync: true });
  }
}

/** The rows of a ledger file in the order written. Torn frames are passed over; an unknown record throws `SIM_LEDGER`. */
export function* readLedgerRows(
  octets: Uint8Array,
): Generator<{ readonly group: LedgerGroup; readonly atMs: number; readonly values: readonly ExactInteger[] }> {
  const groups = new Map<number, OpenGroup>();
  for (const content of framesOf(octets)) {
    const reader = new ByteReader(content);
    while (reader.remaining > 0) {
      const kind = reader.u8();
      if (kind === KIND.session) groups.clear();
      else if (kind === KIND.group) readGroup(reader, groups);
      else if (kind === KIND.row) yield readRow(reader, groups);
      else throw simError('SIM_LEDGER', `record of kind ${kind}`);
    }
  }
}

/** Every value of a ledger file, one by one. */
export function* readLedger(octets: Uint8Array): Generator<LedgerEntry> {
  for (const { group, atMs, values } of readLedgerRows(octets)) {
    for (const [at, column] of group.columns.entries()) {
      const { meterId, intervalS } = group;
      yield { meterId, intervalS, ...column, atMs, value: values[at] ?? 0 };
    }
  }
}

function readGroup(reader: ByteReader, groups: Map<number, OpenGroup>): void {
  const number = reader.varint();
  const meterId = readText(reader);
  const intervalS = reader.varint();
  const count = reader.varint();
  const columns: LedgerColumn[] = [];
  for (let at = 0; at < count; at++) {
    const obis = readText(reader);
    const exponent = readSigned(reader);
    columns.push({ obis, exponent, unit: readText(reader) });
  }
  groups.set(number, { group: { meterId, intervalS, columns }, number, atS: 0, values: columns.map(() => 0) });
}

function readRow(
  reader: ByteReader,
  groups: ReadonlyMap<number, OpenGroup>,
): { readonly group: LedgerGroup; readonly atMs: number; readonly values: readonly ExactInteger[] } {
  const number = reader.varint();
  const open = groups.get(number);
  if (open === undefined) throw simError('SIM_LEDGER', `group ${number} was never named`);
  open.atS += readSigned(reader);
  open.values = open.values.map((value) => addExact(value, readDelta(reader)));
  return { group: open.group, atMs: open.atS * 1000, values: open.values };
}

function newFrame(): ByteWriter {
  return new ByteWriter(4096, LEDGER_FRAME_MAX_OCTETS);
}

function framed(content: Uint8Array): Uint8Array {
  const head = new ByteWriter(12).u32(MAGIC).u32(content.length).u32(crc32C(content)).finish();
  return concat([head, content]);
}

const HEAD_OCTETS = 12;

function* framesOf(octets: Uint8Array): Generator<Uint8Array> {
  let at = 0;
  while (at + HEAD_OCTETS <= octets.length) {
    const reader = new ByteReader(octets.subarray(at));
    const isFrame = reader.u32() === MAGIC;
    const length = reader.u32();
    const sum = reader.u32();
    const content = isFrame && length <= reader.remaining ? reader.slice(length) : null;
    if (content !== null && crc32C(content) === sum) {
      yield content;
      at += HEAD_OCTETS + length;
    } else at++;
  }
}

function writeText(writer: ByteWriter, text: string): void {
  const octets = TEXT.encode(text);
  writer.varint(octets.length).bytes(octets);
}

function readText(reader: ByteReader): string {
  return new TextDecoder().decode(reader.slice(reader.varint()));
}

/** Zigzag: 0, -1, 1, -2 become 0, 1, 2, 3. */
function writeSigned(writer: ByteWriter, value: number): void {
  writer.varint(value < 0 ? -2 * value - 1 : 2 * value);
}

function readSigned(reader: ByteReader): number {
  const value = reader.varint();
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
}

/** Differences of this size and more do not go as zigzag: 2 x 2^51 stays below the mark. */
const WIDE = 2 ** 51;

/** A difference as zigzag; a wide one as the mark 2^53 - 1 and sixteen octets. */
function writeDelta(writer: ByteWriter, delta: ExactInteger): void {
  if (typeof delta === 'number' && Math.abs(delta) < WIDE) writeSigned(writer, delta);
  else writer.varint(Number.MAX_SAFE_INTEGER).bytes(wideOctets(BigInt(delta)));
}

function readDelta(reader: ByteReader): ExactInteger {
  const value = reader.varint();
  if (value === Number.MAX_SAFE_INTEGER) return readWide(reader);
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
}

/** 64-bit values differ by up to 65 bits with sign: sixteen octets, two's complement. */
function wideOctets(value: bigint): Uint8Array {
  const bits = BigInt.asUintN(128, value);
  return new ByteWriter(16)
    .u64(bits >> 64n)
    .u64(bits & 0xffff_ffff_ffff_ffffn)
    .finish();
}

function readWide(reader: ByteReader): ExactInteger {
  const high = reader.u64();
  return addExact(BigInt.asIntN(128, (high << 64n) | reader.u64()), 0);
}
