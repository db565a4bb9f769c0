/** Columns to the octets of a profile buffer, without an object for each value. */

import { ByteWriter } from '../../base/bytes.ts';
import type { CosemDateTime, LocalClock } from '../cosem/datetime.ts';
import { dateTimeOfUtcMs } from '../cosem/datetime.ts';
import { dlmsError, guarded } from '../errors.ts';
import { APDU_ENCODED_MAX } from '../limits.ts';
import { writeLength } from './length.ts';

/** Types of a number column, with tag, range and width. */
const NUMBER_TYPES = {
  'double-long': { tag: 0x05, low: -0x80_00_00_00, high: 0x7f_ff_ff_ff, octets: 4 },
  'double-long-unsigned': { tag: 0x06, low: 0, high: 0xff_ff_ff_ff, octets: 4 },
  integer: { tag: 0x0f, low: -0x80, high: 0x7f, octets: 1 },
  long: { tag: 0x10, low: -0x80_00, high: 0x7f_ff, octets: 2 },
  unsigned: { tag: 0x11, low: 0, high: 0xff, octets: 1 },
  'long-unsigned': { tag: 0x12, low: 0, high: 0xff_ff, octets: 2 },
  long64: { tag: 0x14, low: Number.MIN_SAFE_INTEGER, high: Number.MAX_SAFE_INTEGER, octets: 8 },
  'long64-unsigned': { tag: 0x15, low: 0, high: Number.MAX_SAFE_INTEGER, octets: 8 },
  enum: { tag: 0x16, low: 0, high: 0xff, octets: 1 },
} as const;

/** Integers of one type. NaN is sent as null-data, unless `big` has the row. */
export interface NumberSource {
  readonly kind: 'number';
  readonly type: keyof typeof NUMBER_TYPES;
  readonly values: ArrayLike<number>;
  /** Values beyond ±(2^53 - 1) of the 64-bit types, by row. */
  readonly big?: ReadonlyMap<number, bigint>;
}

/** Moments as clocks of 12 octets. NaN is sent as null-data: follows from the row above. */
export interface TimeSource {
  readonly kind: 'date-time';
  readonly utcMs: ArrayLike<number>;
  /** Local time at a moment; a function where the deviation changes inside the rows. */
  readonly clock: LocalClock | ((utcMs: number) => LocalClock);
}

/** One column to send. */
export type RowSource = NumberSource | TimeSource;

/** The octets of an array of `count` structures, one field from each column; `DLMS_VALUE` when a value does not fit. */
export function encodeProfileRows(columns: readonly RowSource[], count: number): Uint8Array {
  return guarded(() => {
    if (columns.length > 0x7f) throw dlmsError('DLMS_VALUE', `${columns.length} columns, at most 127`);
    const writer = new ByteWriter(Math.min(APDU_ENCODED_MAX, 16 + count * (2 + columns.length * 8)), APDU_ENCODED_MAX);
    writer.u8(0x01);
    writeLength(writer, count);
    const head = (0x02 << 8) | columns.length;
    const writers = columns.map((column) =>
      column.kind === 'number' ? new NumberWriter(column) : new TimeWriter(column),
    );
    for (let row = 0; row < count; row++) {
      writer.u16(head);
      for (const column of writers) column.write(writer, row);
    }
    return writer.finish();
  });
}

class NumberWriter {
  readonly #source: NumberSource;
  readonly #values: ArrayLike<number>;
  readonly #tag: number;
  readonly #low: number;
  readonly #high: number;
  readonly #octets: number;

  constructor(source: NumberSource) {
    const { tag, low, high, octets } = NUMBER_TYPES[source.type];
    this.#source = source;
    this.#values = source.values;
    this.#tag = tag;
    this.#low = low;
    this.#high = high;
    this.#octets = octets;
  }

  write(writer: ByteWriter, row: number): void {
    const value = this.#values[row] ?? Number.NaN;
    if (!(value >= this.#low && value <= this.#high) || Math.floor(value) !== value) {
      this.#unusual(writer, row, value);
      return;
    }
    writer.u8(this.#tag);
    // Two's complement: the unsigned writers take the low bits of a negative number as they are.
    if (this.#octets === 4) writer.u32(value);
    else if (this.#octets === 1) writer.u8(value);
    else if (this.#octets === 2) writer.u16(value);
    else writer.i64(BigInt(value));
  }

  #unusual(writer: ByteWriter, row: number, value: number): void {
    const big = this.#source.big?.get(row);
    if (big === undefined) {
      if (!Number.isNaN(value)) throw dlmsError('DLMS_VALUE', `row ${row}: ${this.#source.type} ${value}`);
      writer.u8(0x00);
      return;
    }
    const signed = this.#source.type === 'long64';
    if (this.#octets !== 8 || (signed ? BigInt.asIntN(64, big) : BigInt.asUintN(64, big)) !== big) {
      throw dlmsError('DLMS_VALUE', `row ${row}: ${this.#source.type} ${big}`);
    }
    writer.u8(this.#tag);
    if (signed) writer.i64(big);
    else writer.u64(big);
  }
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

class TimeWriter {
  readonly #source: TimeSource;
  /** First and last ms (local) of the day written last, and its date octets: rows of a day share them. */
  #dayFromMs = Number.NaN;
  #dateOctets = 0;
  #weekday = 0;

  constructor(source: TimeSource) {
    this.#source = source;
  }

  write(writer: ByteWriter, row: number): void {
    const { clock } = this.#source;
    const utcMs = this.#source.utcMs[row] ?? Number.NaN;
    if (Number.isNaN(utcMs)) {
      writer.u8(0x00);
      return;
    }
    const local = typeof clock === 'function' ? clock(utcMs) : clock;
    const localMs = utcMs - local.deviation * MINUTE_MS;
    if (!(localMs >= this.#dayFromMs && localMs < this.#dayFromMs + DAY_MS)) this.#day(utcMs, local);
    const hundredths = Math.floor((localMs - this.#dayFromMs) / 10);
    const seconds = Math.floor(hundredths / 100);
    const minutes = Math.floor(seconds / 60);
    const hour = Math.floor(minutes / 60);
    writer.u16(0x09_0c).u32(this.#dateOctets).u8(this.#weekday);
    writer
      .u8(hour)
      .u8(minutes - hour * 60)
      .u8(seconds - minutes * 60)
      .u8(hundredths - seconds * 100);
    writer.i16(local.sendDeviation === false ? -0x80_00 : local.deviation).u8(local.status ?? 0);
  }

  #day(utcMs: number, local: LocalClock): void {
    const date: CosemDateTime = dateTimeOfUtcMs(utcMs, local);
    const { year, month, day, weekday } = date;
    if (year === null || month === null || day === null || year < 0 || year > 0xff_fe) {
      throw dlmsError('DLMS_VALUE', `moment ${utcMs}`);
    }
    this.#dayFromMs = Math.floor((utcMs - local.deviation * MINUTE_MS) / DAY_MS) * DAY_MS;
    this.#dateOctets = year * 0x1_00_00 + month * 0x1_00 + day;
    this.#weekday = weekday ?? 0xff;
  }
}
