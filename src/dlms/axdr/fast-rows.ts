/**
 * Load-profile rows straight from octets to columns and back, without an object for each value.
 *
 * A profile buffer is an array of structures of the same fields, thousands of them, nearly all integers and clocks of 12
 * octets. The fast path reads exactly that; at the first surprise (another shape, another type, octets that end) it gives
 * up and the general decoder reads everything again, so nothing is lost and errors are the same.
 */

import { ByteReader, TruncatedError } from '../../base/bytes.ts';
import { daysOfCivil } from '../../base/time.ts';
import type { DeviationRule } from '../cosem/datetime.ts';
import { daysInMonth } from '../cosem/datetime.ts';
import { readLength } from './length.ts';

/** Integers or floats. A row without a value holds NaN; so does one beyond ±(2^53 - 1), whose value is in `big`. */
export interface NumberColumn {
  readonly kind: 'number';
  readonly values: Float64Array;
  /** Rows of 64-bit values that a number cannot hold exactly. */
  readonly big: ReadonlyMap<number, bigint>;
}

/** Clocks. Row by row: UTC in ms (NaN when the octets are no certain moment), and what the 12 octets said. */
export interface TimeColumn {
  readonly kind: 'date-time';
  readonly utcMs: Float64Array;
  /** Where the 12 octets begin in `octets`; -1 in a row with null-data, which follows from the row above. */
  readonly offsets: Int32Array;
  /** Minutes; -32768 = not specified. */
  readonly deviations: Int16Array;
  /** Clock status; 255 = not specified. */
  readonly statuses: Uint8Array;
}

/** Columns of one buffer that the fast path read. */
export interface FastRows {
  readonly count: number;
  readonly columns: readonly (NumberColumn | TimeColumn)[];
}

const ARRAY = 0x01;
const STRUCTURE = 0x02;
const CLOCK_OCTETS = 12;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const NO_DEVIATION = -0x80_00;
const NOTHING = -1;

const NONE_BIG: ReadonlyMap<number, bigint> = new Map();
const NONE_I32 = new Int32Array(0);
const NONE_I16 = new Int16Array(0);
const NONE_U8 = new Uint8Array(0);

/** A column while it is read: its kind is known from its first value that is not null-data. */
class Building {
  kind: 'unknown' | 'number' | 'date-time' = 'unknown';
  readonly values: Float64Array;
  offsets: Int32Array = NONE_I32;
  deviations: Int16Array = NONE_I16;
  statuses: Uint8Array = NONE_U8;
  big: Map<number, bigint> | null = null;

  constructor(count: number) {
    this.values = new Float64Array(count);
  }

  /** The first clock is in `row`: those above had none. */
  becomeTime(row: number): void {
    const count = this.values.length;
    this.kind = 'date-time';
    this.offsets = new Int32Array(count);
    this.deviations = new Int16Array(count);
    this.statuses = new Uint8Array(count);
    for (let above = 0; above < row; above++) this.noClock(above);
  }

  noClock(row: number): void {
    this.offsets[row] = NOTHING;
    this.deviations[row] = NO_DEVIATION;
    this.statuses[row] = 0xff;
  }

  finish(): NumberColumn | TimeColumn {
    const { values, big, offsets, deviations, statuses } = this;
    return this.kind === 'date-time'
      ? { kind: 'date-time', utcMs: values, offsets, deviations, statuses }
      : { kind: 'number', values, big: big ?? NONE_BIG };
  }
}

/** Reads an array of equal structures of numbers and clocks; null when it is anything else, or ends early. */
export function readFastRows(octets: Uint8Array, rule: DeviationRule = {}): FastRows | null {
  try {
    return new RowReader(octets, rule).read();
  } catch (error) {
    if (error instanceof TruncatedError) return null;
    throw error;
  }
}

class RowReader {
  readonly #octets: Uint8Array;
  readonly #reader: ByteReader;
  readonly #sign: number;
  readonly #defaultDeviation: number | null;
  /** Year, month and day read last, and their midnight: rows of a day share it. */
  #date = NOTHING;
  #dateMs = Number.NaN;

  constructor(octets: Uint8Array, rule: DeviationRule) {
    this.#octets = octets;
    this.#reader = new ByteReader(octets);
    this.#sign = rule.oppositeSign === true ? -MINUTE_MS : MINUTE_MS;
    this.#defaultDeviation = rule.defaultDeviation ?? null;
  }

  read(): FastRows | null {
    const reader = this.#reader;
    if (reader.u8() !== ARRAY) return null;
    const first = reader.peek();
    // Indefinite and over-long counts are the general decoder's to refuse.
    if (first === 0x80 || first > 0x84) return null;
    const count = readLength(reader);
    if (count === 0) return reader.remaining === 0 ? { count, columns: [] } : null;
    if (reader.peek() !== STRUCTURE) return null;
    const width = this.#width(count);
    if (width === null) return null;
    const columns = Array.from({ length: width }, () => new Building(count));
    for (let row = 0; row < count; row++) {
      if (reader.u16() !== ((STRUCTURE << 8) | width)) return null;
      for (const column of columns) if (!this.#value(column, row)) return null;
    }
    return reader.remaining > 0 ? null : { count, columns: columns.map((column) => column.finish()) };
  }

  /** Fields of the first row; null when that many of them in every row would not fit the octets. */
  #width(count: number): number | null {
    const head = new ByteReader(this.#octets.subarray(this.#reader.offset));
    head.skip(1);
    const width = head.u8();
    return width < 0x80 && count * (width + 2) <= this.#reader.remaining ? width : null;
  }

  #value(column: Building, row: number): boolean {
    const reader = this.#reader;
    const tag = reader.u8();
    if (tag === 0x09) return this.#clock(column, row);
    if (tag === 0x00) {
      column.values[row] = Number.NaN;
      if (column.kind === 'date-time') column.noClock(row);
      return true;
    }
    if (column.kind !== 'number') {
      if (column.kind !== 'unknown') return false;
      column.kind = 'number';
    }
    switch (tag) {
      case 0x06:
        column.values[row] = reader.u32();
        return true;
      case 0x11:
      case 0x16:
        column.values[row] = reader.u8();
        return true;
      case 0x12:
        column.values[row] = reader.u16();
        return true;
      case 0x05:
        column.values[row] = reader.i32();
        return true;
      case 0x10:
        column.values[row] = reader.i16();
        return true;
      case 0x0f:
        column.values[row] = reader.i8();
        return true;
      case 0x17:
        column.values[row] = reader.f32();
        return true;
      case 0x18:
        column.values[row] = reader.f64();
        return true;
      case 0x14:
        return this.#long(column, row, reader.i64());
      case 0x15:
        return this.#long(column, row, reader.u64());
      default:
        return false;
    }
  }

  #long(column: Building, row: number, value: bigint): boolean {
    const number = Number(value);
    const safe = Number.isSafeInteger(number);
    column.values[row] = safe ? number : Number.NaN;
    if (!safe) {
      column.big ??= new Map();
      column.big.set(row, value);
    }
    return true;
  }

  #clock(column: Building, row: number): boolean {
    const reader = this.#reader;
    if (reader.u8() !== CLOCK_OCTETS) return false;
    if (column.kind !== 'date-time') {
      if (column.kind !== 'unknown') return false;
      column.becomeTime(row);
    }
    column.offsets[row] = reader.offset;
    const date = reader.u32();
    if (date !== this.#date) this.#day(date);
    reader.skip(1);
    const timeMs = timeOfDayMs(reader.u32());
    const deviation = reader.i16();
    const applied = deviation === NO_DEVIATION ? this.#defaultDeviation : deviation;
    const sign = deviation === NO_DEVIATION ? MINUTE_MS : this.#sign;
    column.values[row] = applied === null ? Number.NaN : this.#dateMs + timeMs + applied * sign;
    column.deviations[row] = deviation;
    column.statuses[row] = reader.u8();
    return true;
  }

  #day(date: number): void {
    const year = date >>> 16;
    const month = (date >>> 8) & 0xff;
    const day = date & 0xff;
    const certain = year !== 0xff_ff && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
    this.#date = date;
    this.#dateMs = certain ? daysOfCivil(year, month, day) * DAY_MS : Number.NaN;
  }
}

/** Hour, minute, second, hundredths in one number; NaN when hour or minute is not specified or a field is impossible. */
function timeOfDayMs(packed: number): number {
  const hour = packed >>> 24;
  const minute = (packed >>> 16) & 0xff;
  const second = (packed >>> 8) & 0xff;
  const hundredths = packed & 0xff;
  if (hour > 23 || minute > 59) return Number.NaN;
  if ((second > 59 && second !== 0xff) || (hundredths > 99 && hundredths !== 0xff)) return Number.NaN;
  return (
    hour * 3_600_000 +
    minute * MINUTE_MS +
    (second === 0xff ? 0 : second * 1_000) +
    (hundredths === 0xff ? 0 : hundredths * 10)
  );
}
