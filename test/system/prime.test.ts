/** A network over the power line behind a simulated PRIME base node, from the meters to the collector's store. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { VirtualSystem } from '../../src/lab/virtual-system.ts';
import { FIELD, type PlcHabits } from '../../src/sim/plc/habits.ts';
import { simEui48 } from '../../src/sim/serve/base-node.ts';

const text = (key: string) => readFileSync(new URL(`../../config/profiles/${key}.yaml`, import.meta.url), 'utf8');
const KEYS = ['generic/idis', 'generic/gas', 'generic/water'] as const;
const METERS = 12;
const HOUR_MS = 3_600_000;

interface NetworkOptions {
  readonly plc?: PlcHabits;
  readonly meters?: number;
  /** Options of the link. */
  readonly query?: string;
}

function network({ plc = {}, meters = METERS, query = '' }: NetworkOptions = {}) {
  const profiles = KEYS.map((key) => ({ key, text: text(key) }));
  return VirtualSystem.start({
    seed: 5,
    meters,
    profiles,
    crypto: HOST_CRYPTO,
    layout: 'base-node',
    plc,
    plcQuery: query,
  });
}

test('HE-1 electricity, gas and water meters behind one base node: a day arrives whole, nothing twice, altered or invented', async () => {
  const system = await network();
  await system.run(24 * HOUR_MS);
  const verdict = await system.settledVerdict();
  assert.ok(verdict.clean, verdict.samples.join('\n'));
  assert.ok(verdict.produced > 2_000, `${verdict.produced} values`);
  await system.stop();
});

test('HE-1 one message of twenty is lost on the power line: everything arrives all the same', async () => {
  const system = await network({ plc: { loss: 0.05 } });
  await system.run(12 * HOUR_MS);
  const verdict = await system.settledVerdict();
  assert.ok(verdict.clean, verdict.samples.join('\n'));
  assert.ok((system.concentrator?.health.counter('scheduler_jobs_failed') ?? 0) > 0, 'something was lost');
  await system.stop();
});

test('HE-1 meters that leave and join again, under ids that others had, are never taken for each other', async () => {
  const system = await network({ meters: 6 });
  const { site } = system;
  for (let round = 0; round < 40; round++) {
    // In the middle of whatever is being asked.
    await system.run(60_000 + round * 17_137);
    const plc = site.baseNode?.network;
    assert.ok(plc !== undefined);
    const [first, second] = [...plc.nodes.values()].sort(() => (round % 2 === 0 ? 1 : -1));
    assert.ok(first !== undefined && second !== undefined);
    plc.leave(first.meter);
    plc.leave(second.meter);
    await system.run(round * 1_000);
    plc.join(first.meter, second.deviceId);
    plc.join(second.meter, first.deviceId);
  }
  const verdict = await system.settledVerdict();
  assert.ok(verdict.clean, verdict.samples.join('\n'));
  await system.stop();
});

test('HE-1 a meter that is away costs the others nothing, is called silent by name, and is read on when it is back', async () => {
  const system = await network({ meters: 4 });
  await system.run(2 * HOUR_MS);
  const plc = system.site.baseNode?.network;
  const away = plc?.meters[0];
  assert.ok(plc !== undefined && away !== undefined);
  const heldMs = () => system.concentrator?.health.counter('scheduler_periodic_ms') ?? 0;
  plc.leave(away);
  const before = heldMs();
  await system.run(6 * HOUR_MS);
  assert.ok(heldMs() - before < 1_000, `${heldMs() - before} ms of line time in six hours`);
  const meter = system.site.meters.find(({ device }) => device.serial === away.serial);
  const subjects = system.concentrator?.health.subjects() ?? [];
  const own = subjects.find(({ name }) => name === `meter ${meter?.device.meterId}`);
  assert.match(own?.sentence ?? '', /has not joined its network/);
  plc.join(away);
  const verdict = await system.settledVerdict();
  assert.ok(verdict.clean, verdict.samples.join('\n'));
  await system.stop();
});

test('HE-1 the base node restarts: the connection is made again and the network learnt anew', async () => {
  const system = await network({ meters: 4 });
  for (let round = 0; round < 5; round++) {
    await system.run(HOUR_MS + round * 61_000);
    system.fault({ kind: 'line-cut', line: 0, forMs: 600_000 });
  }
  const verdict = await system.settledVerdict();
  assert.ok(verdict.clean, verdict.samples.join('\n'));
  await system.stop();
});

test('HE-1 a network as it is met in the field, restarted twice: late and repeated answers, full buffers and repeaters alter nothing', async () => {
  const system = await network({ meters: 6, plc: FIELD });
  await system.run(2 * HOUR_MS);
  for (let round = 0; round < 2; round++) {
    system.site.baseNode?.restart();
    await system.run(2 * HOUR_MS);
  }
  const { counts } = system.site.baseNode?.modem ?? {};
  const verdict = await system.settledVerdict();
  assert.ok(verdict.clean, `${verdict.samples.join('\n')} ${JSON.stringify(counts)}`);
  assert.ok((counts?.lostRequests ?? 0) > 0 && (counts?.lostAnswers ?? 0) > 0, JSON.stringify(counts));
  assert.ok((counts?.heldMost ?? 0) > 1 && (counts?.heldMost ?? 0) <= 4, `several at once: ${counts?.heldMost} held`);
  assert.equal(counts?.dropped, 0);
  await system.stop();
});

test('HE-1 a late answer never meets the next association: one of ten comes 20 to 50 s after its time, one of ten twice', async () => {
  const late = { share: 0.1, byMs: [20_000, 50_000] } as const;
  const twice = { share: 0.1, afterMs: [500, 5_000] } as const;
  const plc = { ...FIELD, late, twice, loss: 0.01, joinMs: [0, 1_000] } as const;
  const system = await network({ meters: 6, plc, query: '?answer=10000' });
  await system.run(6 * HOUR_MS);
  const health = system.concentrator?.health;
  const [lateNodes, signOns] = ['nodes_late', 'reader_failed_session_rejected'].map(
    (name) => health?.counter(name) ?? 0,
  );
  const verdict = await system.settledVerdict();
  assert.ok(verdict.clean, verdict.samples.join('\n'));
  assert.ok((lateNodes ?? 0) > 0, 'answers came for which nobody waited any more');
  assert.equal(signOns, 0);
  await system.stop();
});

test('HE-1 comings and goings reach the collector as one event an hour, and the edge shows each meter by the hour', async () => {
  const system = await network({ meters: 4 });
  await system.run(HOUR_MS / 2);
  const plc = system.site.baseNode?.network;
  const [away] = plc?.meters ?? [];
  assert.ok(plc !== undefined && away !== undefined);
  for (let round = 0; round < 10; round++) {
    plc.leave(away);
    await system.run(60_000);
    plc.join(away);
    await system.run(60_000);
  }
  await system.run(2 * HOUR_MS);
  const nowMs = system.world.nowMs;
  const { items } = await system.store.events({ fromMs: 0, toMs: nowMs, limit: 1_000 });
  const told = items.filter(({ log }) => log.startsWith('network '));
  assert.ok(told.length >= 1 && told.length <= 2, `${told.length} events of ${plc.meters.length} meters`);
  assert.match(told.map(({ sentence }) => sentence).join(), /10 joins, 10 leaves|14 joins, 10 leaves/);
  assert.equal(told[0]?.meterId, null);
  await system.stop();
});

test('a modem of the simulator has an EUI-48 of its own, locally administered', () => {
  assert.equal(simEui48('10000042'), '020010000042');
});
