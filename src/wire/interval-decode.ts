/** Reads the body of interval blocks; `run.ts` says what it is made of, docs/formats/block.md how. */
import { BitReader } from '../base/bits.ts';
import { ByteReader } from '../base/bytes.ts';
import type { ExactInteger } from '../model/number.ts';
import { QUALITIES } from '../model/reading.ts';
import { wireError } from './errors.ts';
import type { ColumnState, Marks } from './lane-state.ts';
import { BLOCK_MAX_ROWS, BLOCK_MAX_VALUES, STATUS_MAX_OCTETS, TIME_MAX_MS, VALUE_MAX, VALUE_MIN } from './limits.ts';
import type { Row } from './rows.ts';
import {
  type BodyContext,
  type Expectation,
  expectationOf,
  type Groups,
  groupAfter,
  STATUS_LENGTH_BITS,
} from './run.ts';
import { learnStill, mayBeStill, readCount, readFirst, readNext, readWide, unzigzag } from './value-code.ts';

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

function readRunRows(
  reader: BitReader,
  group: number,
  count: number,
  expected: Expectation,
  unitMs: number,
): OpenRow[] {
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
  let plainRuns = readCount(reader);
  for (let run = 0; run < runCount; run++) {
    const plain = plainRuns > 0;
    const group = plain ? nextGroup : nextGroup + readCount(reader);
    const count = plain ? commonRows : readCount(reader) + 1;
    const expected = expectationOf(group, groups, context);
    budget.take(count, expected.columns.length);
    const runRows = plain
      ? plainRows(group, count, expected)
      : readRunRows(reader, group, count, expected, context.unitMs);
    const present = plain ? null : readPresence(reader, runRows, expected.columns.length);
    for (let column = 0; column < expected.columns.length; column++)
      expected.columns[column] = readColumn(
        reader,
        expected.columns[column] ?? null,
        present?.[column] ?? runRows,
        column,
      );
    after.set(group, groupAfter(context.dictionary[group], runRows, expected));
    for (const row of runRows) rows.push(row);
    nextGroup = group + 1;
    if (plain) plainRuns--;
    else if (run + 1 < runCount) plainRuns = readCount(reader);
  }
  if (plainRuns > 0 || reader.remaining >= 8 || reader.bits(reader.remaining) !== 0)
    throw wireError('BLOCK_MALFORMED', 'octets behind the last run');
  return { rows, groups: after };
}

function plainRows(group: number, count: number, expected: Expectation): OpenRow[] {
  return Array.from({ length: count }, (_, at) =>
    newRow(group, expected.atMs + at * expected.stepMs, expected.marks, expected.columns.length),
  );
}
