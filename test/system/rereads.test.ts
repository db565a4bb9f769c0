/**
 * What is lost between a meter and the database, and is still in the meter: the collector orders it to be read again, and it
 * ends in 0 0 0 0. Nothing but the order brings these values back; the tests hold that against a verdict before it.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { swarmProfiles } from '../../src/lab/proofs/swarm.ts';
import { VirtualSystem } from '../../src/lab/virtual-system.ts';
import type { MeterId } from '../../src/model/ids.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const profiles = await swarmProfiles((path) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8'));

function started(seed: number, meters = 4): Promise<VirtualSystem> {
  return VirtualSystem.start({ seed, meters, profiles, crypto: HOST_CRYPTO });
}

async function assertClean(system: VirtualSystem): Promise<void> {
  const { lost, duplicated, altered, invented, settled, produced, samples } = await system.settledVerdict();
  const expected = { lost: 0, duplicated: 0, altered: 0, invented: 0, settled: true };
  assert.deepEqual({ lost, duplicated, altered, invented, settled }, expected, samples.join('\n'));
  assert.ok(produced > 1_000, `${produced} values`);
  await system.stop();
}

const recordsOf = async (system: VirtualSystem) => (await system.store.rereads({ limit: 1_000 })).items;

/** Causes of the gaps of all meters within a day. */
async function causesOf(system: VirtualSystem): Promise<string[]> {
  const { nowMs } = system.world;
  const found = await Promise.all(
    system.site.meters.map(({ device }) =>
      system.store.gaps({ meterId: device.meterId as MeterId, fromMs: nowMs - DAY_MS, toMs: nowMs, nowMs }),
    ),
  );
  return [...new Set(found.flat().map(({ cause }) => cause))].filter((cause) => cause !== 'not-due').sort();
}

test('blocks that the collector cannot decode were acknowledged: only ordered re-reading brings their values, once each', async () => {
  const system = await started(41);
  await system.run(2 * DAY_MS);
  system.fault({ kind: 'blocks-unreadable', count: 4 });
  const faultMs = system.world.nowMs;
  await system.run(1.2 * HOUR_MS);
  const before = await system.verdict();
  assert.ok(before.lost > 0, 'what is in the blocks is missing');
  await system.collector?.foldNow();
  assert.deepEqual(await causesOf(system), ['readable-from-meter']);
  await system.run(12 * HOUR_MS);
  const records = await recordsOf(system);
  assert.ok(records.length > 0 && records.every(({ reason }) => reason === 'unreadable-block'));
  const read = records.filter(({ state }) => state === 'done');
  assert.deepEqual(
    [...new Set(records.map(({ state }) => state))].filter((state) => state !== 'arrived'),
    ['done'],
    'each entry is at an end',
  );
  assert.ok(read.every(({ rows, fromMs }) => rows > 0 && fromMs > faultMs - DAY_MS));
  await assertClean(system);
});

test('a collector that lost more than the concentrator keeps: the meters are read again for the rest', async () => {
  const system = await started(42);
  await system.run(17 * DAY_MS);
  system.fault({ kind: 'collector-restored', lostMs: 30 * DAY_MS });
  await system.run(5 * 60_000);
  const before = await system.verdict();
  assert.ok(before.lost > 200, `${before.lost} values are neither in the database nor in the journal`);
  const [declared] = await recordsOf(system);
  assert.deepEqual([declared?.reason, declared?.meterId, declared?.state], ['declared-gap', null, 'waiting']);
  await system.run(DAY_MS);
  const open = (await recordsOf(system)).filter(({ endedAtMs }) => endedAtMs === undefined);
  assert.deepEqual(open, []);
  await assertClean(system);
});

test('W-96 W-99 orders outlive edge and collector, are said again until they are answered, and read once', async () => {
  const system = await started(43);
  await system.run(2 * DAY_MS);
  system.fault({ kind: 'blocks-unreadable', count: 4 });
  await system.run(40 * 60_000);
  for (const line of system.site.places.keys()) system.fault({ kind: 'line-cut', line, forMs: 9 * HOUR_MS });
  await system.run(2 * HOUR_MS);
  const stateOf = async (ids: readonly string[]) => [
    ...new Set((await recordsOf(system)).filter(({ id }) => ids.includes(id)).map(({ state }) => state)),
  ];
  const ordered = (await recordsOf(system)).filter(({ state }) => state === 'ordered').map(({ id }) => id);
  assert.ok(ordered.length > 0, 'meters that do not answer keep their orders open');
  /** Orders that the concentrator keeps and has not carried out. */
  const openAtEdge = async () => {
    const kept = (await system.concentrator?.journal.keptUnder('reread/')) ?? [];
    return kept.flatMap(([key, octets]) => (/"end"/.test(new TextDecoder().decode(octets)) ? [] : [key.slice(7)]));
  };
  assert.deepEqual((await openAtEdge()).sort(), [...ordered].sort());
  system.fault({ kind: 'edge-power-loss', offMs: HOUR_MS });
  system.fault({ kind: 'collector-kill', offMs: HOUR_MS });
  await system.run(3 * HOUR_MS);
  const open = await openAtEdge();
  assert.deepEqual(
    ordered.filter((id) => !open.includes(id)),
    [],
    'a loss of power takes none of them',
  );
  assert.deepEqual(await stateOf(ordered), ['ordered']);
  await system.run(12 * HOUR_MS);
  assert.deepEqual(await stateOf(ordered), ['done']);
  assert.deepEqual(await openAtEdge(), []);
  const ended = (await recordsOf(system)).filter(({ endedAtMs }) => endedAtMs !== undefined);
  assert.equal(ended.length, (await recordsOf(system)).length, 'each entry is at an end');
  await assertClean(system);
});
