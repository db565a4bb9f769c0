/** How the fuzzer weighs heap: what a busy machine leaves on it is no find, what an input keeps is one every time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FuzzMeters, Judge } from '../../../src/lab/fuzz/fuzzer.ts';
import { parser } from '../../../src/lab/fuzz/target.ts';

/** As it was seen: 100,992 octets, where an empty input may take 65,536. */
const NOISE_OCTETS = 100_992;
const INPUT = Uint8Array.of(1);

/** A heap on which every run allocates, and on which something is left after a collection. */
function heap(left: (weighing: number) => number) {
  let [octets, weighings, garbage] = [0, 0, 0];
  const meters: FuzzMeters = {
    nowMs: () => 0,
    heapBytes: () => octets,
    collectGarbage: () => {
      if (garbage > 0) octets -= garbage - left(weighings++);
      garbage = 0;
    },
  };
  const target = parser('greedy', ['data'], 1, () => {
    octets += 2 * NOISE_OCTETS;
    garbage += 2 * NOISE_OCTETS;
    return null;
  });
  return { judge: () => new Judge(meters).judge(target, INPUT), weighings: () => weighings };
}

test('HE-7 what code compiled meanwhile leaves on the heap is no find, however often it comes in a row', () => {
  const noisy = heap((weighing) => (weighing < 9 ? NOISE_OCTETS : 16));
  assert.equal(noisy.judge(), null);
});

test('HE-7 a clean heap is weighed three times, no more', () => {
  const clean = heap(() => 16);
  assert.equal(clean.judge(), null);
  // Of each weighing, and once for the runs before them.
  assert.equal(clean.weighings(), 4);
});

test('HE-7 what an input keeps each time is a find, and the bound is what it was', () => {
  const greedy = heap(() => NOISE_OCTETS);
  assert.match(greedy.judge() ?? '', /^takes 100992 octets of heap, 65600 are allowed$/);
  assert.equal(heap(() => 65_600).judge(), null);
  assert.match(heap(() => 65_601).judge() ?? '', /65601 octets/);
});
