/**
 * Keys changed by schedule over the whole system in virtual time: collector, broker, edge and meters with keys. Programs are
 * killed and a meter is away while it goes on; afterwards every meter has new keys and everything it measured is there.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { toHex } from '../../src/base/bytes.ts';
import { octetsOfKey } from '../../src/dlms/security/secret-key.ts';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { VirtualSystem } from '../../src/lab/virtual-system.ts';
import { END_STATES } from '../../src/model/command.ts';
import type { MeterId } from '../../src/model/ids.ts';
import { START_MS } from '../unit/collector/fake-env.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const PERIOD_MS = 30 * DAY_MS;
const METERS = 4;
const AWAY = 2;
const CONTROL_CLIENT = 1;
const IDIS = 'generic/idis';
const TEXT = await readFile(new URL(`../../config/profiles/${IDIS}.yaml`, import.meta.url), 'utf8');

const keyFileOf = (at: number) => ({
  clientTitle: '4457450000000001',
  meterTitle: `44574500000001${(at + 16).toString(16)}`,
  encryptionKey: `${at + 1}`.repeat(32),
  authenticationKey: `a${at}`.repeat(16),
  masterKey: `c${at}`.repeat(16),
  mechanism: 'hls-gmac',
});
const FILES = Array.from({ length: METERS }, (_, at) => keyFileOf(at));

/** A site whose keys are all due when it starts. */
function started(seed: number): Promise<VirtualSystem> {
  return VirtualSystem.start({
    seed,
    meters: METERS,
    profiles: [{ key: IDIS, text: TEXT }],
    crypto: HOST_CRYPTO,
    startMs: START_MS,
    layout: 'one-bus',
    keyFiles: FILES,
    rotationGroups: [
      { name: 'all', edges: [], meters: [], keys: KEYS, periodMs: PERIOD_MS, fromMs: START_MS - PERIOD_MS },
    ],
  });
}

async function ordersOf(system: VirtualSystem, at: number) {
  const { device } = system.site.meters[at] ?? assert.fail();
  return (await system.store.commands({ meterId: device.meterId as MeterId, limit: 50 })).items;
}

async function openOrders(system: VirtualSystem) {
  const all = await Promise.all(FILES.map((_, at) => ordersOf(system, at)));
  return all.flat().filter(({ state }) => !END_STATES.has(state));
}

/** The meters of this site have no broadcast key. */
const KEYS = ['encryption', 'authentication', 'master'] as const;

/** What a meter has now of a key, hex. */
function keyIn(system: VirtualSystem, at: number, key: (typeof KEYS)[number]): string {
  const { security } = system.site.meters[at] ?? assert.fail();
  const secret = security?.setup.securityOf(CONTROL_CLIENT).keys[key] ?? assert.fail(`no ${key} key`);
  return toHex(octetsOfKey(secret));
}

/** Until an edge has an order in hand that has not ended. */
async function untilUnderWay(system: VirtualSystem): Promise<void> {
  for (let seconds = 0; seconds < 3 * 3_600; seconds++) {
    const open = await openOrders(system);
    if (open.some(({ state }) => state === 'started' || state === 'accepted')) return;
    await system.run(1_000);
  }
  assert.fail('no order is given');
}

async function assertWhole(system: VirtualSystem): Promise<void> {
  const used = new Set<string>();
  for (const [at, file] of FILES.entries()) {
    const filed = { encryption: file.encryptionKey, authentication: file.authenticationKey, master: file.masterKey };
    const orders = await ordersOf(system, at);
    for (const key of KEYS) {
      const done = orders.filter(
        ({ state, body }) => state === 'done' && body.kind === 'key-rotation' && body.key === key,
      );
      assert.equal(
        done.length,
        1,
        `${key} of meter ${at}: ${orders.map(({ state, sentence }) => `${state} ${sentence}`)}`,
      );
      assert.notEqual(keyIn(system, at, key), filed[key], `${key} of meter ${at} is another one`);
      used.add(keyIn(system, at, key));
    }
  }
  assert.equal(used.size, METERS * KEYS.length, 'no two keys are the same');
  const { lost, duplicated, altered, invented, settled } = await system.settledVerdict();
  assert.deepEqual(
    { lost, duplicated, altered, invented, settled },
    { lost: 0, duplicated: 0, altered: 0, invented: 0, settled: true },
  );
}

/** Every meter is asked anew by an edge that knows nothing but its disk. */
async function assertReadable(system: VirtualSystem): Promise<void> {
  system.fault({ kind: 'edge-restart' });
  const fromMs = system.world.nowMs;
  await system.run(2 * HOUR_MS);
  for (const { device } of system.site.meters) {
    const rule = device.profile.buffers[0] ?? assert.fail();
    const mark = system.concentrator?.journal.watermark(device.meterId as MeterId, rule.obis) ?? assert.fail();
    assert.ok(mark > fromMs, `${device.meterId} is read after the restart`);
  }
}

test('ALA-3 a schedule changes every key of every meter once, one order at a time, and nothing read is lost', async () => {
  const system = await started(41);
  for (let hours = 0; hours < 6; hours++) {
    await system.run(HOUR_MS);
    assert.ok((await openOrders(system)).length <= 1);
  }
  await assertWhole(system);
  await assertReadable(system);
  await system.stop();
});

test('ALA-3 a schedule goes on over an edge that is killed in a change, a new collector and a meter that is away: no key is lost', async () => {
  const system = await started(43);
  system.fault({ kind: 'meter', meter: AWAY, how: 'silent', forMs: 40 * MINUTE_MS });
  await untilUnderWay(system);
  system.fault({ kind: 'edge-kill', offMs: 20_000 });
  await system.run(HOUR_MS);
  await untilUnderWay(system);
  system.fault({ kind: 'collector-kill', offMs: 60_000 });
  await system.run(4 * HOUR_MS);
  await assertWhole(system);
  await assertReadable(system);
  await system.stop();
});
