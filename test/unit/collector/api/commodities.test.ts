/** Completeness by commodity against ranges counted by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommodityTally, commodityOf, isNeverRead } from '../../../../src/collector/api/commodities.ts';
import type { GapCause } from '../../../../src/model/event.ts';

const HOUR_MS = 3_600_000;
const NOON_MS = Date.UTC(2026, 2, 1, 12);
const RANGE = { fromMs: NOON_MS - 24 * HOUR_MS, toMs: NOON_MS };

const channel = (obis: string, intervalS: number, firstAtMs: number, lastAtMs = NOON_MS) => ({
  meterId: 'm1' as never,
  obis,
  intervalS,
  unit: 'Wh',
  exponent: 0,
  firstAtMs,
  lastAtMs,
});

const gap = (obis: string, intervalS: number, cause: GapCause, count: number) => ({
  meterId: 'm1' as never,
  obis,
  intervalS,
  fromMs: 0,
  toMs: 0,
  count,
  cause,
  sentence: '',
});

test('IT-12 completeness counts what is here among what could be here', () => {
  const tally = new CommodityTally(RANGE);
  const [energy, gas] = ['1-0:1.8.0*255', '7-0:3.0.0*255'];
  tally.add(
    [channel(energy, 900, 0), channel(energy, 86_400, 0, RANGE.fromMs + 12 * HOUR_MS), channel('1-0:32.7.0*255', 0, 0)],
    [gap(energy, 900, 'not-due', 1), gap(energy, 900, 'missing-in-meter', 5)],
  );
  tally.add([channel(energy, 900, NOON_MS - HOUR_MS)], []);
  tally.add([channel(gas, 3_600, 0, NOON_MS - HOUR_MS)], [gap(gas, 3_600, 'buffered-at-edge', 1)]);
  assert.deepEqual(tally.answer(), [
    // 96 quarters without the one that is not due, one midnight, and five ends of an hour that began with a reading.
    { commodity: 'electricity', meters: 2, expected: 95 + 1 + 5, present: 90 + 1 + 5, newestAtMs: NOON_MS },
    { commodity: 'gas', meters: 1, expected: 24, present: 23, newestAtMs: NOON_MS - HOUR_MS },
  ]);
});

test('IT-12 a placed meter without an interval reading is never read, whatever else it told', () => {
  const placed = { meterId: 'm1' as never, tenantId: 't1' as never, edgeId: 'e1' as never };
  const register = channel('1-0:1.8.0*255', 0, 0);
  assert.equal(isNeverRead(placed, [], NOON_MS), true);
  assert.equal(isNeverRead(placed, [register], NOON_MS), true);
  assert.equal(isNeverRead(placed, [register, channel('1-0:1.8.0*255', 900, 0)], NOON_MS), false);
  assert.equal(isNeverRead({ ...placed, placedToMs: NOON_MS - 1 }, [], NOON_MS), false, 'taken down');
  const { edgeId: _none, ...unplaced } = placed;
  assert.equal(isNeverRead(unplaced, [], NOON_MS), false);
});

test('a channel younger than the range, or of no known commodity, is counted for what it is', () => {
  const tally = new CommodityTally(RANGE);
  tally.add([channel('0-1:24.2.1*255', 3_600, NOON_MS + 1)], []);
  assert.deepEqual(tally.answer(), [{ commodity: 'other', meters: 1, expected: 0, present: 0, newestAtMs: NOON_MS }]);
  assert.equal(commodityOf('8-0:1.0.0*255'), 'water');
});
