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

test('a seed gives the same numbers for good: runs are named by it', () => {
  const last = (seed: number | string) => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 20 }, () => random.u32()).slice(-3);
  };
  assert.deepEqual(last(7), [1_199_995_106, 1_712_815_403, 1_068_264_843]);
  assert.deepEqual(last('swarm/1'), [1_214_240_429, 159_489_329, 1_419_865_446]);
  const random = new SeededRandom(7);
  assert.deepEqual([...random.bytes(4)], [0xfc, 0x08, 0x52, 0x6a]);
  assert.deepEqual([random.below(1_000), random.fork('x').u32()], [176, 4_259_870_727]);
});
