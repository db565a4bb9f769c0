/** fast-check arbitraries of rows and dictionaries that go to the ends of what the format holds. */
import fc from 'fast-check';
import { type ExactInteger, exact } from '../../src/model/number.ts';
import { QUALITIES } from '../../src/model/reading.ts';
import { VALUE_MAX, VALUE_MIN } from '../../src/wire/limits.ts';
import type { DictionaryGroup, Row } from '../../src/wire/rows.ts';

/** A dictionary of `count` groups with one to three columns; every third one has no interval length. */
export function dictionaryOf(count: number, intervalS = 900): DictionaryGroup[] {
  return Array.from({ length: count }, (_, group) => ({
    meterId: `m${group}`,
    intervalS: group % 3 === 2 ? 0 : intervalS,
    source: 0,
    timeZone: 'Europe/Vienna',
    columns: Array.from({ length: 1 + (group % 3) }, (_, column) => ({
      obis: `1-0:${column + 1}.8.0*255`,
      exponent: 0,
      unit: 'Wh',
    })),
  }));
}

/** Values of 64 bits of either sign, small ones, and the ends of the range. */
export const anyValue: fc.Arbitrary<ExactInteger | null> = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -50, max: 5000 }) },
  { weight: 2, arbitrary: fc.maxSafeInteger() },
  { weight: 2, arbitrary: fc.bigInt({ min: VALUE_MIN, max: VALUE_MAX }).map(exact) },
  { weight: 1, arbitrary: fc.constantFrom<ExactInteger | null>(0, VALUE_MAX, VALUE_MIN, 2n ** 63n - 1n) },
  { weight: 1, arbitrary: fc.constant(null) },
);

const anyStatus = fc.oneof(
  { weight: 4, arbitrary: fc.constant(new Uint8Array(0)) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 0, maxLength: 8 }) },
);
const anyDeviation = fc.oneof(fc.constant(null), fc.integer({ min: -720, max: 720 }));
const anyTime = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 400 }).map((step) => 1_772_323_200_000 + step * 900_000) },
  { weight: 1, arbitrary: fc.integer({ min: -(2 ** 51), max: 2 ** 51 }) },
);

/** One row of the dictionary. */
export function anyRow(dictionary: readonly DictionaryGroup[]): fc.Arbitrary<Row> {
  return fc.integer({ min: 0, max: dictionary.length - 1 }).chain((group) => {
    const columns = dictionary[group]?.columns.length ?? 0;
    return fc.record(
      {
        group: fc.constant(group),
        atMs: anyTime,
        status: anyStatus,
        quality: fc.constantFrom(...QUALITIES),
        deviationMin: anyDeviation,
        values: fc.array(anyValue, { minLength: columns, maxLength: columns }),
      },
      { noNullPrototype: true },
    );
  });
}

/** Plain rows: in step, growing, with a reset now and then. */
export function steadyRows(dictionary: readonly DictionaryGroup[], fromMs: number, count: number, grow: number): Row[] {
  return dictionary.flatMap((group, index) =>
    Array.from({ length: count }, (_, at) => ({
      group: index,
      atMs: fromMs + at * 900_000,
      status: new Uint8Array(0),
      quality: 'good' as const,
      deviationMin: null,
      values: group.columns.map((_, column) => 1000 * index + at * grow * column),
    })),
  );
}
