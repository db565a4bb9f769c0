/** The `bus` bench with fewer orders: its bars hold in every run, for its time is virtual. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { benchBus } from '../../src/lab/benches/bus.ts';

const ORDERS = 60;

test('SG-MR-4 SG-MR-5 SG-MR-6 32 meters at 9,600 Bd: orders end within 5 s beside periodic reading, which holds the line no longer than it must', async (context) => {
  const readText = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
  const env = { seed: 3, count: ORDERS, readText, nowMs: () => performance.now(), progress: () => undefined };
  const { figures, bars } = await benchBus(env);
  context.diagnostic(JSON.stringify(figures));
  assert.deepEqual(
    bars.filter(({ holds }) => !holds),
    [],
  );
  assert.equal(figures['ended'], ORDERS);
  assert.ok((figures['roundOctets'] ?? 0) > 100_000, 'the meters were read');
});
