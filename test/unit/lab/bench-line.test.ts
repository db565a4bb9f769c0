import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchLine } from '../../../src/lab/benches/line.ts';

test('the line bench holds its bars, and gives the same line time for the same seed', async () => {
  let nowMs = 0;
  const said: string[] = [];
  const env = { nowMs: () => nowMs++, seed: 3, progress: (text: string) => said.push(text) };
  const { figures, bars } = await benchLine(env);
  assert.equal(said.length, 2);
  assert.deepEqual(
    bars.map(({ holds }) => holds),
    [true, true],
  );
  assert.ok(bars.every(({ value, limit }) => value >= limit && value <= 1.000_001));
  assert.ok(
    (figures['window1Info128LineMs'] ?? 0) > (figures['negotiatedLineMs'] ?? 0),
    'bigger frames cost less line',
  );
  const { figures: again } = await benchLine({ ...env, seed: 3 });
  assert.equal(again['negotiatedLineMs'], figures['negotiatedLineMs']);
});
