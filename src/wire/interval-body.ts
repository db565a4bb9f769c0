/**
 * The body of interval blocks: rows in runs, one run per group, against the state that the block before left.
 *
 * A run whose rows are what one expects (the next group, as many rows as the block's most common run, times in step, marks
 * unchanged, no null) costs one bit beside its values. docs/formats/block.md has every field; this file is its text in
 * code, writer and reader side by side.
 */
import { BitReader, BitWriter } from '../base/bits.ts';
import { ByteReader, ByteWriter, concat, sameOctets } from '../base/bytes.ts';
import type { ExactInteger } from '../model/number.ts';
import { QUALITIES } from '../model/reading.ts';
import { wireError } from './errors.ts';
import { type ColumnState, type GroupState, type Marks, PLAIN_MARKS } from './lane-state.ts';
import {
  BLOCK_MAX_ROWS,
  BLOCK_MAX_VALUES,
  STATUS_MAX_OCTETS,
  TIME_MAX_MS,
  VALUE_MAX,
  VALUE_MIN,
} from './limits.ts';
import type { DictionaryGroup, Row } from './rows.ts';
import {
  learnStill,
  mayBeStill,
  readCount,
  readFirst,
  readNext,
  readWide,
  unzigzag,
  writeCount,
  writeFirst,
  writeNext,
  writeWide,
  zigzag,
} from './value-code.ts';

/** Groups of a lane's state. */
export type Groups = ReadonlyMap<number, GroupState>;

/** What a body is coded against. */
export interface BodyContext {
  readonly dictionary: readonly DictionaryGroup[];
  /** Lowest row time of the block, UTC ms: what a group without a past expects. */
  readonly fromMs: number;
  /** 1, or 1,000 when all times concerned are whole seconds. */
  readonly unitMs: number;
}

/** Rows of one group in time order. */
interface Run {
  readonly group: number;
  readonly rows: readonly Row[];
}

/** Bits of a status length: 0-8. */
const STATUS_LENGTH_BITS = 4;

/** Rows in the order of a body: by group, then by time; rows of equal time keep their order. */
export function inBodyOrder(rows: readonly Row[]): Row[] {
  return [...rows].sort((a, b) => a.group - b.group || a.atMs - b.atMs);
}

/** 1,000 when every time that the body mentions or refers to is a whole second, otherwise 1. */
export function unitOf(rows: readonly Row[], groups: Groups): number {
  for (const row of rows) {
    const state = groups.get(row.group);
    if (row.atMs % 1000 !== 0) return 1;
    if (state !== undefined && (state.atMs % 1000 !== 0 || state.stepMs % 1000 !== 0)) return 1;
  }
  return 1000;
}

function runsOf(rows: readonly Row[]): Run[] {
  const runs: { group: number; rows: Row[] }[] = [];
  for (const row of rows) {
    const last = runs.at(-1);
    if (last !== undefined && last.group === row.group) last.rows.push(row);
    else runs.push({ group: row.group, rows: [row] });
  }
  return runs;
}

function commonRowsOf(runs: readonly Run[]): number {
  const counts = new Map<number, number>();
  let common = 1;
  for (const { rows } of runs) {
    const seen = (counts.get(rows.length) ?? 0) + 1;
    counts.set(rows.length, seen);
    if (seen > (counts.get(common) ?? 0)) common = rows.length;
  }
  return common;
}

/** What a group expects of its next row: time, step between rows, marks, columns. */
interface Expectation {
  /** Time of the group's last row, null when it had none since the keyframe. */
  readonly lastMs: number | null;
  readonly atMs: number;
  readonly stepMs: number;
  readonly marks: Marks;
  /** A copy that may be changed. */
  readonly columns: (ColumnState | null)[];
}

function expectationOf(group: number, groups: Groups, context: BodyContext): Expectation {
  const definition = context.dictionary[group];
  if (definition === undefined) throw wireError('BLOCK_DICTIONARY', `group ${group} of ${context.dictionary.length}`);
  const state = groups.get(group);
  if (state === undefined) {
    const columns = new Array<ColumnState | null>(definition.columns.length).fill(null);
    return { lastMs: null, atMs: context.fromMs, stepMs: definition.intervalS * 1000, marks: PLAIN_MARKS, columns };
  }
  if (state.columns.length !== definition.columns.length)
    throw wireError('BLOCK_DICTIONARY', `group ${group} has ${definition.columns.length} columns`);
  const columns = state.columns.map((column) => (column === null ? null : { ...column }));
  return { lastMs: state.atMs, atMs: state.atMs + state.stepMs, stepMs: state.stepMs, marks: state.marks, columns };
}

/** The state after a run; groups without an interval length expect the last step again. */
function groupAfter(definition: DictionaryGroup | undefined, rows: readonly Row[], expected: Expectation): GroupState {
  const last = rows.at(-1);
  if (last === undefined) throw wireError('BLOCK_INPUT', 'a run without rows');
  const before = rows.at(-2)?.atMs ?? expected.lastMs ?? last.atMs;
  const stepMs = definition?.intervalS === 0 ? last.atMs - before : expected.stepMs;
  const { status, quality, deviationMin } = last;
  return { atMs: last.atMs, stepMs, marks: { status, quality, deviationMin }, columns: expected.columns };
}

function sameMarks(a: Marks, b: Marks): boolean {
  if (a === b) return true;
  return a.quality === b.quality && a.deviationMin === b.deviationMin && sameOctets(a.status, b.status);
}

function timesInStep(rows: readonly Row[], stepMs: number): boolean {
  return rows.every((row, at) => at === 0 || row.atMs - (rows[at - 1]?.atMs ?? 0) === stepMs);
}

// --- writing ---------------------------------------------------------------------------------------------------------

function writeTime(writer: BitWriter, missMs: number, unitMs: number): void {
  writer.bits(missMs === 0 ? 0 : 1, 1);
  if (missMs !== 0) writeWide(writer, zigzag(missMs / unitMs));
}

function writeMarks(writer: BitWriter, marks: Marks): void {
  writer.bits(marks.status.length, STATUS_LENGTH_BITS);
  for (const octet of marks.status) writer.bits(octet, 8);
  writeCount(writer, QUALITIES.indexOf(marks.quality));
  writer.bits(marks.deviationMin === null ? 0 : 1, 1);
  if (marks.deviationMin !== null) writeWide(writer, zigzag(marks.deviationMin));
}

function writeAllMarks(writer: BitWriter, rows: readonly Row[], before: Marks): void {
  const unchanged = rows.every((row) => sameMarks(row, before));
  writer.bits(unchanged ? 1 : 0, 1);
  if (unchanged) return;
  let marks = before;
  for (const row of rows) {
    const same = sameMarks(row, marks);
    writer.bits(same ? 1 : 0, 1);
    if (!same) writeMarks(writer, row);
    marks = row;
  }
}

function writePresence(writer: BitWriter, rows: readonly Row[], columnCount: number): void {
  const complete = rows.every((row) => !row.values.includes(null));
  writer.bits(complete ? 1 : 0, 1);
  if (complete) return;
  for (let column = 0; column < columnCount; column++) {
    const full = rows.every((row) => row.values[column] !== null);
    writer.bits(full ? 1 : 0, 1);
    if (!full) for (const row of rows) writer.bits(row.values[column] === null ? 0 : 1, 1);
  }
}

function writeColumn(writer: BitWriter, before: ColumnState | null, values: readonly ExactInteger[]): ColumnState | null {
  let column = before;
  if (mayBeStill(column) && values.length > 1) {
    const { value } = column;
    const still = values.every((next) => next === value);
    writer.bits(still ? 1 : 0, 1);
    if (still) {
      learnStill(column, values.length);
      return column;
    }
  }
  for (const value of values) {
    if (column === null) column = writeFirst(writer, value);
    else writeNext(writer, column, value);
  }
  return column;
}

function isPlain(run: Run, nextGroup: number, commonRows: number, expected: Expectation): boolean {
  const { rows } = run;
  return (
    run.group === nextGroup &&
    rows.length === commonRows &&
    rows[0]?.atMs === expected.atMs &&
    timesInStep(rows, expected.stepMs) &&
    rows.every((row) => sameMarks(row, expected.marks) && !row.values.includes(null))
  );
}

function writeRunHead(writer: BitWriter, run: Run, nextGroup: number, expected: Expectation, unitMs: number): void {
  const { rows } = run;
  writeCount(writer, run.group - nextGroup);
  writeCount(writer, rows.length - 1);
  writeTime(writer, (rows[0]?.atMs ?? 0) - expected.atMs, unitMs);
  const inStep = timesInStep(rows, expected.stepMs);
  writer.bits(inStep ? 1 : 0, 1);
  if (!inStep) {
    for (let at = 1; at < rows.length; at++)
      writeTime(writer, (rows[at]?.atMs ?? 0) - (rows[at - 1]?.atMs ?? 0) - expected.stepMs, unitMs);
  }
  writeAllMarks(writer, rows, expected.marks);
  writePresence(writer, rows, expected.columns.length);
}

function checkRow(row: Row, columnCount: number): void {
  const where = `group ${row.group} at ${row.atMs}`;
  if (row.values.length !== columnCount) throw wireError('BLOCK_INPUT', `${where}: ${row.values.length} values`);
  if (!Number.isSafeInteger(row.atMs) || Math.abs(row.atMs) > TIME_MAX_MS) throw wireError('BLOCK_INPUT', where);
  if (row.status.length > STATUS_MAX_OCTETS) throw wireError('BLOCK_INPUT', `${where}: ${row.status.length} octets of status`);
  for (const value of row.values) {
    if (typeof value === 'number' && !Number.isSafeInteger(value)) throw wireError('BLOCK_INPUT', `${where}: ${value}`);
    if (typeof value === 'bigint' && (value < VALUE_MIN || value > VALUE_MAX))
      throw wireError('BLOCK_INPUT', `${where}: ${value}`);
  }
}

/**
 * The body of rows that are in body order, and the groups as they are after it. Throws BLOCK_INPUT for rows that the
 * format cannot hold, BLOCK_DICTIONARY when a row's group is not in the dictionary.
 */
export function encodeIntervalBody(
  rows: readonly Row[],
  groups: Groups,
  context: BodyContext,
): { octets: Uint8Array; groups: Groups } {
  const runs = runsOf(rows);
  const commonRows = commonRowsOf(runs);
  const after = new Map(groups);
  const head = new ByteWriter(16).varint(runs.length).varint(commonRows).finish();
  const writer = new BitWriter(rows.length * 4);
  let nextGroup = 0;
  for (const run of runs) {
    const expected = expectationOf(run.group, groups, context);
    for (const row of run.rows) checkRow(row, expected.columns.length);
    const plain = isPlain(run, nextGroup, commonRows, expected);
    writer.bits(plain ? 1 : 0, 1);
    if (!plain) writeRunHead(writer, run, nextGroup, expected, context.unitMs);
    for (let column = 0; column < expected.columns.length; column++) {
      const values = run.rows.map((row) => row.values[column] ?? null).filter((value) => value !== null);
      expected.columns[column] = writeColumn(writer, expected.columns[column] ?? null, values);
    }
    after.set(run.group, groupAfter(context.dictionary[run.group], run.rows, expected));
    nextGroup = run.group + 1;
  }
  return { octets: concat([head, writer.finish()]), groups: after };
}

// --- reading ---------------------------------------------------------------------------------------------------------

/** A row while it is put together. */
interface OpenRow {
  group: number;
  atMs: number;
  status: Uint8Array;
  quality: Marks['quality'];
  deviationMin: number | null;
  values: (ExactInteger | null)[];
}

function readTime(reader: BitReader, unitMs: number): number {
  if (reader.bits(1) === 0) return 0;
  return Number(unzigzag(readWide(reader))) * unitMs;
}

function readMarks(reader: BitReader): Marks {
  const length = reader.bits(STATUS_LENGTH_BITS);
  if (length > STATUS_MAX_OCTETS) throw wireError('BLOCK_MALFORMED', `${length} octets of status`);
  const status = Uint8Array.from({ length }, () => reader.bits(8));
  const quality = QUALITIES[readCount(reader)];
  if (quality === undefined) throw wireError('BLOCK_MALFORMED', 'unknown quality');
  const deviationMin = reader.bits(1) === 0 ? null : Number(unzigzag(readWide(reader)));
  if (deviationMin !== null && Math.abs(deviationMin) > DEVIATION_MAX_MIN)
    throw wireError('BLOCK_MALFORMED', `deviation of ${deviationMin} minutes`);
  return { status, quality, deviationMin };
}

/** The deviation of a COSEM time is a signed 16-bit number. */
const DEVIATION_MAX_MIN = 32_768;

function newRow(group: number, atMs: number, marks: Marks, columnCount: number): OpenRow {
  if (Math.abs(atMs) > TIME_MAX_MS) throw wireError('BLOCK_MALFORMED', `time ${atMs}`);
  const values = new Array<ExactInteger | null>(columnCount).fill(null);
  return { group, atMs, status: marks.status, quality: marks.quality, deviationMin: marks.deviationMin, values };
}

function readRunRows(reader: BitReader, group: number, count: number, expected: Expectation, unitMs: number): OpenRow[] {
  let atMs = expected.atMs + readTime(reader, unitMs);
  const inStep = reader.bits(1) === 1;
  const rows: OpenRow[] = [];
  for (let at = 0; at < count; at++) {
    if (at > 0) atMs += expected.stepMs + (inStep ? 0 : readTime(reader, unitMs));
    rows.push(newRow(group, atMs, expected.marks, expected.columns.length));
  }
  if (reader.bits(1) === 1) return rows;
  let marks = expected.marks;
  for (const row of rows) {
    if (reader.bits(1) === 0) marks = readMarks(reader);
    row.status = marks.status;
    row.quality = marks.quality;
    row.deviationMin = marks.deviationMin;
  }
  return rows;
}

/** Per column the rows that have a value; null = all rows of all columns. */
function readPresence(reader: BitReader, rows: readonly OpenRow[], columnCount: number): OpenRow[][] | null {
  if (reader.bits(1) === 1) return null;
  const present: OpenRow[][] = [];
  for (let column = 0; column < columnCount; column++) {
    const full = reader.bits(1) === 1;
    present.push(full ? [...rows] : rows.filter(() => reader.bits(1) === 1));
  }
  return present;
}

function checkValue(value: ExactInteger): void {
  if (typeof value === 'bigint' && (value < VALUE_MIN || value > VALUE_MAX))
    throw wireError('BLOCK_MALFORMED', `value ${value}`);
}

function readColumn(
  reader: BitReader,
  before: ColumnState | null,
  rows: readonly OpenRow[],
  index: number,
): ColumnState | null {
  let column = before;
  if (mayBeStill(column) && rows.length > 1 && reader.bits(1) === 1) {
    learnStill(column, rows.length);
    for (const row of rows) row.values[index] = column.value;
    return column;
  }
  for (const row of rows) {
    if (column === null) column = readFirst(reader);
    else readNext(reader, column);
    checkValue(column.value);
    row.values[index] = column.value;
  }
  return column;
}

/** Counts rows and values of a block and refuses more than a block may hold, before anything is set aside for them. */
class Budget {
  #rows = 0;
  #values = 0;

  take(rows: number, columns: number): void {
    this.#rows += rows;
    this.#values += rows * columns;
    if (this.#rows > BLOCK_MAX_ROWS || this.#values > BLOCK_MAX_VALUES)
      throw wireError('BLOCK_MALFORMED', `${this.#rows} rows, ${this.#values} values`);
  }
}

/** Rows and values that one block may hold at most, asked by who fills blocks. */
export function fitsOneBlock(rows: readonly Row[]): boolean {
  const values = rows.reduce((sum, row) => sum + row.values.length, 0);
  return rows.length <= BLOCK_MAX_ROWS && values <= BLOCK_MAX_VALUES;
}

/**
 * The rows of a body in body order, and the groups as they are after it. Throws BLOCK_MALFORMED, BLOCK_DICTIONARY or
 * `TruncatedError`; never sets aside more than a block may hold.
 */
export function decodeIntervalBody(
  octets: Uint8Array,
  groups: Groups,
  context: BodyContext,
): { rows: Row[]; groups: Groups } {
  const head = new ByteReader(octets);
  const runCount = head.varint();
  const commonRows = head.varint();
  const reader = new BitReader(head.rest());
  if (runCount === 0 || runCount > reader.remaining || commonRows === 0)
    throw wireError('BLOCK_MALFORMED', `${runCount} runs of ${commonRows} rows`);
  const after = new Map(groups);
  const budget = new Budget();
  const rows: Row[] = [];
  let nextGroup = 0;
  for (let run = 0; run < runCount; run++) {
    const plain = reader.bits(1) === 1;
    const group = plain ? nextGroup : nextGroup + readCount(reader);
    const count = plain ? commonRows : readCount(reader) + 1;
    const expected = expectationOf(group, groups, context);
    budget.take(count, expected.columns.length);
    const runRows = plain ? plainRows(group, count, expected) : readRunRows(reader, group, count, expected, context.unitMs);
    const present = plain ? null : readPresence(reader, runRows, expected.columns.length);
    for (let column = 0; column < expected.columns.length; column++)
      expected.columns[column] = readColumn(reader, expected.columns[column] ?? null, present?.[column] ?? runRows, column);
    after.set(group, groupAfter(context.dictionary[group], runRows, expected));
    for (const row of runRows) rows.push(row);
    nextGroup = group + 1;
  }
  if (reader.remaining >= 8 || reader.bits(reader.remaining) !== 0)
    throw wireError('BLOCK_MALFORMED', 'octets behind the last run');
  return { rows, groups: after };
}

function plainRows(group: number, count: number, expected: Expectation): OpenRow[] {
  return Array.from({ length: count }, (_, at) =>
    newRow(group, expected.atMs + at * expected.stepMs, expected.marks, expected.columns.length),
  );
}
