/**
 * Runs: the rows of one group in an interval body, and what the state before lets one expect of them.
 *
 * A run whose rows are what one expects (the next group, as many rows as the block's most common run, times in step, marks
 * unchanged, no null) is plain and costs next to nothing beside its values. docs/formats/block.md has every field;
 * `interval-encode` and `interval-decode` are its text in code.
 */
import { wireError } from './errors.ts';
import { type ColumnState, type GroupState, type Marks, PLAIN_MARKS } from './lane-state.ts';
import { BLOCK_MAX_ROWS, BLOCK_MAX_VALUES } from './limits.ts';
import type { DictionaryGroup, Row } from './rows.ts';

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
export interface Run {
  readonly group: number;
  readonly rows: readonly Row[];
}

/** Bits of a status length: 0-8. */
export const STATUS_LENGTH_BITS = 4;

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

/** What a group expects of its next row: time, step between rows, marks, columns. */
export interface Expectation {
  /** Time of the group's last row, null when it had none since the keyframe. */
  readonly lastMs: number | null;
  readonly atMs: number;
  readonly stepMs: number;
  readonly marks: Marks;
  /** A copy that may be changed. */
  readonly columns: (ColumnState | null)[];
}

/** What `group` expects next; throws BLOCK_DICTIONARY when the dictionary does not fit. */
export function expectationOf(group: number, groups: Groups, context: BodyContext): Expectation {
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
export function groupAfter(
  definition: DictionaryGroup | undefined,
  rows: readonly Row[],
  expected: Expectation,
): GroupState {
  const last = rows.at(-1);
  if (last === undefined) throw wireError('BLOCK_INPUT', 'a run without rows');
  const before = rows.at(-2)?.atMs ?? expected.lastMs ?? last.atMs;
  const stepMs = definition?.intervalS === 0 ? last.atMs - before : expected.stepMs;
  const { status, quality, deviationMin } = last;
  return { atMs: last.atMs, stepMs, marks: { status, quality, deviationMin }, columns: expected.columns };
}

/** Rows and values that one block may hold at most, asked by who fills blocks. */
export function fitsOneBlock(rows: readonly Row[]): boolean {
  const values = rows.reduce((sum, row) => sum + row.values.length, 0);
  return rows.length <= BLOCK_MAX_ROWS && values <= BLOCK_MAX_VALUES;
}
