import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HorizonWatch } from '../../../src/edge/horizon-watch.ts';
import type { Meter } from '../../../src/edge/ports.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { profileOf } from './bus.ts';
import { FakeHealth, testWorld } from './world.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

test('IT-15 60 and 80 % of a buffer unread are told once each, without a word of the meter, and so is its reading', async () => {
  const world = testWorld();
  const { env } = world.program('edge');
  const health = new FakeHealth();
  const told: string[] = [];
  const startMs = env.clock.nowMs();
  let markMs = startMs;
  let isSet = false;
  const meter = { meterId: 'm1' as MeterId, line: 'bus1', profile: profileOf('generic/idis') } as Meter;
  const watch = new HorizonWatch({
    env,
    health,
    meters: [meter],
    // Its load profile holds 40 days, the daily one 62.
    stage: {
      watermark: () => markMs,
      add: async ({ records }) => {
        for (const record of records)
          if (record.kind === 'event')
            told.push(
              `${Math.round((env.clock.nowMs() - startMs) / DAY_MS)} ${record.event.name} ${record.event.sentence.slice(0, 4)}`,
            );
      },
    },
    nowMs: () => (isSet ? env.clock.nowMs() : null),
  });
  watch.start();
  isSet = true;
  await world.clock.advance(35 * DAY_MS);
  assert.deepEqual(told, ['24 buffer-fills 60 %', '32 buffer-nearly-full 80 %']);
  assert.match(health.states.get('unread buffers') ?? '', /^degraded: 1 buffers/);
  markMs = env.clock.nowMs();
  await world.clock.advance(2 * HOUR_MS);
  assert.deepEqual(told.slice(2), ['35 buffer-read-again The ']);
  assert.match(health.states.get('unread buffers') ?? '', /^ok/);
  watch.stop();
  markMs = startMs;
  await world.clock.advance(2 * HOUR_MS);
  assert.equal(told.length, 3, 'a watch that was stopped looks no more');
});
