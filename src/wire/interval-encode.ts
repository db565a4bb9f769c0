/** Writes the body of interval blocks; `run.ts` says what it is made of, docs/formats/block.md how. */
import { BitWriter } from '../base/bits.ts';
import { ByteWriter, concat, sameOctets } from '../base/bytes.ts';
import type { ExactInteger } from '../model/number.ts';
import { QUALITIES } from '../model/reading.ts';
import { wireError } from './errors.ts';
import type { ColumnState, Marks } from './lane-state.ts';
import { STATUS_MAX_OCTETS, TIME_MAX_MS, VALUE_MAX, VALUE_MIN } from './limits.ts';
import type { Row } from './rows.ts';
import {
  type BodyContext,
  type Expectation,
  expectationOf,
  type Groups,
  groupAfter,
  type Run,
  STATUS_LENGTH_BITS,
} from './run.ts';
import { learnStill, mayBeStill, writeCount, writeFirst, writeNext, writeWide, zigzag } from './value-code.ts';

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

function sameMarks(a: Marks, b: Marks): boolean {
  if (a === b) return true;
  return a.quality === b.quality && a.deviationMin === b.deviationMin && sameOctets(a.status, b.status);
}

function timesInStep(rows: readonly Row[], stepMs: number): boolean {
  return rows.every((row, at) => at === 0 || row.atMs - (rows[at - 1]?.atMs ?? 0) === stepMs);
}

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

function writeColumn(
  writer: BitWriter,
  before: ColumnState | null,
  values: readonly ExactInteger[],
): ColumnState | null {
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
  if (row.status.length > STATUS_MAX_OCTETS)
    throw wireError('BLOCK_INPUT', `${where}: ${row.status.length} octets of status`);
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
  const head = new ByteWriter(16).varint(runs.length).varint(commonRows).finish();
  const open = openRuns(runs, groups, commonRows, context);
  const after = new Map(groups);
  const writer = new BitWriter(rows.length * 4);
  for (const [at, { run, expected, plain, nextGroup }] of open.entries()) {
    const before = open[at - 1];
    if (before === undefined || !before.plain) writeCount(writer, plainRunsFrom(open, at));
    if (!plain) writeRunHead(writer, run, nextGroup, expected, context.unitMs);
    for (let column = 0; column < expected.columns.length; column++) {
      const values = run.rows.map((row) => row.values[column] ?? null).filter((value) => value !== null);
      expected.columns[column] = writeColumn(writer, expected.columns[column] ?? null, values);
    }
    after.set(run.group, groupAfter(context.dictionary[run.group], run.rows, expected));
  }
  return { octets: concat([head, writer.finish()]), groups: after };
}

/** A run with what is known before its values are written. */
interface OpenRun {
  readonly run: Run;
  readonly expected: Expectation;
  readonly plain: boolean;
  /** The group that a plain run here would have. */
  readonly nextGroup: number;
}

function openRuns(runs: readonly Run[], groups: Groups, commonRows: number, context: BodyContext): OpenRun[] {
  let nextGroup = 0;
  return runs.map((run) => {
    const expected = expectationOf(run.group, groups, context);
    for (const row of run.rows) checkRow(row, expected.columns.length);
    const open = { run, expected, plain: isPlain(run, nextGroup, commonRows, expected), nextGroup };
    nextGroup = run.group + 1;
    return open;
  });
}

/** How many plain runs follow in a row. */
function plainRunsFrom(open: readonly OpenRun[], from: number): number {
  const end = open.findIndex((run, at) => at >= from && !run.plain);
  return (end < 0 ? open.length : end) - from;
}
