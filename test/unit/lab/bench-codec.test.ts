/** The codec bench on a clock of its own: what it measures and when it fails. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { benchCodec } from '../../../src/lab/benches/codec.ts';

/** Each look at the clock is `stepMs` later, so a round is one batch. */
async function run(stepMs: number) {
  let nowMs = 0;
  let heapBytes = 0;
  const said: string[] = [];
  const result = await benchCodec({
    nowMs: () => {
      nowMs += stepMs;
      return nowMs;
    },
    seed: 1,
    progress: (text) => said.push(text),
    memory: () => {
      heapBytes += 64 * 1_000;
      return { heapBytes, bufferBytes: 0, rssBytes: 0 };
    },
  });
  return { ...result, said };
}

test('HE-7 the codec bench: 3,654 octets, bars with the limits of the design, failing when it is slow', async () => {
  const slow = await run(1_000);
  assert.equal(slow.figures['octets'], 3_654);
  assert.deepEqual(
    slow.bars.map(({ limit, holds }) => [limit, holds]),
    [
      [2_000_000, false],
      [1_200_000, false],
      [1_500_000, false],
      [1, true],
    ],
  );
  assert.equal(slow.bars[0]?.value, slow.figures['decodeRowsPerS']);
  assert.equal(slow.figures['heapPerApduBytes'], 1_000, 'what the heap grew by in a batch, for each message');
  assert.ok((slow.figures['jsonParseRowsPerS'] ?? 0) > 0, 'a reference from the same run');
  assert.ok(slow.said.length >= 5);
});
