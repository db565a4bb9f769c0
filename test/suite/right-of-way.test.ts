/** The right of way on a real link: HDLC over TCP, with the host's clock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Meter } from '../../src/edge/ports.ts';
import { DlmsLineReader } from '../../src/edge/reader/line-reader.ts';
import { LinkSessions } from '../../src/edge/reader/sessions.ts';
import { Scheduler } from '../../src/edge/scheduler/scheduler.ts';
import { createHostEnv } from '../../src/host/env.ts';
import type { LineLink } from '../../src/link/link.ts';
import { linkOf } from '../../src/link/registry.ts';
import type { MeterId } from '../../src/model/ids.ts';
import { planJobs } from '../../src/profile/plan.ts';
import { makeFleet, SIM_PASSWORD, serveLine } from '../../src/sim/fleet.ts';
import { DirectStage, profileOf } from '../unit/edge/bus.ts';
import { FakeJournal } from '../unit/edge/fake-journal.ts';
import { FakeHealth } from '../unit/edge/world.ts';

const WAIT_MAX_MS = 5_000;

test('IT-1 an order behind a silent meter of a TCP line starts and is answered within 5 s', async () => {
  const env = createHostEnv({ logLevel: 'silent' });
  const profile = profileOf('generic/idis');
  const nowMs = () => env.clock.nowMs();
  const place = { profiles: [profile], timeZone: 'Europe/Berlin', nowMs, days: 1, households: [] };
  const silent = new Map([[0, 'silent' as const]]);
  const fleet = makeFleet({ ...place, seed: 'bus', count: 2, misbehaviours: silent }, null);
  let asked: () => void = () => undefined;
  const wasAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const listener = await env.net.listenTcp('127.0.0.1', 0, (duplex) => {
    serveLine(duplex, fleet, 'hdlc', env, null);
    asked();
  });
  const link = linkOf(`tcp+hdlc://127.0.0.1:${listener.port}`, env) as LineLink;
  const journal = new FakeJournal();
  const [stage, health] = [new DirectStage(journal), new FakeHealth()];
  const meters = fleet.map(
    (meter): Meter => ({
      meterId: meter.device.meterId as MeterId,
      line: 'bus1',
      profile,
      timeZone: 'Europe/Berlin',
      logicalDevice: meter.logicalDevice,
      physicalDevice: meter.hdlcAddress,
      password: new TextEncoder().encode(SIM_PASSWORD),
    }),
  );
  const opener = new LinkSessions(link, env);
  const common = {
    env,
    line: 'bus1',
    meters,
    opener,
    stage,
    journal,
    rereads: journal,
    health,
    slots: 1,
    nowMs,
    historyMs: null,
  };
  const reader = new DlmsLineReader(common);
  await reader.start();
  const scheduler = new Scheduler({ env, health, watermark: (meterId, key) => stage.watermark(meterId, key) });
  scheduler.addLine('bus1', reader);
  const [dead, good] = meters;
  assert.ok(dead !== undefined && good !== undefined);
  scheduler.addMeter('bus1', dead.meterId, planJobs(profile));
  scheduler.addMeter('bus1', good.meterId, []);
  try {
    scheduler.start();
    await wasAsked;
    const givenAtMs = env.clock.monotonicMs();
    let startedAfterMs = Number.POSITIVE_INFINITY;
    const started = async () => {
      startedAfterMs = env.clock.monotonicMs() - givenAtMs;
    };
    const energy = [{ classId: 3, obis: '1-0:1.8.0*255', attribute: 2 }];
    const result = await scheduler.withMeter(good.meterId, 'on-demand', { timeoutMs: 15_000, started }, (meter) =>
      meter.readObjects(energy),
    );
    assert.ok(result.ok && result.result[0]?.value !== undefined);
    assert.ok(startedAfterMs < WAIT_MAX_MS, `started after ${startedAfterMs} ms`);
    assert.equal(health.counters.get('reader_made_way'), 1);
  } finally {
    await Promise.all([scheduler.stop(), reader.stop(false)]);
    await listener.close();
  }
});
