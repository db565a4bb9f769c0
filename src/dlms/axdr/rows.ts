/** Profile rows as columns, by the fast path or, when it gives up, by the general decoder. */

import type { CosemDateTime, DeviationRule } from '../cosem/datetime.ts';
import { dateTimeFromOctets, utcMsOf } from '../cosem/datetime.ts';
import { dlmsError } from '../errors.ts';
import type { Data } from './data.ts';
import { dataFromOctets } from './decode.ts';
import type { NumberColumn, TimeColumn } from './fast-rows.ts';
import { readFastRows } from './fast-rows.ts';

/** Values of any other type, or of several. */
export interface DataColumn {
  readonly kind: 'data';
  readonly values: readonly Data[];
}

/** One column; a profile's capture objects say what it is. */
export type RowColumn = NumberColumn | TimeColumn | DataColumn;

/** The rows of one buffer. */
export interface ProfileRows {
  readonly count: number;
  readonly columns: readonly RowColumn[];
  /** The octets that were read: `offsets` of a clock column point into them. */
  readonly octets: Uint8Array;
  /** False when the general decoder had to do it. */
  readonly fast: boolean;
}

/**
 * Reads a profile buffer: an array (or compact-array) of structures of equal width. Throws errors of `DLMS_ERRORS`;
 * `DLMS_SHAPE` when it is another kind of value. The limit on elements binds the general decoder only: the fast path needs
 * 8 octets a value and no more.
 */
export function readProfileRows(octets: Uint8Array, rule: DeviationRule = {}): ProfileRows {
  const fast = readFastRows(octets, rule);
  if (fast !== null) return { ...fast, octets, fast: true };
  const data = dataFromOctets(octets);
  if (data.type !== 'array' && data.type !== 'compact-array') throw dlmsError('DLMS_SHAPE', `rows in a ${data.type}`);
  const rows = data.value.map(fieldsOf);
  const width = rows[0]?.length ?? 0;
  const columns = Array.from({ length: width }, (_, at) => columnOf(rows, at, width));
  return { count: rows.length, columns: columns.map((values) => narrowed(values, octets, rule)), octets, fast: false };
}

function fieldsOf(row: Data): readonly Data[] {
  if (row.type !== 'structure') throw dlmsError('DLMS_SHAPE', `a row is a ${row.type}`);
  return row.value;
}

function columnOf(rows: readonly (readonly Data[])[], at: number, width: number): Data[] {
  return rows.map((row, number) => {
    const value = row[at];
    if (value === undefined || row.length !== width) {
      throw dlmsError('DLMS_SHAPE', `row ${number} has ${row.length} fields, row 0 has ${width}`);
    }
    return value;
  });
}

/** The column in the same form as the fast path gives it, where its values allow. */
function narrowed(values: readonly Data[], octets: Uint8Array, rule: DeviationRule): RowColumn {
  if (values.every((value) => value.type === 'null-data' || numberOf(value) !== null)) return numberColumn(values);
  if (values.every((value) => value.type === 'null-data' || clockOf(value) !== null)) {
    return timeColumn(values, octets, rule);
  }
  return { kind: 'data', values };
}

function numberOf(data: Data): number | bigint | null {
  return 'value' in data && (typeof data.value === 'number' || typeof data.value === 'bigint') ? data.value : null;
}

function numberColumn(values: readonly Data[]): NumberColumn {
  const big = new Map<number, bigint>();
  const numbers = Float64Array.from(values, (data, row) => {
    const value = numberOf(data);
    if (typeof value !== 'bigint') return value ?? Number.NaN;
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    big.set(row, value);
    return Number.NaN;
  });
  return { kind: 'number', values: numbers, big };
}

function clockOf(data: Data): Uint8Array | null {
  return data.type === 'octet-string' && data.value.length === 12 ? data.value : null;
}

function timeColumn(values: readonly Data[], octets: Uint8Array, rule: DeviationRule): TimeColumn {
  const clocks = values.map(clockOf);
  const times = clocks.map((clock) => (clock === null ? null : dateTimeFromOctets(clock)));
  return {
    kind: 'date-time',
    utcMs: Float64Array.from(times, (time) => (time === null ? null : utcMsOf(time, rule)) ?? Number.NaN),
    offsets: Int32Array.from(clocks, (clock) => (clock === null ? -1 : clock.byteOffset - octets.byteOffset)),
    deviations: Int16Array.from(times, (time) => time?.deviation ?? -0x80_00),
    statuses: Uint8Array.from(times, (time) => time?.status ?? 0xff),
  };
}

/** The exact integer (or float) of a row, a bigint only beyond ±(2^53 - 1); null when the row has no value. */
export function numberAt(column: NumberColumn, row: number): number | bigint | null {
  const value = column.values[row] ?? Number.NaN;
  return Number.isNaN(value) ? (column.big.get(row) ?? null) : value;
}

/** The clock of a row as it was sent, or null in a row that sent none. */
export function dateTimeAt(rows: ProfileRows, column: TimeColumn, row: number): CosemDateTime | null {
  const offset = column.offsets[row] ?? -1;
  return offset < 0 ? null : dateTimeFromOctets(rows.octets.subarray(offset, offset + 12));
}

/**
 * UTC of every row, where a row without a clock is one period after the row above (null-data in a profile means that).
 * Rows above the first clock stay NaN. `periodMs` is the capture period; 0 leaves the gaps.
 */
export function impliedTimes(column: TimeColumn, periodMs: number): Float64Array {
  const times = column.utcMs.slice();
  if (periodMs <= 0) return times;
  for (let row = 1; row < times.length; row++) {
    if (column.offsets[row] === -1) times[row] = (times[row - 1] ?? Number.NaN) + periodMs;
  }
  return times;
}
