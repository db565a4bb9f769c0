import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { joinBars, type Point, pointsOf, totalOf, usageOf } from '../../../src/collector/web/app/usage.ts';
import { plural, valueText } from '../../../src/collector/web/app/words.ts';

const STEP_MS = 900_000;
const point = (at: number, value: number | bigint, exponent = 0): Point => ({
  atMs: at * STEP_MS,
  value,
  exponent,
  unit: 'Wh',
  quality: 'good',
});

test('the use of an interval is the difference of its ends, and nothing is spread over a gap', () => {
  const bars = usageOf([point(0, 100), point(1, 130), point(4, 190), point(5, 190)], 900, 0, 6 * STEP_MS);
  assert.deepEqual(
    bars.map((bar) => bar.value),
    [30, null, null, null, 0, null],
  );
  assert.deepEqual(totalOf(bars), { value: 30, exponent: 0, unknown: 4 });
});

test('a register that goes back is not known, never negative', () => {
  assert.deepEqual(
    usageOf([point(0, 100), point(1, 40)], 900, 0, STEP_MS).map((bar) => bar.value),
    [null],
  );
});

test('use of 64-bit registers is exact', () => {
  const bars = usageOf([point(0, 2n ** 63n), point(1, 2n ** 63n + 125n)], 900, 0, STEP_MS);
  assert.deepEqual(
    bars.map((bar) => bar.value),
    [125],
  );
});

test('daily registers end at the midnight of the site, whatever that is in UTC', () => {
  const midnight = (day: number): number => day * 86_400_000 - 2 * 3_600_000;
  const daily = [1, 2, 3].map((day) => ({ ...point(0, day * 1_000), atMs: midnight(day) }));
  const bars = usageOf(daily, 86_400, midnight(1), midnight(3));
  assert.deepEqual(
    bars.map((bar) => [bar.toMs, bar.value]),
    [
      [midnight(2), 1_000],
      [midnight(3), 1_000],
    ],
  );
});

test('joined bars keep the sum, and are known only when all of them are', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat({ max: 500 }), { nil: null }), { minLength: 1, maxLength: 60 }), (uses) => {
      const bars = uses.map((value, at) => ({
        fromMs: at * STEP_MS,
        toMs: (at + 1) * STEP_MS,
        value,
        exponent: 0,
        quality: 'good',
      }));
      const joined = joinBars(bars, 3_600);
      assert.equal(joined.length, Math.ceil(uses.length / 4));
      joined.forEach((bar, hour) => {
        const members = uses.slice(hour * 4, hour * 4 + 4);
        const sum = members.includes(null) ? null : members.reduce<number>((total, use) => total + (use ?? 0), 0);
        assert.equal(bar.value, sum);
      });
    }),
  );
});

test('columns are read whether a value stands once or in every row, as number or as text', () => {
  const columns = {
    atMs: { type: 'integer', values: [1, 2] },
    value: { type: 'string', values: ['18446744073709551615', '7'] },
    exponent: { type: 'integer', constant: -1 },
    unit: { type: 'string', constant: 'Wh' },
    quality: { type: 'string', constant: 'good' },
  };
  assert.deepEqual(pointsOf({ rows: 2, columns }), [
    { atMs: 1, value: 18_446_744_073_709_551_615n, exponent: -1, unit: 'Wh', quality: 'good' },
    { atMs: 2, value: 7n, exponent: -1, unit: 'Wh', quality: 'good' },
  ]);
});

test('values are written with all their digits', () => {
  assert.equal(valueText('18446744073709551615', -3, 'Wh'), '18 446 744 073 709.551615 kWh');
  assert.equal(valueText(2_358, -1, 'V'), '235.8 V');
  assert.equal(valueText(0, 0, 'Wh'), '0 Wh');
  assert.deepEqual([plural(1, 'meter'), plural(12_000, 'meter')], ['1 meter', '12 000 meters']);
});
