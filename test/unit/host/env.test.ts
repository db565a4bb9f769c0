import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SILENT_LOG } from '../../../src/base/log.ts';
import { createHostEnv } from '../../../src/host/env.ts';

test('the host environment is whole, and what a timer throws reaches the log', async () => {
  const logged: unknown[] = [];
  const env = createHostEnv({
    log: { ...SILENT_LOG, error: (event, fields) => logged.push([event, fields?.['reason']]) },
  });
  env.timers.after(0, () => {
    throw new Error('mine');
  });
  await env.timers.sleep(3);
  assert.deepEqual(logged, [['host.timer-failed', 'mine']]);
  assert.deepEqual(Object.keys(env).sort(), [
    'clock',
    'crypto',
    'disk',
    'log',
    'mqtt',
    'net',
    'random',
    'serial',
    'timers',
  ]);
});
