/** An edge that was away comes back on a slow line: the backlog fills the line, and what is urgent or new passes it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchUplinkDrain } from '../../src/lab/benches/uplink-drain.ts';

test('six days of 1,000 meters fill 95 % of 20 kbit/s; alarms and fresh readings pass them', async (context) => {
  const { figures, bars } = await benchUplinkDrain({ seed: 1, count: 6, progress: () => undefined });
  context.diagnostic(JSON.stringify(figures));
  assert.deepEqual(
    bars.filter(({ holds }) => !holds),
    [],
  );
  assert.ok((figures['backlogOctets'] ?? 0) > 500_000);
});
