/** What interval blocks carry, before packing and after unpacking. */
import type { ExactInteger } from '../model/number.ts';
import type { Quality } from '../model/reading.ts';

/** One row of a group: all its columns at one time. */
export interface Row {
  /** Index of the group in the dictionary. */
  readonly group: number;
  /** Interval end or capture time, UTC ms. */
  readonly atMs: number;
  /** 0-8 octets, as read. */
  readonly status: Uint8Array;
  readonly quality: Quality;
  /** COSEM deviation in minutes, null when the meter gave none. */
  readonly deviationMin: number | null;
  /** One value per column of the group; null = the meter gave none. */
  readonly values: readonly (ExactInteger | null)[];
}

/** A dictionary as programs use it; `wire/dictionary` turns it into octets and their hash. */
export interface DictionaryGroup {
  readonly meterId: string;
  readonly intervalS: number;
  /** Index in model SOURCES. */
  readonly source: number;
  readonly timeZone: string;
  readonly columns: readonly DictionaryColumn[];
}

/** A column of a group. */
export interface DictionaryColumn {
  /** `A-B:C.D.E*F`. */
  readonly obis: string;
  readonly exponent: number;
  readonly unit: string;
}
