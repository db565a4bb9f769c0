import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { benchWire } from '../../../src/lab/benches/wire.ts';

test('the wire bench keeps its bars of octets on the published loads', async () => {
  const root = new URL('../../../', import.meta.url);
  let nowMs = 0;
  const result = await benchWire({
    // Speed depends on the neighbours and is for the bench itself; octets do not.
    nowMs: () => nowMs++,
    seed: 1,
    rounds: 1,
    readText: (path) => readFile(new URL(path, root), 'utf8'),
    progress: () => undefined,
  });
  const octetBars = result.bars.filter(({ name }) => name.includes('B/value'));
  assert.equal(octetBars.length, 4);
  for (const { name, value, limit, holds } of octetBars) {
    assert.ok(value > 0.5, `${name}: ${value} is below any code`);
    assert.ok(holds, `${name}: ${value} above ${limit}`);
  }
});
