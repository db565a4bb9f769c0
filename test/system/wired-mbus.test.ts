/** Water and heat meters on a wired M-Bus, through edge and collector in virtual time. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { type VirtualOptions, VirtualSystem } from '../../src/lab/virtual-system.ts';
import type { MeterId } from '../../src/model/ids.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const profiles = await Promise.all(
  ['generic/wired-water', 'generic/wired-heat'].map(async (key) => ({
    key,
    text: await readFile(new URL(`../../config/profiles/${key}.yaml`, import.meta.url), 'utf8'),
  })),
);

const started = (options: Partial<VirtualOptions> = {}) =>
  VirtualSystem.start({ seed: 51, meters: 6, profiles, crypto: HOST_CRYPTO, layout: 'wired-mbus', ...options });

async function stateOf(system: VirtualSystem, meterId: string) {
  return (await system.store.meter(meterId as MeterId))?.state;
}

test('two days of water and heat on one wire, with a restart of the edge: what the meters told is stored, 0 0 0 0', async () => {
  const system = await started();
  await system.run(DAY_MS);
  system.fault({ kind: 'edge-restart' });
  // To a moment at which nothing is on its way: values of a read-out have no rows to be asked for again.
  await system.run(DAY_MS + 9 * 60_000);
  const { lost, duplicated, altered, invented, settled, produced, samples } = await system.settledVerdict();
  assert.deepEqual(
    { lost, duplicated, altered, invented, settled },
    { lost: 0, duplicated: 0, altered: 0, invented: 0, settled: true },
    samples.join('\n'),
  );
  // Three meters with one register and three with two, a quarter of an hour.
  assert.ok(produced > 2 * 96 * 9 - 100, `${produced} values`);
  const codes = async (id: string) => (await system.store.channels(id as MeterId)).map(({ obis }) => obis).toSorted();
  assert.deepEqual(await codes('m0001'), ['8-0:1.0.0*255']);
  assert.deepEqual(await codes('m0002'), ['6-0:1.0.0*255', '6-0:2.0.0*255']);
  await system.stop();
});

test('a meter that falls silent is told as silent, its neighbours are read on, and it comes back', async () => {
  const system = await started({ meters: 2 });
  await system.run(HOUR_MS);
  const slave = system.site.slaves.get('m0001') ?? assert.fail();
  slave.isDead = true;
  await system.run(3 * HOUR_MS);
  assert.equal((await stateOf(system, 'm0001'))?.state, 'silent');
  assert.equal((await stateOf(system, 'm0002'))?.state, 'reachable');
  slave.isDead = false;
  await system.run(2 * HOUR_MS);
  assert.equal((await stateOf(system, 'm0001'))?.state, 'reachable');
  const { duplicated, altered, invented } = await system.settledVerdict();
  assert.deepEqual({ duplicated, altered, invented }, { duplicated: 0, altered: 0, invented: 0 });
  await system.stop();
});

test('a wrong profile stores nothing of what it misunderstands, and another maker than entered is not the meter', async () => {
  const meters = [
    { id: 'm0001', profile: 'generic/wired-water', equipmentId: 'KAM.10000001' },
    { id: 'm0002', profile: 'generic/wired-heat', equipmentId: '10000002' },
  ];
  const edgeSettings = { lines: [{ id: 'line1', url: 'memory:mbus1', meters }] };
  const system = await started({ meters: 2, edgeSettings });
  await system.run(2 * HOUR_MS);
  assert.deepEqual(await system.store.channels('m0001' as MeterId), []);
  const state = await stateOf(system, 'm0001');
  assert.equal(state?.state, 'reconfigured');
  assert.match(state?.sentence ?? '', /KAM\.10000001 is entered, DWS\.10000001\.01\.07 answers/);
  assert.ok((await system.store.channels('m0002' as MeterId)).length > 0);
  await system.stop();
});
