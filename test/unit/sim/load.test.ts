import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '../../../src/base/errors.ts';
import { utcMsOfIso } from '../../../src/profile/check.ts';
import { type RegisterRule, registerByObis } from '../../../src/profile/schema/profile.ts';
import { HouseholdShape, parseHouseholds } from '../../../src/sim/load/households.ts';
import { MeterLoad } from '../../../src/sim/load/meter-load.ts';
import { hash32, noise, seedOf, smoothNoise } from '../../../src/sim/load/noise.ts';
import { FLAT_PATTERN, GeneratedShape, SOLAR_PATTERN } from '../../../src/sim/load/shapes.ts';
import { profileOf } from './world.ts';

const CSV = readFileSync(new URL('../../../config/loads/households.csv', import.meta.url));
const HOUSEHOLDS = parseHouseholds(CSV);
const FROM = utcMsOfIso('2025-06-01T00:00:00Z');
const DAY_MS = 86_400_000;
const moments = fc
  .array(fc.integer({ min: 0, max: 500 * DAY_MS }), { minLength: 2, maxLength: 20 })
  .map((list) => list.sort((a, b) => a - b));
const idis = profileOf('generic/idis');
const register = (obis: string): RegisterRule => registerByObis(idis, obis) ?? assert.fail(obis);

test('a generated total never falls, at whatever moments it is asked, and its days keep to their mean', () => {
  fc.assert(
    fc.property(fc.integer(), moments, (seed, times) => {
      const shape = new GeneratedShape({ seed, perDay: 8000, pattern: FLAT_PATTERN, season: 0.3, peakDay: 15 });
      const totals = times.map((time) => shape.total(FROM + time));
      for (let at = 1; at < totals.length; at++) assert.ok((totals[at] ?? 0) >= (totals[at - 1] ?? 0));
    }),
  );
  const shape = new GeneratedShape({ seed: 7, perDay: 8000, pattern: FLAT_PATTERN, season: 0.3, peakDay: 15 });
  const year = shape.total(FROM + 365.25 * DAY_MS) - shape.total(FROM);
  assert.ok(Math.abs(year / 365.25 - 8000) < 100, `${year / 365.25} a day`);
});

test('a shape asked in any order gives the same totals', () => {
  const make = () => new GeneratedShape({ seed: 3, perDay: 100, pattern: SOLAR_PATTERN, season: 0.4, peakDay: 172 });
  const [forward, backward] = [make(), make()];
  const times = Array.from({ length: 200 }, (_, at) => FROM + at * 7_777_777);
  const there = times.map((time) => forward.total(time));
  const back = [...times].reverse().map((time) => backward.total(time));
  assert.deepEqual(back.reverse(), there);
});

test('panels make nothing at night', () => {
  const shape = new GeneratedShape({ seed: 3, perDay: 100, pattern: SOLAR_PATTERN, season: 0.4, peakDay: 172 });
  const day = utcMsOfIso('2026-03-01T00:00:00Z');
  assert.equal(shape.total(day + 5 * 3_600_000), shape.total(day));
  assert.ok(shape.total(day + 12 * 3_600_000) > shape.total(day + 10 * 3_600_000));
});

test('households: ten of them, whole weeks, totals that never fall over the seam of the data', () => {
  assert.equal(HOUSEHOLDS.length, 10);
  for (const household of HOUSEHOLDS) assert.equal((household.totalWh.length - 1) % (7 * 48), 0);
  const [household] = HOUSEHOLDS;
  assert.ok(household !== undefined);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 103 }), moments, (weeks, times) => {
      const shape = new HouseholdShape(household, 0.8, weeks, 5);
      const totals = times.map((time) => shape.total(FROM + time * 4));
      for (let at = 1; at < totals.length; at++) assert.ok((totals[at] ?? 0) >= (totals[at - 1] ?? 0));
      assert.ok((totals[0] ?? -1) >= 0);
    }),
  );
});

test('a half-hour of a real household is found again in a meter that plays it unscaled', () => {
  const [household] = HOUSEHOLDS;
  assert.ok(household !== undefined);
  const shape = new HouseholdShape(household, 1, 0, 5);
  // Totals count in weeks from Monday 1970-01-05; the data begin on Monday 2012-02-13.
  const line =
    CSV.toString()
      .split('\n')
      .find((row) => row.startsWith('H01,2012-02-14')) ?? assert.fail();
  const recorded = line.split(',').slice(2).map(Number);
  const weeks = (household.totalWh.length - 1) / (7 * 48);
  const cycleMs = weeks * 7 * DAY_MS;
  const tuesday = 5 * DAY_MS + Math.ceil(FROM / cycleMs) * cycleMs;
  const played = recorded.map(
    (_, at) => shape.total(tuesday + (at + 1) * 1_800_000) - shape.total(tuesday + at * 1_800_000),
  );
  played.forEach((value, at) => {
    assert.ok(Math.abs(value - (recorded[at] ?? -1)) < 1e-6, `half-hour ${at}: ${value} and ${recorded[at]}`);
  });
});

test('files of loads that are none are refused with the line', () => {
  const octets = (text: string) => new TextEncoder().encode(text);
  const header = CSV.toString().split('\n')[0];
  for (const text of [
    '',
    'a,b,c',
    `${header}\n`,
    `${header}\nH1,2012-01-01,1,2\n`,
    `${header}\nH1,2012-01-01${',1'.repeat(48)}\n`,
  ]) {
    assert.throws(
      () => parseHouseholds(octets(text)),
      (error) => hasCode(error, 'SIM_LOADS'),
      text.slice(0, 60),
    );
  }
});

test('a meter: rates add up to the total, voltage stays near 230 V, a meter without panels exports nothing', () => {
  for (let seed = 0; seed < 20; seed++) {
    const load = new MeterLoad({ seed: String(seed), medium: 'electricity', households: HOUSEHOLDS, aheadMin: 60 });
    const at = FROM + seed * DAY_MS;
    const total = load.valueAt(register('1-0:1.8.0*255'), at);
    const rates = load.valueAt(register('1-0:1.8.1*255'), at) + load.valueAt(register('1-0:1.8.2*255'), at);
    assert.ok(Math.abs(total - rates) < 1e-3);
    const volts = load.valueAt(register('1-0:32.7.0*255'), at);
    assert.ok(volts > 222 && volts < 240, `${volts} V`);
    const hertz = load.valueAt(register('1-0:14.7.0*255'), at);
    assert.ok(Math.abs(hertz - 50) < 0.05);
    assert.ok(load.valueAt(register('1-0:1.7.0*255'), at) >= 0);
    assert.ok(load.isTotal(register('1-0:1.8.0*255')) && !load.isTotal(register('1-0:32.7.0*255')));
  }
});

test('about one meter in eight has panels; the same seed has the same load', () => {
  const exportsOf = (seed: number) => {
    const load = new MeterLoad({ seed: String(seed), medium: 'electricity', households: [], aheadMin: 60 });
    return load.valueAt(register('1-0:2.8.0*255'), FROM);
  };
  const solar = Array.from({ length: 400 }, (_, seed) => exportsOf(seed)).filter((value) => value > 0).length;
  assert.ok(solar > 25 && solar < 75, `${solar} of 400`);
  assert.equal(exportsOf(3), exportsOf(3));
});

test('gas rises more in winter than in summer, water does not stop', () => {
  const volume = profileOf('generic/gas').registers[0] ?? assert.fail();
  const used = (medium: 'gas' | 'water', from: string) => {
    const load = new MeterLoad({ seed: 'g', medium, households: [], aheadMin: 60 });
    return load.valueAt(volume, utcMsOfIso(from) + 30 * DAY_MS) - load.valueAt(volume, utcMsOfIso(from));
  };
  assert.ok(used('gas', '2026-01-01T00:00:00Z') > 1.5 * used('gas', '2026-07-01T00:00:00Z'));
  assert.ok(used('water', '2026-07-01T00:00:00Z') > 1);
});

test('noise has no state, is spread evenly and moves smoothly where it should', () => {
  assert.equal(noise(1, 12_345_678_901), noise(1, 12_345_678_901));
  assert.notEqual(hash32(1, 2), hash32(2, 1));
  assert.notEqual(seedOf('1', 'a'), seedOf('1', 'b'));
  const values = Array.from({ length: 10_000 }, (_, at) => noise(9, at));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(Math.abs(mean - 0.5) < 0.02 && values.every((value) => value >= 0 && value < 1));
  assert.ok(Math.abs(smoothNoise(1, 5.5) - smoothNoise(1, 5.51)) < 0.02);
});
