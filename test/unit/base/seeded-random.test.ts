/** Randomness that comes again from its seed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../../src/base/seeded-random.ts';

test('every item is picked as often as the others, and nothing from nothing', () => {
  const random = new SeededRandom(7);
  const counts = { a: 0, b: 0, c: 0 };
  for (let at = 0; at < 9_000; at++) counts[random.pick(['a', 'b', 'c'] as const)]++;
  for (const count of Object.values(counts)) assert.ok(Math.abs(count - 3_000) < 200, JSON.stringify(counts));
  assert.throws(() => random.pick([]), RangeError);
});
