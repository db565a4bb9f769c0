/** A fleet that was away for a day comes back at one moment: fair shares, alarms and fresh readings in time, bounded memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jainOf, proveHerdPart } from '../../src/lab/proofs/herd.ts';

test('sixty edges with a day of backlog share a slow database fairly, and alarms pass', async (context) => {
  const memory = () => {
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
    return { heapBytes: heapUsed, bufferBytes: arrayBuffers, rssBytes: rss };
  };
  const { figures, bars } = await proveHerdPart({ seed: 1, count: 60, progress: () => undefined, memory });
  context.diagnostic(JSON.stringify(figures));
  assert.deepEqual(
    bars.filter(({ holds }) => !holds),
    [],
  );
  assert.equal(figures['commitsAtOnce'], 8);
});

test('the index of shares knows even from uneven', () => {
  assert.equal(jainOf([5, 5, 5]), 1);
  assert.equal(jainOf([9, 0, 0]), 1 / 3);
  assert.equal(jainOf([0, 0]), 0);
});
